"""What happens on the way to a page: redirects that arrive, redirects that do not, and servers that say no."""

from collections.abc import Iterator
from itertools import pairwise

from sample.articles import Article
from sample.cases import Answer, Case, Fate, canonical, kept, lost, page, redirect
from sample.ordinary import page_of, post_of
from sample.sites import site_of

_SORRY = "<html><head><title>{0}</title></head><body><h1>{0}</h1><p>There is nothing more to say.</p></body></html>"
_STATUSES = (
    (404, "the-duck-that-lived-twice", "not found"),
    (410, "a-tour-of-our-old-offices", "gone for good"),
    (403, "minutes-of-the-allotment-society", "forbidden"),
    (451, "what-the-judge-said", "withheld for legal reasons"),
    (500, "index-of-all-indexes", "the server breaks each time"),
    (503, "live-results", "the server is overloaded each time"),
)


def network(articles: dict[str, Article]) -> Iterator[Case]:
    """Make the cases of redirects and errors."""
    yield _moved_twice(articles)
    yield _shortened(articles)
    yield _secured(articles)
    yield _shortened_copy(articles)
    yield from _bad_redirects()
    for status, slug, why in _STATUSES:
        url = f"http://errors{status}.mishap.example/{slug}"
        yield lost(url, "fetch", f"http_{status}", why, page(url, _SORRY.format(why), status=status))
    yield lost("http://never-archived.example/lost-post", "fetch", "http_404", "nobody ever archived it")


def _arrives(article: Article, articles: dict[str, Article], why: str, *redirects: Answer) -> Case:
    """A posted URL that leads to an article by redirects; the document keeps the posted URL as its name."""
    posted, location = redirects[0].url, dict(redirects[-1].headers)["Location"]
    url = location if "://" in location else site_of(article.slug).url(article)
    post = post_of(article, site_of(article.slug), 0, posted)
    fate = kept(canonical(posted), why, article.slug)
    return Case((post,), (*redirects, page(url, page_of(article, articles))), (fate,))


def _moved_twice(articles: dict[str, Article]) -> Case:
    article = articles["last-box-on-tannery-road"]
    home = site_of(article.slug)
    posted, middle = "http://gazette.oldharbour.example/archive/1123", f"http://{home.host}/go/1123"
    relative = home.url(article).removeprefix(f"http://{home.host}")
    hops = (redirect(posted, middle), redirect(middle, relative, 302))
    return _arrives(article, articles, "a site that moved twice: 301, then 302, then the page", *hops)


def _shortened(articles: dict[str, Article]) -> Case:
    article = articles["the-taste-of-water"]
    hop = redirect("http://qk.example/3fT", site_of(article.slug).url(article))
    return _arrives(article, articles, "a shortened link", hop)


def _secured(articles: dict[str, Article]) -> Case:
    article = articles["under-the-lawn"]
    secure = site_of(article.slug).url(article, "https")
    hop = redirect(secure.replace("https:", "http:").rstrip("/"), secure)
    return _arrives(article, articles, "a site that moved to https and likes a final slash", hop)


def _shortened_copy(articles: dict[str, Article]) -> Case:
    article = articles["case-for-boring-technology"]
    target, short = site_of(article.slug).url(article), "http://teeny.example/boring"
    why = "a shortened link to a page that is posted itself, with more karma"
    fate = Fate(canonical(short), "dedup", "exact_duplicate", why, canonical(target))
    post = post_of(article, site_of(article.slug), 3, short)
    return Case((post,), (redirect(short, target, 302),), (fate,))


def _bad_redirects() -> Iterator[Case]:
    there, back = "http://carousel.example/there", "http://carousel.example/back"
    around = (redirect(there, back, 302), redirect(back, there, 302))
    yield lost(there, "fetch", "redirect_loop", "there and back again", *around)
    floors = [f"http://stairs.example/floor/{number}" for number in range(15)]
    steps = [redirect(here, above, 302) for here, above in pairwise(floors)]
    yield lost(floors[0], "fetch", "too_many_redirects", "redirects without an end", *steps)
    yield lost(
        "http://nowhere.example/out",
        *("fetch", "bad_redirect", "a redirect that does not say where to"),
        Answer("http://nowhere.example/out", status=302),
    )
    for slug, target, stage, reason, why in (
        ("9aB", "http://quiet-garden.example/moss", "fetch", "robots_disallowed", "to a site that lets no robot in"),
        ("meta", "http://169.254.169.254/latest/", "fetch", "private_address", "to a cloud's metadata service"),
        ("halt", "http://en.wikipedia.org/wiki/Pellow_Halt_railway_station", "fetch", "wikipedia", "to Wikipedia"),
        ("pic", "http://pictures.example/7731", "fetch", "not_html", "to a picture"),
    ):
        url = f"http://qk.example/{slug}"
        yield lost(url, stage, reason, f"a shortened link {why}", redirect(url, target))
