"""The sites of the sample: an article in, a page out as that kind of site would have served it."""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape, unescape
from html.parser import HTMLParser
from string import Template

from sample.articles import HERE, Article
from sample.markup import choose, mark_up

FEWEST_WORDS = 4  # a piece of a template with as many is a sentence of its own, and must not be in a corpus
_UNSEEN = frozenset({"script", "style", "title"})


@dataclass(frozen=True)
class Site:
    """A site: what it is called, how its pages look, and which articles first stood there."""

    host: str
    name: str
    tagline: str
    template: str
    markup: str
    path: str
    subreddit: str
    interruption: str = ""
    articles: tuple[str, ...] = ()

    def url(self, article: Article, scheme: str = "http") -> str:
        """Give the address of an article here."""
        day = article.date
        path = self.path.format(
            slug=article.slug,
            number=10_000 + choose(f"{self.host} {article.slug}", 90_000),
            year=day.year,
            month=f"{day.month:02d}",
            day=f"{day.day:02d}",
        )
        return f"{scheme}://{self.host}{path}"

    def page(self, article: Article, related: Sequence[Article] = ()) -> str:
        """Lay an article out as a page of this site."""
        body = mark_up(article.blocks, self.markup, self.interruption)
        return _template(self.template).substitute(
            {name: escape(value) for name, value in self._facts(article).items()},
            body=body,
            json_title=json.dumps(article.title)[1:-1],
            related="".join(
                f'<li><a href="{escape(self.url(other))}">{escape(other.title)}</a></li>' for other in related
            ),
            related_breaks="<BR>".join(f'<A HREF="{other.slug}.htm">{escape(other.title)}</A>' for other in related),
        )

    def _facts(self, article: Article) -> dict[str, str]:
        day = article.date
        facts = {
            "title": article.title,
            "author": article.author,
            "date": f"{day.day} {day:%B %Y}",
            "iso": day.isoformat(),
            "section": article.section,
            "slug": article.slug,
            "number": str(10_000 + choose(article.slug, 90_000)),
            "site": self.name,
            "host": self.host,
            "tagline": self.tagline,
            "url": self.url(article),
        }
        comments = read_comments()
        first = choose(f"comments {article.slug}", len(comments))
        for number, place in enumerate((first, first + 1), start=1):
            facts[f"commenter{number}"], facts[f"comment{number}"] = comments[place % len(comments)]
        return facts

    def wearing(self, template: str, markup: str = "paragraphs") -> "Site":
        """Give the same site in another template."""
        return replace(self, template=template, markup=markup, interruption="")


@cache
def _template(name: str) -> Template:
    return Template((HERE / "templates" / f"{name}.html").read_text("utf-8"))


def fill(name: str, **fields: str) -> str:
    """Fill a template that is not a site's own; fields are text, and `body` is HTML."""
    escaped = {key: value if key == "body" else escape(value) for key, value in fields.items()}
    return _template(name).substitute(escaped)


@cache
def read_sites() -> dict[str, Site]:
    """Read the sites, by host."""
    data = tomllib.loads((HERE / "sites.toml").read_text("utf-8"))
    sites = [Site(**{**entry, "articles": tuple(entry.get("articles", ()))}) for entry in data["site"]]
    return {site.host: site for site in sites}


@cache
def read_comments() -> tuple[tuple[str, str], ...]:
    """Read what readers say under articles: (name, comment)."""
    lines = (HERE / "comments.txt").read_text("utf-8").splitlines()
    return tuple((name, comment) for name, _, comment in (line.partition(": ") for line in lines))


def site_of(slug: str) -> Site:
    """Find the site on which an article first stood."""
    return next(site for site in read_sites().values() if slug in site.articles)


class _Sentences(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        text = " ".join(unescape(data).split())
        if not _UNSEEN & set(self._open) and "$" not in text and len(text.split()) >= FEWEST_WORDS:
            self.found.append(text)


def furniture(site: Site) -> tuple[str, ...]:
    """List the sentences that a site puts around every article, in order."""
    parser = _Sentences()
    parser.feed(_template(site.template).template)
    parser.feed(site.interruption)
    return tuple(parser.found)


def boilerplate() -> tuple[str, ...]:
    """List what stands around articles, readers' comments included: nothing of it may come into a corpus."""
    sentences = {sentence for site in read_sites().values() for sentence in furniture(site)}
    return tuple(sorted({*sentences, *(comment for _, comment in read_comments())}))
