"""Pages that a server sends in place of a text: walls, forms, apologies, advertisements, teasers; and Wikipedia."""

from collections.abc import Iterator
from html import escape

from sample.cases import Case, Fate, Post, lost, page

_SHELL = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px Arial;max-width:50em;margin:4em auto}}</style>{head}</head><body>{body}</body></html>"""

HALT = (
    "Pellow Halt was a railway station on the Ashcombe branch, opened in 1887 to serve a slate quarry and the four farms "
    "around it. It had a single platform on the up side, a timber shelter, and a nameboard that the quarry company paid "
    "for. Trains stopped on request only: passengers joining showed their hand to the driver by day and a lamp by night.",
    "Traffic was never heavy. The quarry built its own tramway to the harbour in 1894 and sent its slate that way, after "
    "which the halt lived on milk, schoolchildren and one market day a week. A siding with room for three wagons was "
    "lifted in 1932. The shelter burned down in the winter of 1951 and was replaced by a smaller one of concrete.",
    "The branch closed to passengers in 1963. The platform survives beneath brambles, and the nameboard hangs in the "
    "public bar of the Slate Tavern, where it is said to have been won at cards.",
)


def standins() -> Iterator[Case]:
    """Make the cases of pages that stand in for a text."""
    yield from _walls()
    yield from _apologies()
    yield from _thin()
    yield from _wikipedia()


def _html(title: str, body: str, head: str = "") -> str:
    return _SHELL.format(title=title, head=head, body=body)


def _walls() -> Iterator[Case]:
    waiting = (
        "<h1>www.tidewatch.example</h1><h2>Checking if the site connection is secure</h2><p>Enable JavaScript and cookies "
        "to continue</p><p>www.tidewatch.example needs to review the security of your connection before proceeding. "
        "Ray ID: 6fa2c81e99d3</p>"
    )
    url = "http://www.tidewatch.example/forecast/spring-tides"
    yield lost(
        url,
        "filter",
        "bot_wall",
        "a robot check, sent with a status of 200",
        page(url, _html("Just a moment...", waiting)),
    )
    human = (
        "<h1>Please verify you are human</h1><p>We have seen unusual traffic from your network. Tick the box below to prove "
        "that you are a person, and you will be taken to the page that you wanted. If this keeps happening, write to our "
        "readers' desk with the time and the address at which you were stopped.</p><div class='g-recaptcha'></div>"
    )
    url = "http://www.ledgerline.example/markets/why-copper-moves-first"
    yield lost(
        url,
        "filter",
        "bot_wall",
        "a page that asks whether the reader is human",
        page(url, _html("Ledger Line", human)),
    )
    script = "<div id='root'></div><noscript><p>You need to enable JavaScript to run this app.</p></noscript><script>boot()</script>"
    url = "http://app.skerrynotes.example/n/4417"
    yield lost(
        url,
        "extract",
        "no_text",
        "an application that draws itself by script: no text comes",
        page(url, _html("Skerry Notes", script)),
    )
    consent = (
        "<h1>Before you continue to Fathom Daily</h1><p>We value your privacy. We and our partners store and/or access "
        "information on a device, such as cookies, for personalised ads and content, ad and content measurement, and "
        "audience insights. You may change your mind at any time.</p><p><button>Accept all</button> "
        "<button>Manage options</button></p><p>By clicking Accept all you agree to our partners' legitimate interest.</p>"
    )
    url = "http://www.fathomdaily.example/2017/11/the-last-net-maker"
    yield lost(
        url,
        "filter",
        "consent_wall",
        "a consent form in place of the story",
        page(url, _html("Before you continue to Fathom Daily", consent)),
    )
    members = (
        "<h1>Log in to keep reading</h1><p>This story is for members of the Tallow Book Club. Log in with the address and "
        "password that you chose when you joined, or ask the secretary for a new one.</p>"
        "<form><input name='user'><input type='password' name='password'><button>Log in</button></form>"
    )
    url = "http://club.tallowbooks.example/reviews/the-salt-road"
    yield lost(
        url, "filter", "too_short", "a login form in place of the story", page(url, _html("Tallow Book Club", members))
    )


def _apologies() -> Iterator[Case]:
    missing = (
        "<h1>Page not found</h1><p>Sorry, the page you are looking for may have been moved or deleted. Try the front page, "
        "or have a look at what other readers liked this week.</p>"
    )
    for slug in ("the-lamplighters-strike", "inside-the-button-factory", "a-bridge-too-expensive"):
        url = f"http://www.vanished-weekly.example/features/{slug}"
        yield lost(
            url,
            "filter",
            "soft_404",
            "says with a status of 200 that there is nothing",
            page(url, _html("Page not found - Vanished Weekly", missing)),
        )
    parked = (
        "<h1>gullspotting.example</h1><p>This domain is for sale! Buy this domain from our trusted broker, or browse the "
        "sponsored listings: binoculars, seaside holidays, weather vanes, pet insurance, sea fishing charters.</p>"
    )
    url = "http://gullspotting.example/"
    yield lost(
        url,
        "filter",
        "parked_domain",
        "the domain was sold, and shows advertisements",
        page(url, _html("gullspotting.example is for sale", parked)),
        title="Gull spotting for beginners",
    )


def _thin() -> Iterator[Case]:
    stub = (
        "<article><h1>Coming soon: our guide to estuary birds</h1><p>Our field editor is out with a notebook and a flask. "
        "The guide will stand here by the end of the month, with maps.</p></article>"
    )
    url = "http://www.mudflat-review.example/guides/estuary-birds"
    yield lost(
        url,
        "filter",
        "too_short",
        "a stub: an announcement of what will stand here",
        page(url, _html("Mudflat Review", stub)),
    )
    teaser = (
        "<article><h1>The accountant who counted starlings</h1><p>Every evening at ten to five, when his colleagues were "
        "already looking for their coats, Bertram Oake closed the ledger, opened the window and began to count.</p>"
        "<p>Subscribe to read the remaining 2,140 words of this story.</p></article>"
    )
    url = "http://www.longformquarter.example/stories/the-accountant-who-counted-starlings"
    yield lost(url, "filter", "too_short", "a teaser before a paywall", page(url, _html("Longform Quarter", teaser)))
    words = (
        "ropes",
        "knots",
        "tides",
        "sails",
        "charts",
        "buoys",
        "locks",
        "barges",
        "ferries",
        "winches",
        "anchors",
        "lamps",
    )
    links = "".join(
        f"<li><a href='/l/{number}'>{words[number % 12]} and {words[(number * 5 + 3) % 12]}</a></li>"
        for number in range(90)
    )
    url = "http://linkheap.example/boats.html"
    yield lost(
        url,
        "filter",
        "too_short",
        "a list of links",
        page(url, _html("Ninety links about boats", f"<h1>Ninety links</h1><ul>{links}</ul>")),
    )
    frames = (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Frameset//EN"><html><head><title>Knots</title></head>'
        '<frameset cols="20%,80%"><frame src="menu.htm"><frame src="main.htm"></frameset></html>'
    )
    url = "http://members.oldweb.example/~ropes/index.htm"
    yield lost(url, "extract", "no_text", "a frameset: the text is in other documents", page(url, frames))


def _wikipedia() -> Iterator[Case]:
    text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in HALT)
    article = f"<div id='siteSub'>From Wikipedia, the free encyclopedia</div><h1>Pellow Halt railway station</h1>{text}"
    url = "http://en.wikipedia.org/wiki/Pellow_Halt_railway_station"
    yield lost(
        url,
        "harvest",
        "wikipedia",
        "Wikipedia itself: not even asked",
        page(url, _html("Pellow Halt railway station - Wikipedia", article)),
    )
    url = "http://de.m.wikipedia.org/wiki/Haltepunkt_Pellow"
    yield lost(url, "harvest", "wikipedia", "Wikipedia in another language, for telephones")
    url = "http://www.wikiwand.com/en/Pellow_Halt_railway_station"
    posted = Post(url, 19, 1_446_000_000, "Pellow Halt railway station")
    fate = Fate(
        "https://wikiwand.com/en/Pellow_Halt_railway_station",
        "filter",
        "wikipedia_mirror",
        "a site that copies Wikipedia",
    )
    yield Case(
        (posted,),
        (page(url, _html("Pellow Halt railway station - Wikiwand", f"<h1>Pellow Halt railway station</h1>{text}")),),
        (fate,),
    )
    url = "http://halts.branchlines.example/pellow.html"
    yield lost(
        url,
        "filter",
        "wikipedia_text",
        "a Wikipedia article on another site, which says so",
        page(url, _html("Pellow Halt", article)),
    )
