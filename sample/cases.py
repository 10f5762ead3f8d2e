"""What the sample is made of: things posted to Reddit, answers of servers, and what must become of each URL.

A case puts the three side by side, so that a page and its fate are written at one place and cannot drift apart. The URL
of a fate is the canonical one, and is written by hand where it differs from what was posted: the sample must not learn
the right answer from the code that it tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from sample.markup import choose

Header = tuple[str, str]
HTML: tuple[Header, ...] = (("Content-Type", "text/html; charset=utf-8"),)
REASONS = {200: "OK", 301: "Moved Permanently", 302: "Found", 307: "Temporary Redirect", 403: "Forbidden",
           404: "Not Found", 410: "Gone", 451: "Unavailable For Legal Reasons", 500: "Internal Server Error",
           503: "Service Unavailable"}  # fmt: skip


@dataclass(frozen=True)
class Post:
    """A submission to Reddit."""

    url: str | None
    karma: int
    when: int  # seconds since 1970
    title: str
    subreddit: str = "reddit.com"
    changes: Mapping[str, Any] = field(default_factory=dict)  # fields that differ from what its year would have
    without: tuple[str, ...] = ()  # fields that are missing


@dataclass(frozen=True)
class Answer:
    """What a server answers to a URL."""

    url: str
    body: bytes = b""
    status: int = 200
    headers: tuple[Header, ...] = HTML


@dataclass(frozen=True)
class Fate:
    """What must become of a URL: one row of the ledger."""

    url: str  # canonical; "" for a line without one
    stage: Literal["harvest", "fetch", "extract", "filter", "dedup", "corpus"]
    reason: str  # "" where it is kept
    why: str  # a sentence for people
    kept_url: str = ""  # the URL that stays in a duplicate's place
    article: str = ""  # the article whose paragraphs the corpus must hold under this URL


@dataclass(frozen=True)
class Case:
    """Posts, the answers behind them, and their fates."""

    posts: tuple[Post, ...] = ()
    answers: tuple[Answer, ...] = ()
    fates: tuple[Fate, ...] = ()


def canonical(url: str) -> str:
    """Write a URL that is plain already under the scheme that names links.

    Raises:
        ValueError: it has something that a canonical URL would not have, so it must be written by hand.
    """
    rest = url.partition("://")[2]
    if any(mark in rest for mark in ("#", "utm_", "&amp;", ":", " ")) or not url.isascii() or url != url.strip():
        raise ValueError(f"{url} needs its canonical form written by hand")
    return "https://" + (rest.rstrip("/") if "/" in rest.rstrip("/") else rest.rstrip("/") + "/")


def seconds(day: date, key: str) -> int:
    """Choose a moment in the three days after a day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + choose(f"moment {key}", 3 * 86_400)


def kept(url: str, why: str, article: str = "") -> Fate:
    """Say that a canonical URL stays."""
    return Fate(url, "corpus", "", why, article=article)


def redirect(url: str, target: str, status: int = 301) -> Answer:
    """Answer with a redirect."""
    return Answer(url, b"", status, (("Location", target), ("Content-Type", "text/html")))


def page(url: str, html: str, *headers: Header, status: int = 200) -> Answer:
    """Answer with a page in UTF-8."""
    return Answer(url, html.encode(), status, (*HTML, *headers))


def lost(url: str, stage: Any, reason: str, why: str, *answers: Answer, karma: int = 0, title: str = "") -> Case:
    """Make the case of a plain URL, posted once with karma enough, that must be rejected.

    Args:
        url: as posted.
        stage: that rejects it.
        reason: the slug.
        why: for people.
        answers: of the servers on the way.
        karma: 3 or more; chosen where it is 0.
        title: of the post; the last part of the URL where it is "".
    """
    name = title or url.rstrip("/").rpartition("/")[2].partition("?")[0].replace("-", " ")
    when = 1_199_145_600 + choose(f"when {url}", 315_000_000)  # 2008 to 2017
    post = Post(url, karma or 3 + choose(f"karma {url}", 400), when, name)
    return Case((post,), answers, (Fate(canonical(url), stage, reason, why),))
