"""Captures of dead links: what Common Crawl or the Wayback Machine kept of a page that is gone.

Half of what was posted ten years ago is gone from the web but not from its archives. Here is what a crawl must know to
ask them: the URL of a question, how to read the answer, which capture to take, and how to unwrap it. The requests
themselves go through the crawl like all others.
"""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from urllib.parse import quote, urlencode

from webtext.crawl.exchange import BEGINNING, Exchange
from webtext.crawl.outcomes import REDIRECTS
from webtext.crawl.redirects import redirect_target
from webtext.errors import UsageError
from webtext.urls import host_of
from webtext.warc.warc_reader import iter_warc
from webtext.warc.warc_records import HttpResponse, decode_response, parse_response

# Outcomes of links that are dead: the host is gone or broken, or says that the page is.
DEAD = frozenset(
    (
        *("dns_error", "dead_host", "connect_timeout", "connection_error"),
        *("http_404", "http_410", "http_500", "http_502", "http_503", "http_504"),
    )
)
_WAYBACK = "https://web.archive.org"
_CRAWLS = "https://index.commoncrawl.org/collinfo.json"
_CRAWL_NAME = re.compile(r"CC-MAIN-(\d{4})(?:-(\d\d))?")  # year and week
_COMMON_CRAWL_DATA = "https://data.commoncrawl.org"
_MOST = 50  # captures of a URL that an index is asked for
_MOST_REDIRECTS = 3  # the most between a capture and the one that the archive really has
_MOST_CRAWLS = 3  # the crawls nearest in date whose indexes are asked
_STAMP = "%Y%m%d%H%M%S"


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture of a page, and how it is had."""

    url: str  # the page's
    taken_at: int  # seconds since 1970
    source: str  # URL to ask
    first_byte: int = 0  # `bytes` from here on are the range to ask for: a WARC record
    bytes: int = 0  # 0: the answer is the page itself


class CaptureIndex:
    """An index of captures: "wayback", or "commoncrawl", which has an index of its own for each crawl."""

    def __init__(self, kind: str) -> None:
        """Choose the index; of Common Crawl, the list of crawls is asked for once and then kept."""
        self.kind = kind
        self._crawls: list[tuple[int, str]] = []  # (when, URL of the index)

    def questions(self, url: str, when: int) -> list[str]:
        """Give the URLs to ask for the captures of a page, one after another until one has any."""
        if self.kind == "wayback":
            fields = {"url": url, "output": "json", "filter": "statuscode:200", "closest": _stamp(when), "limit": _MOST}
            return [f"{_WAYBACK}/cdx/search/cdx?{urlencode(fields)}"]
        if not self._crawls:
            return [_CRAWLS]
        fields = {"url": url, "output": "json", "filter": "=status:200", "limit": _MOST}
        near = sorted(self._crawls, key=lambda crawl: (abs(crawl[0] - when), crawl[0]))[:_MOST_CRAWLS]
        return [f"{index}?{urlencode(fields)}" for _, index in near]

    def learn(self, answer: bytes) -> None:
        """Take Common Crawl's list of crawls; one whose date its name does not tell is left out."""
        try:
            crawls = json.loads(answer.decode("utf-8", "replace"))
            found = [(_CRAWL_NAME.fullmatch(crawl["id"]), crawl["cdx-api"]) for crawl in crawls]
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        self._crawls = [(_time_of(name), index) for name, index in found if name]

    def captures(self, answer: bytes) -> Iterator[Capture]:
        """Read the captures of an index's answer; what makes no sense in it is left out."""
        for row in self._rows(answer):
            try:
                taken_at = int(datetime.strptime(row["timestamp"], _STAMP).replace(tzinfo=UTC).timestamp())
                if self.kind == "wayback":
                    page = row["original"]
                    page.encode()  # half a surrogate pair, which JSON may hold, is no part of a URL
                    yield Capture(page, taken_at, f"{_WAYBACK}/web/{row['timestamp']}id_/{page}")
                else:
                    source = f"{_COMMON_CRAWL_DATA}/{quote(row['filename'])}"
                    row["url"].encode()
                    yield Capture(row["url"], taken_at, source, int(row["offset"]), int(row["length"]))
            except (AttributeError, KeyError, TypeError, ValueError):
                continue

    def _rows(self, answer: bytes) -> Iterator[dict[str, str]]:
        """Yield the rows: Wayback's are lists under a list of names, Common Crawl's an object a line."""
        text = answer.decode("utf-8", "replace")
        try:
            if self.kind == "wayback":
                names, *rows = json.loads(text or "[]") or [[]]
                yield from (dict(zip(names, row, strict=False)) for row in rows)
            else:
                yield from (json.loads(line) for line in text.splitlines() if line.strip())
        except (ValueError, TypeError, RecursionError):
            return


def nearest(captures: Iterator[Capture], when: int) -> Capture | None:
    """Choose the capture nearest in time; of two equally near, the earlier, then the smaller source."""
    return min(captures, key=lambda each: (abs(each.taken_at - when), each.taken_at, each.source), default=None)


class CaptureSearch:
    """The way from a dead link to its capture: ask the index, take the nearest, ask for it, unwrap it."""

    def __init__(
        self, index: CaptureIndex, url: str, when: int, failure: tuple[str, str] = ("", ""), dead_url: str = ""
    ) -> None:
        """Look for a page as it was at a time (seconds since 1970).

        Args:
            index: where to look.
            url: of the page.
            when: the time.
            failure: outcome and detail of the link where no capture is found.
            dead_url: the URL that it failed at.
        """
        self._index, self._when = index, when
        self.failure, self.dead_url = failure, dead_url
        self._url, self._questions = url, index.questions(url, when)
        self.next_url = self._questions.pop(0)
        self.capture: Capture | None = None
        self._redirects = 0

    @property
    def byte_range(self) -> tuple[int, int] | None:
        """Give the first and last byte to ask for; None for all."""
        if self.capture is None or not self.capture.bytes:
            return None
        return self.capture.first_byte, self.capture.first_byte + self.capture.bytes - 1

    def hear(self, exchange: Exchange) -> Exchange | None:
        """Take an answer: gives the captured page, or None with `next_url` to ask, "" where the search has failed."""
        url, self.next_url = self.next_url, ""
        if self.capture is None:
            self._hear_index(url, exchange.beginning if not exchange.outcome and exchange.status == 200 else b"")
            return None
        if exchange.status in REDIRECTS and self._redirects < _MOST_REDIRECTS:
            target = redirect_target(exchange) or ""
            self._redirects += 1
            self.next_url = target if host_of(target) == host_of(url) else ""
            return None
        return unwrap(exchange, self.capture)

    def _hear_index(self, url: str, answer: bytes) -> None:
        if url == _CRAWLS:
            self._index.learn(answer)
            self._questions = [each for each in self._index.questions(self._url, self._when) if each != _CRAWLS]
        else:
            self.capture = nearest(self._index.captures(answer), self._when)
        if self.capture is not None:
            self.next_url = self.capture.source
        elif self._questions:
            self.next_url = self._questions.pop(0)


def unwrap(exchange: Exchange, capture: Capture) -> Exchange | None:
    """Make of a capture's answer the exchange that it is a record of; None where it is none."""
    if exchange.outcome or exchange.response is None:
        return None
    if not capture.bytes:
        page = replace(exchange, url=capture.url, began_at=capture.taken_at)
        return page if exchange.status == 200 else None
    response = _recorded(exchange.response.body) if exchange.status == 206 else None
    if response is None:
        return None
    beginning = decode_response(response).body[:BEGINNING]
    return replace(exchange, url=capture.url, began_at=capture.taken_at, response=response, beginning=beginning)


def _recorded(body: bytes) -> HttpResponse | None:
    """Read the one response record that a range of an archive is."""
    try:
        for record in iter_warc(io.BytesIO(body)):
            return parse_response(record.block) if record.is_http_response and record.is_whole else None
    except UsageError:  # the range held something else
        return None
    return None


def _time_of(name: re.Match[str]) -> int:
    """Give the time of a crawl from the year and week in its name."""
    day = date.fromisocalendar(int(name[1]), min(int(name[2] or 26), 52), 1)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _stamp(when: int) -> str:
    return datetime.fromtimestamp(when, UTC).strftime(_STAMP)
