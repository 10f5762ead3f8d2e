"""What sites allow: robots.txt, and the ways of saying that a page is not for machines to learn from."""

from collections.abc import Iterator
from html import escape

from sample.articles import HERE, Article
from sample.cases import HTML, Answer, Case, Post, canonical, kept, lost, page
from sample.ordinary import page_of, post_of
from sample.sites import site_of

_TEXT = (("Content-Type", "text/plain"),)
_JSON = (("Content-Type", "application/json"),)
_RULES = b"""# Our press is old, and so is our server.
User-agent: *
Disallow: /private/
Disallow: /*?draft=
Allow: /private/catalogue

User-agent: BadBot
Disallow: /
"""


def permissions(articles: dict[str, Article]) -> Iterator[Case]:
    """Make the cases of rules and opt-outs."""
    yield from _robots()
    yield from _opt_outs()
    yield _noindex(articles)


def _unread(title: str, head: str = "") -> str:
    """Make a page that nobody who obeys the rules will read."""
    return (
        f'<!DOCTYPE html><html lang="en"><head><title>{escape(title)}</title>{head}</head><body><article>'
        f"<h1>{escape(title)}</h1><p>Nobody who obeys the rules will ever read this.</p></article></body></html>"
    )


def _robots() -> Iterator[Case]:
    garden = "http://quiet-garden.example"
    closed = Answer(f"{garden}/robots.txt", b"User-agent: *\nDisallow: /\n", headers=_TEXT)
    pages = [page(f"{garden}/{plant}", _unread(plant)) for plant in ("lichen", "moss")]
    yield lost(f"{garden}/lichen", "fetch", "robots_disallowed", "robots.txt lets nobody in", closed, *pages)
    press = "http://thornbury-press.example"
    rules, letters = Answer(f"{press}/robots.txt", _RULES, headers=_TEXT), f"{press}/private/letters"
    why = "robots.txt disallows this path"
    yield lost(letters, "fetch", "robots_disallowed", why, rules, page(letters, _unread("Letters")))
    url = f"{press}/private/catalogue-of-type"
    answer = Answer(url, (HERE / "pages" / "catalogue.html").read_bytes(), headers=HTML)
    fate = kept(canonical(url), "robots.txt allows this path within a disallowed one")
    yield Case((Post(url, 14, 1_386_000_000, "A catalogue of type", "typography"),), (answer,), (fate,))
    broken, essay = "http://out-of-order.example/robots.txt", "http://out-of-order.example/essay"
    why = "robots.txt cannot be had, so nothing may be asked"
    answers = (Answer(broken, b"oops", 503, _TEXT), page(essay, _unread("An essay")))
    yield lost(essay, "fetch", "robots_unreachable", why, *answers)


def _opt_outs() -> Iterator[Case]:
    url = "http://inkandwater.example/process"
    header = ("X-Robots-Tag", "noai, noimageai")
    yield lost(url, "fetch", "opt_out_noai", "X-Robots-Tag says noai", page(url, _unread("How I paint"), header))
    url = "http://inkandwater.example/materials"
    html = _unread("What I paint with", '<meta name="robots" content="noai">')
    yield lost(url, "fetch", "opt_out_noai", "the page says noai", page(url, html))
    url = "http://rights-reserved.example/column"
    answer = page(url, _unread("A column"), ("TDM-Reservation", "1"))
    yield lost(url, "fetch", "opt_out_tdm", "the answer reserves text and data mining", answer)
    url = "http://reserved-by-file.example/stories/one"
    rules = b'[{"location": "/stories/*", "tdm-reservation": 1}]'
    file = Answer("http://reserved-by-file.example/.well-known/tdmrep.json", rules, headers=_JSON)
    why = "the site reserves text and data mining for its stories"
    yield lost(url, "fetch", "opt_out_tdm", why, file, page(url, _unread("One")))
    url = "http://no-training.example/notes/on-glue"
    file = Answer("http://no-training.example/ai.txt", b"User-Agent: *\nDisallow: /\n", headers=_TEXT)
    yield lost(
        url, "fetch", "opt_out_ai_txt", "ai.txt lets nobody learn from the site", file, page(url, _unread("On glue"))
    )


def _noindex(articles: dict[str, Article]) -> Case:
    article = articles["the-swallows-leave-the-wire"]
    url = site_of(article.slug).url(article)
    answer = page(url, page_of(article, articles), ("X-Robots-Tag", "noindex"))
    why = "asks search engines not to list it, which is no opt-out of learning"
    fate = kept(canonical(url), why, article.slug)
    return Case((post_of(article, site_of(article.slug)),), (answer,), (fate,))
