"""Submissions as dumps hold them: too little karma, no link, no page, fields missing or of another type, damage."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sample.articles import Article
from sample.cases import Case, Fate, Post, canonical, kept, page
from sample.ordinary import page_of, post_of
from sample.sites import site_of

_MARCH_2012, _MAY_2016 = 1_331_000_000, 1_462_500_000

# Lines that are no submissions. Two of them are blank, which is nothing and no fate.
DAMAGED_LINES = (
    b'{"archived":true,"author":"low_water_mark","created_utc":1388538000,"domain":"harbour-gazette.exam',
    b"",
    b"\x00\x00\x00\x00\x00\x00 \xff\xfe lost sector",
    b"[]",
    b"   ",
    b'"score"',
    b"<html><head><title>502 Bad Gateway</title></head></html>",
)


def oddities(articles: dict[str, Article]) -> Iterator[Case]:
    """Make the cases of odd submissions."""
    yield from _unpopular()
    yield from _not_outbound()
    yield from _not_links()
    yield from _odd_fields(articles)
    why = "a line that is no submission: cut off, garbage, or JSON of another shape"
    yield Case(fates=tuple(Fate("", "harvest", "malformed_line", why) for line in DAMAGED_LINES if line.strip()))


def _posts(url: str, karmas: tuple[int, ...], reason: str, why: str, name: str = "") -> Case:
    posts = tuple(
        Post(url, karma, _MARCH_2012 + 86_400 * 30 * number, "You should see this")
        for number, karma in enumerate(karmas)
    )
    return Case(posts, (), (Fate(name or canonical(url), "harvest", reason, why),))


def _unpopular() -> Iterator[Case]:
    yield _posts("http://plainmargin.example/draft-of-nothing-much", (2,), "low_karma", "2 karma; 3 are asked for")
    yield _posts("http://halfacup.example/buy-my-apron/", (0,), "low_karma", "no karma")
    yield _posts("http://www.brightwater-mutual.example/press/synergy", (-4,), "low_karma", "voted down")
    yield _posts(
        "http://twosocksandacompass.example/?p=9",
        (2, 2, 1),
        "low_karma",
        "three posts of too little karma: the best one counts, not their sum",
    )


def _not_outbound() -> Iterator[Case]:
    yield _posts("http://i.imgur.com/Qx81zzf", (812,), "media", "a picture: the host has nothing else")
    yield _posts("http://www.northern-relay.example/archive/pier.jpg", (91,), "media", "a picture, by its name")
    yield _posts(
        "http://www.youtube.com/watch?v=a1b2c3d4e5f",
        (455,),
        "media",
        "a film",
        "https://youtube.com/watch?v=a1b2c3d4e5f",
    )
    yield _posts("https://i.redd.it/kq0wq2v1.png", (60,), "media", "a picture on Reddit's own host")
    yield _posts("http://papers.northmere.example/thesis.pdf", (33,), "download", "a document, by its name")
    yield _posts(
        "http://np.reddit.com/r/tides/comments/4x/high_water/", (19,), "reddit_internal", "another page of Reddit's"
    )
    yield _posts(
        "/r/tides/wiki/index",
        (5,),
        "reddit_internal",
        "another page of Reddit's, without a host",
        "/r/tides/wiki/index",
    )
    yield _posts(
        "http://127.0.0.1:8080/admin",
        (7,),
        "private_address",
        "the reader's own machine",
        "https://127.0.0.1:8080/admin",
    )
    yield _posts("http://192.168.1.1/setup.cgi", (4,), "private_address", "somebody's router")
    yield _posts(
        "http://0x7f.1/", (6,), "private_address", "the reader's own machine, in hexadecimal", "https://127.0.0.1/"
    )
    yield _posts("http://printer.local/status", (11,), "private_address", "somebody's printer")
    yield _posts(
        "ftp://ftp.oldweb.example/pub/knots.txt",
        (8,),
        "not_http",
        "a link that no browser follows any more",
        "ftp://ftp.oldweb.example/pub/knots.txt",
    )
    yield _posts(
        "mailto:editor@harbour-gazette.example",
        (3,),
        "not_http",
        "an address to write to",
        "mailto:editor@harbour-gazette.example",
    )
    yield _posts("http://", (3,), "malformed_url", "half a URL", "http://")


def _not_links() -> Iterator[Case]:
    for number, text in enumerate(
        (
            "Has anybody here restored a pocket watch?",
            "Start here: http://forum.shedtalk.example/viewtopic.php?f=12&amp;t=10001",
        )
    ):
        link = f"https://www.reddit.com/r/watchmaking/comments/4hx{number}/a_question/"
        changes = {"is_self": True, "domain": "self.watchmaking", "selftext": text}
        post = Post(link, 44, _MAY_2016 + number, "A question", "watchmaking", changes)
        name = f"https://reddit.com/r/watchmaking/comments/4hx{number}/a_question"
        yield Case((post,), (), (Fate(name, "harvest", "self_post", "a post with a text of its own, not a link"),))
    nothing = Post(None, 12, _MAY_2016, "[deleted by user]", "tides", {"author": "[deleted]"})
    yield Case((nothing,), (), (Fate("", "harvest", "no_url", "the URL is null"),))
    bare = Post("http://plainmargin.example/unscored", 0, _MAY_2016, "No score", "tides", {}, ("score", "ups", "downs"))
    yield Case((bare,), (), (Fate(canonical(bare.url or ""), "harvest", "no_score", "no field tells the karma"),))


def _odd_fields(articles: dict[str, Article]) -> Iterator[Case]:
    yield _odd(articles["why-bridges-hum"], articles, "the URL stands in url_overridden_by_dest only", override=True)
    yield _odd(
        articles["how-many-shuffles"],
        articles,
        "a URL as HTML would write it, with &amp;",
        query="?highlight=deck&version=2.3",
        posted_query="?highlight=deck&amp;version=2.3",
    )
    yield _odd(
        articles["what-you-get-what-you-expect"],
        articles,
        "ups and downs, but no score",
        changes={"ups": 31, "downs": 9, "created_utc": "1292976000.0", "over_18": True},
        without=("score",),
    )
    yield _international(articles)
    yield _crosspost(articles)


def _odd(
    article: Article,
    articles: dict[str, Article],
    why: str,
    *,
    query: str = "",
    posted_query: str = "",
    override: bool = False,
    changes: dict[str, Any] | None = None,
    without: tuple[str, ...] = (),
) -> Case:
    """An article whose post has a field that is not as usual."""
    site = site_of(article.slug)
    url = site.url(article) + query
    post = replace(post_of(article, site), url=site.url(article) + posted_query, changes=changes or {}, without=without)
    if override:
        post = replace(post, url=None, changes={"url_overridden_by_dest": url})
    return Case((post,), (page(url, page_of(article, articles)),), (kept(canonical(url), why, article.slug),))


def _international(articles: dict[str, Article]) -> Case:
    """A host and a path beyond ASCII, posted as a reader sees them."""
    article = articles["tidewrack-books-review"]
    post = post_of(article, site_of(article.slug), 27, "http://bücherstube.example/über uns?ort=küste")
    asked = "http://xn--bcherstube-9db.example/%C3%BCber%20uns?ort=k%C3%BCste"
    name = asked.replace("http:", "https:")
    fate = kept(name, "letters beyond ASCII in host, path and query, and a blank", article.slug)
    return Case((post,), (page(asked, page_of(article, articles)),), (fate,))


def _crosspost(articles: dict[str, Article]) -> Case:
    """A submission that was harvested twice, and its crosspost: the second reading is set aside."""
    article = articles["how-batteries-grow-old"]
    url = site_of(article.slug).url(article)
    first = Post(url, 5, _MAY_2016 + 30_000_000, article.title, "batteries", {"id": "7tw1ce", "name": "t3_7tw1ce"})
    crosspost = replace(
        first, karma=2, when=first.when + 3600, subreddit="hardware", changes={"crosspost_parent": "t3_7tw1ce"}
    )
    fate = Fate(canonical(url), "harvest", "repeated_submission", "the same submission a second time: counted once")
    return Case((first, first, crosspost), (), (fate,))
