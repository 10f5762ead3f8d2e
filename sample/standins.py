"""Pages that a server sends in place of a text: walls, forms, apologies, advertisements, teasers; and Wikipedia.

The pages lie in pages/, as the servers would have sent them.
"""

from collections.abc import Iterator
from html import escape

from sample.articles import HERE, Article
from sample.cases import HTML, Answer, Case, Fate, Post, canonical, kept, lost
from sample.sites import fill, site_of

# What was posted, the page that came, the stage that rejects it, its reason, and why.
_STANDINS = (
    (
        "http://www.tidewatch.example/forecast/spring-tides",
        *("checking-your-browser", "filter", "bot_wall", "a robot check, sent with a status of 200"),
    ),
    (
        "http://www.ledgerline.example/markets/why-copper-moves-first",
        *("verify-you-are-human", "filter", "bot_wall", "a page that asks whether the reader is human"),
    ),
    (
        "http://app.skerrynotes.example/n/4417",
        *("needs-javascript", "filter", "bot_wall", "an application that asks for JavaScript, and says nothing else"),
    ),
    (
        "http://pilotbook.example/harbours/gannet-head",
        *("needs-script", "extract", "no_text", "an application that draws itself by script: no text comes"),
    ),
    (
        "http://www.fathomdaily.example/2017/11/the-last-net-maker",
        *("consent", "filter", "consent_wall", "a consent form in place of the story"),
    ),
    (
        "http://club.tallowbooks.example/reviews/the-salt-road",
        *("log-in", "filter", "paywall", "a login form in place of the story"),
    ),
    *(
        (
            f"http://www.vanished-weekly.example/features/{slug}",
            *("not-found-politely", "filter", "soft_404", "says with a status of 200 that there is nothing"),
        )
        for slug in ("the-lamplighters-strike", "inside-the-button-factory", "a-bridge-too-expensive")
    ),
    (
        "http://gullspotting.example/for-beginners",
        *("domain-for-sale", "filter", "parked_domain", "the domain was sold, and shows advertisements"),
    ),
    (
        "http://www.mudflat-review.example/guides/estuary-birds",
        *("coming-soon", "filter", "parked_domain", "a stub: an announcement of what will stand here"),
    ),
    (
        "http://www.longformquarter.example/stories/the-accountant-who-counted-starlings",
        *("teaser", "filter", "paywall", "a teaser before a paywall"),
    ),
    ("http://members.oldweb.example/~ropes/links.htm", "links", "filter", "too_short", "a list of links"),
    (
        "http://members.oldweb.example/~ropes/index.htm",
        *("frames", "extract", "no_text", "a frameset: the text is in other documents"),
    ),
    (
        "http://en.wikipedia.org/wiki/Pellow_Halt_railway_station",
        *("encyclopedia", "harvest", "wikipedia", "Wikipedia itself: not even asked"),
    ),
    (
        "http://halts.branchlines.example/pellow.html",
        *("encyclopedia", "filter", "wikipedia_text", "a Wikipedia article on another site, which says so"),
    ),
)


def standins(articles: dict[str, Article]) -> Iterator[Case]:
    """Make the cases of pages that stand in for a text."""
    for url, name, stage, reason, why in _STANDINS:
        yield lost(url, stage, reason, why, _answer(url, name))
    url = "http://de.m.wikipedia.org/wiki/Haltepunkt_Pellow"
    yield lost(url, "harvest", "wikipedia", "Wikipedia in another language, for telephones")
    url = "http://www.wikiwand.com/en/Pellow_Halt_railway_station"
    name = "https://wikiwand.com/en/Pellow_Halt_railway_station"
    post = Post(url, 19, 1_446_000_000, "Pellow Halt railway station")
    fate = Fate(name, "filter", "wikipedia_mirror", "a site that copies Wikipedia")
    yield Case((post,), (_answer(url, "encyclopedia-mirror"),), (fate,))
    yield _directory(articles)


def _answer(url: str, name: str) -> Answer:
    return Answer(url, (HERE / "pages" / f"{name}.html").read_bytes(), headers=HTML)


def _directory(articles: dict[str, Article]) -> Case:
    """A long list of links: the default preset trusts the karma that it got; others count sentences."""
    links = (
        f'<li><a href="{escape(site_of(slug).url(article))}">{escape(article.title, quote=False)}</a></li>'
        for slug, article in articles.items()
    )
    html = fill("directory", title="Ten years of good reading, a list", body="\n".join(links))
    url = "http://linkheap.example/ten-years-of-good-reading"
    post = Post(url, 58, 1_513_000_000, "Ten years of good reading, a list", "Longreads")
    why = "a long list of links: the default preset has no rule against lists (the presets c4 and fineweb have)"
    return Case((post,), (Answer(url, html.encode()),), (kept(canonical(url), why),))
