"""One text at many addresses: variants of a URL, equal pages, reprints that an editor has touched, and excerpts.

Reprints stand clearly above the near-duplicate threshold (a Jaccard similarity of word 5-grams of 0.7 by default) and
excerpts clearly below it; tests/test_sample.py measures both.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import escape

from sample.articles import Article, Block
from sample.cases import Answer, Case, Fate, Post, canonical, kept, page
from sample.ordinary import page_of, post_of
from sample.sites import Site, fill, read_sites, site_of

_AMERICAN = {"colour": "color", "grey": "gray", "metres": "meters", "kilometres": "kilometers", "centre": "center",
             "neighbour": "neighbor", "favourite": "favorite", "litre": "liter"}  # fmt: skip


def datelined(article: Article) -> Article:
    """Reprint as news agencies do: a dateline before the first words, the last sentence cut to fit."""
    first, *rest = article.blocks
    opening = Block("paragraph", (f"NORTHMERE (Coastal Press) - {first.lines[0]}",))
    ending = replace(rest[-1], lines=(rest[-1].lines[-1].rpartition(". ")[0] + ".",))
    return replace(article, blocks=(opening, *rest[:-1], ending))


def americanised(article: Article) -> Article:
    """Reprint with the spelling of another country, and a note of the editor's at the end."""
    pattern = re.compile("|".join(_AMERICAN))
    blocks = [
        replace(block, lines=tuple(pattern.sub(lambda found: _AMERICAN[found[0]], line) for line in block.lines))
        for block in article.blocks
    ]
    return replace(article, blocks=(*blocks, Block("paragraph", ("Reprinted by kind permission of the author.",))))


def retitled(article: Article) -> Article:
    """Reprint word for word under a headline of one's own."""
    return replace(article, title=f"Weekend read: {article.title}")


def excerpted(article: Article) -> Article:
    """Quote the first two paragraphs, and send readers to the rest."""
    note = (
        "We liked this so much that we asked whether we could show you the beginning of it. What follows is how it "
        "opens; the rest is with the people who first published it, and they deserve the visit more than we do. If you "
        "only read one long thing this weekend, put the kettle on and let it be this one."
    )
    opening = [block for block in article.blocks if block.kind == "paragraph"][:2]
    return replace(article, title=f"Noted: {article.title}", blocks=(Block("paragraph", (note,)), *opening))


def halved(article: Article) -> Article:
    """Run the first of two parts."""
    half = len(article.blocks) // 2
    return replace(article, title=f"{article.title} (part one of two)", blocks=article.blocks[:half])


def copies(articles: dict[str, Article]) -> Iterator[Case]:
    """Make the cases of texts that stand at more than one address."""
    sites = read_sites()
    wire, courier = sites["wire.coastalpress.example"], sites["www.morning-courier.example"]
    reads, digest = sites["reposted-reads.example"], sites["digest.weekendreader.example"]

    for slug in ("how-gps-finds-you", "two-tides-a-day", "the-box-that-shrank-the-world", "when-the-river-comes-in"):
        yield _reprint(
            articles[slug], datelined(articles[slug]), wire, "a wire copy: dateline added, last sentence cut"
        )
    for slug in ("a-short-history-of-concrete", "life-of-a-glacier"):
        yield _reprint(articles[slug], americanised(articles[slug]), courier, "a reprint in American spelling")
    yield _reprint(
        articles["the-box-that-shrank-the-world"],
        retitled(articles["the-box-that-shrank-the-world"]),
        reads,
        "the same words under another headline, which is no part of the text",
        "exact_duplicate",
    )
    for slug in ("how-dams-fail", "why-the-night-is-dark", "nights-on-ward-seven"):
        yield _stays(
            excerpted(articles[slug]), digest, "an excerpt: two paragraphs of another page, too little to be a copy"
        )
    yield _stays(
        halved(articles["growing-up-at-gannet-head"]), reads, "the first half of a longer article: below the threshold"
    )
    yield from (_stronger_copy(articles, courier), _longer_copy(articles, courier), _print_version(articles))
    yield from (_same_bytes(articles), _same_text(articles), _variants(articles))


def _posted_copy(copy: Article, site: Site, karma: int) -> tuple[Post, Answer]:
    post = replace(post_of(copy, site, karma), title=copy.title)
    return replace(post, when=post.when + 20 * 86_400), page(site.url(copy), site.page(copy))


def _reprint(original: Article, copy: Article, site: Site, why: str, reason: str = "near_duplicate") -> Case:
    """A copy with less karma than the original's, which `ordinary` posts: the original stays."""
    post, answer = _posted_copy(copy, site, 3)
    home = canonical(site_of(original.slug).url(original))
    return Case((post,), (answer,), (Fate(canonical(post.url or ""), "dedup", reason, why, home),))


def _stays(copy: Article, site: Site, why: str) -> Case:
    post, answer = _posted_copy(copy, site, 31)
    return Case((post,), (answer,), (kept(canonical(post.url or ""), why),))


def _stronger_copy(articles: dict[str, Article], site: Site) -> Case:
    """The reprint that everybody posted: it stays, and the original goes."""
    article = articles["sitting-in"]
    home = site_of(article.slug)
    post, answer = _posted_copy(datelined(article), site, 2_410)
    original = post_of(article, home, 12)
    copy_url, home_url = canonical(post.url or ""), canonical(home.url(article))
    why = "the original of a reprint that has more karma"
    fates = (
        kept(copy_url, "a reprint with more karma than the original"),
        Fate(home_url, "dedup", "near_duplicate", why, copy_url),
    )
    return Case((post, original), (answer, page(home.url(article), page_of(article, articles))), fates)


def _longer_copy(articles: dict[str, Article], site: Site) -> Case:
    """Equal karma: the longer one stays."""
    article = articles["an-essay-on-silence"]
    home = site_of(article.slug)
    post, answer = _posted_copy(datelined(article), site, 55)
    copy_url, home_url = canonical(post.url or ""), canonical(home.url(article))
    fates = (
        kept(home_url, "as much karma as its shortened reprint, and longer", article.slug),
        Fate(copy_url, "dedup", "near_duplicate", "as much karma as the original, and shorter", home_url),
    )
    original = page(home.url(article), page_of(article, articles))
    return Case((post, post_of(article, home, 55)), (answer, original), fates)


def _print_version(articles: dict[str, Article]) -> Case:
    """The printer-friendly page of an article: other markup around the same words."""
    article = articles["printing-press-unexpected-users"]
    home = site_of(article.slug)
    url = f"{home.url(article)}?print=1"
    day = f"{article.date.day} {article.date:%B %Y}"
    body = "\n".join(f"<p>{escape(line, quote=False)}</p>" for block in article.blocks for line in block.lines)
    html = fill("print", title=article.title, author=article.author, date=day, body=body)
    fate = Fate(canonical(url), "dedup", "near_duplicate", "the printer-friendly page", canonical(home.url(article)))
    return Case((post_of(article, home, 3, url),), (page(url, html),), (fate,))


def _same_bytes(articles: dict[str, Article]) -> Case:
    """One page under two addresses: the same bytes."""
    article = articles["making-marmalade"]
    home = site_of(article.slug)
    first, second = home.url(article), f"http://{home.host}/?page_id=431"
    html = page_of(article, articles)
    fates = (
        kept(canonical(first), "a page that stands under two addresses, the one with more karma", article.slug),
        Fate(canonical(second), "dedup", "exact_duplicate", "the same bytes under another address", canonical(first)),
    )
    posts = (post_of(article, home, 77, first), post_of(article, home, 8, second))
    return Case(posts, (page(first, html), page(second, html)), fates)


def _same_text(articles: dict[str, Article]) -> Case:
    """The page for telephones: other bytes, exactly the same text."""
    article = articles["what-a-piano-tuner-hears"]
    home = site_of(article.slug)
    url = f"{home.url(article)}?m=1"
    why = "the page for telephones, with exactly the same text"
    fate = Fate(canonical(url), "dedup", "exact_duplicate", why, canonical(home.url(article)))
    return Case((post_of(article, home, 3, url),), (page(url, home.page(article)),), (fate,))


def _variants(articles: dict[str, Article]) -> Case:
    """One URL, written in eight ways: one link."""
    article = articles["fails-only-on-tuesdays"]
    home = site_of(article.slug)
    plain = home.url(article)
    path = plain.partition("://")[2].partition("/")[2]
    posted = (
        plain,
        f"https://{home.host}/{path}",
        f"http://{home.host}:80/{path}",
        f"HTTP://{home.host.upper()}/{path}",
        f"{plain}#the-third-tuesday",
        f"{plain}?utm_source=reddit&utm_medium=social",
        f"{plain}?fbclid=IwAR0abc&amp;utm_campaign=spring",
        f"http://{home.host}/en/1.0/../2.3/./notes/{article.slug}.html ",
    )
    posts = [post_of(article, home, 2 + 3 * number, url) for number, url in enumerate(posted)]
    answers = (page(plain, page_of(article, articles)),)
    return Case(
        tuple(posts), answers, (kept(canonical(plain), "eight ways to write one URL are one link", article.slug),)
    )
