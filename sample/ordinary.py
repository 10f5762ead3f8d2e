"""The web as one would like it: every article on its own site, posted once or a few times."""

from collections.abc import Iterator
from dataclasses import replace

from sample.articles import Article
from sample.cases import Case, Post, canonical, kept, page, seconds
from sample.markup import choose
from sample.sites import Site, read_sites

# Articles whose own address is not posted plainly: other modules tell how the sample comes by them.
ELSEWHERE = frozenset(
    {
        "a-harbour-town-in-twelve-chapters", "last-box-on-tannery-road", "the-taste-of-water", "tidewrack-books-review",
        "how-cheese-caves-work", "food-truck-arithmetic", "the-width-of-a-street", "what-insurance-really-sells",
        "measuring-the-metre", "how-to-choose-a-used-car", "the-stone-that-turns-wrong", "sitting-in",
        "an-essay-on-silence", "making-marmalade", "fails-only-on-tuesdays", "why-bridges-hum", "under-the-lawn",
        "the-swallows-leave-the-wire", "how-many-shuffles", "what-you-get-what-you-expect",
    }
)  # fmt: skip
_OTHER_SUBREDDITS = ("todayilearned", "wikipedia", "DepthHub", "books", "AskHistorians", "lectures", "philosophy")
_2018 = 1_514_764_800  # submissions go on until 2024: old articles are found again


def post_of(article: Article, site: Site, karma: int = 0, url: str = "") -> Post:
    """Post an article some time after it appeared; its karma is chosen by its name where none is given."""
    address = url or site.url(article)
    chosen = karma or (3 if article.slug == "thick-walls" else _karma(article.slug))
    return Post(address, chosen, seconds(article.date, address), article.title, site.subreddit)


def _karma(slug: str) -> int:
    """Spread karma as Reddit does: mostly little, now and then thousands."""
    return 3 + int(1.0009 ** choose(f"karma {slug}", 9_000))


def neighbours(article: Article, site: Site, articles: dict[str, Article]) -> list[Article]:
    """List the articles that a site shows beside one of its own."""
    place = site.articles.index(article.slug)
    around = [*site.articles[place + 1 :], *site.articles[:place]]
    return [articles[slug] for slug in around[:4]]


def page_of(article: Article, articles: dict[str, Article]) -> str:
    """Lay an article out on its own site."""
    site = next(site for site in read_sites().values() if article.slug in site.articles)
    return site.page(article, neighbours(article, site, articles))


def ordinary(articles: dict[str, Article]) -> Iterator[Case]:
    """Make a case of each article that is posted under its own address."""
    for site in read_sites().values():
        for slug in site.articles:
            if slug not in ELSEWHERE:
                yield _case(articles[slug], site, articles)


def _case(article: Article, site: Site, articles: dict[str, Article]) -> Case:
    post = post_of(article, site)
    reposts = []
    for number in range(choose(f"reposts {article.slug}", 12) // 4):
        subreddit = _OTHER_SUBREDDITS[choose(f"{number} {article.slug}", len(_OTHER_SUBREDDITS))]
        karma = choose(f"karma {number} {article.slug}", 6) - 1  # mostly too little by itself: the best one counts
        later = post.when + 40 * 86_400 if number == 0 else _2018 + choose(f"later {article.slug}", 190_000_000)
        reposts.append(replace(post, karma=karma, when=later, subreddit=subreddit))
    answer = page(site.url(article), page_of(article, articles))
    why = f"an article on {site.name}, posted {len(reposts) + 1} time(s), best karma {post.karma}"
    fate = kept(canonical(site.url(article)), why, article.slug)
    return Case((post, *reposts), (answer,), (fate,))
