"""Pages in other languages, and pages whose encoding is named wrongly or not at all."""

import gzip
from collections.abc import Iterator
from dataclasses import replace

from sample.articles import Article, read_articles
from sample.cases import Answer, Case, Fate, Header, canonical, kept
from sample.markup import mark_up
from sample.ordinary import page_of, post_of
from sample.sites import Site, fill, site_of

# Language: (name of a site, encoding on the wire, as the web of the day had it).
_FOREIGN = {
    "de": ("Abendblatt Nebelstedt", "iso-8859-1"),
    "el": ("Δελτίο Χωριού", "iso-8859-7"),
    "es": ("Cuaderno de Fogones", "utf-8"),
    "fi": ("Saaristokirje", "iso-8859-15"),
    "fr": ("La Gazette du Marché", "windows-1252"),
    "it": ("Quaderni di Provincia", "utf-8"),
    "ja": ("商店街だより", "shift_jis"),
    "nl": ("De Moestuinbode", "utf-8"),
    "pl": ("Gazeta Leśna", "iso-8859-2"),
    "pt": ("Folha de Domingo", "utf-8"),
    "ru": ("Дачный вестник", "windows-1251"),
    "sv": ("Skärgårdsbladet", "utf-8"),
    "tr": ("Vapur Postası", "windows-1254"),
    "zh": ("巷口小报", "gb2312"),
}


def languages(articles: dict[str, Article]) -> Iterator[Case]:
    """Make the cases of pages in other languages and of pages in doubtful encodings."""
    for article in read_articles("foreign").values():
        yield _foreign(article)
    yield from _encodings(articles)


def _foreign(article: Article) -> Case:
    language, _, slug = article.slug.partition("-")
    name, encoding = _FOREIGN[language]
    site = Site(f"{language}.landpost.example", name, "", "foreign", "paragraphs", "/{year}/" + slug, "europe")
    html = fill(
        "foreign",
        title=article.title,
        author=article.author,
        iso=article.date.isoformat(),
        language=language,
        charset=encoding,
        site=name,
        body=mark_up(article.blocks, "paragraphs"),
    )
    headers = (("Content-Type", f"text/html; charset={encoding}" if len(slug) % 2 else "text/html"),)
    answer = Answer(site.url(article), html.encode(encoding, "xmlcharrefreplace"), headers=headers)
    fate = Fate(canonical(site.url(article)), "filter", "language", f"in another language ({language}), as {encoding}")
    return Case((post_of(article, site),), (answer,), (fate,))


def _encodings(articles: dict[str, Article]) -> Iterator[Case]:
    html = {slug: page_of(articles[slug], articles) for slug in _ENCODED}
    yield _encoded(
        articles["food-truck-arithmetic"],
        html["food-truck-arithmetic"].encode("windows-1252"),
        (("Content-Type", "text/html; charset=utf-8"),),
        "the header says UTF-8, the bytes are Windows-1252",
    )
    yield _encoded(
        articles["how-cheese-caves-work"],
        html["how-cheese-caves-work"].replace('<meta charset="UTF-8">\n', "").encode("latin-1"),
        (("Content-Type", "text/html"),),
        "Latin-1, and nobody says so",
    )
    yield _encoded(
        articles["the-width-of-a-street"],
        html["the-width-of-a-street"].encode("utf-16"),
        (("Content-Type", "text/html"),),
        "UTF-16, told by its byte order mark only",
    )
    yield _encoded(
        articles["what-insurance-really-sells"],
        html["what-insurance-really-sells"].replace("utf-8", "iso-8859-1").encode("windows-1252"),
        (("Content-Type", "text/html; charset=x-user-defined"),),
        "the header names an encoding that nobody has, the page another one",
    )
    yield _encoded(
        articles["measuring-the-metre"],
        gzip.compress(html["measuring-the-metre"].encode(), mtime=0),
        (("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", "gzip")),
        "compressed on the wire",
    )


_ENCODED = (
    "food-truck-arithmetic",
    "how-cheese-caves-work",
    "the-width-of-a-street",
    "what-insurance-really-sells",
    "measuring-the-metre",
)


def _encoded(article: Article, body: bytes, headers: tuple[Header, ...], why: str) -> Case:
    site = site_of(article.slug)
    post = replace(post_of(article, site), subreddit="webdev")
    answer = Answer(site.url(article), body, headers=headers)
    return Case((post,), (answer,), (kept(canonical(site.url(article)), why, article.slug),))
