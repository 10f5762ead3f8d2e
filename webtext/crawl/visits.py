"""A visit: one link, or one site file, on its way through redirects and repeated attempts to an outcome."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from webtext.crawl.cookies import Cookies
from webtext.crawl.exchange import Exchange
from webtext.permissions.signals import Signal
from webtext.records import Link
from webtext.urls import host_of

_host_of = lru_cache(maxsize=1 << 10)(host_of)  # asked several times in a row of each URL


def origin_of(url: str) -> str:
    """Give scheme, host and port of a URL, to which a robots.txt belongs (RFC 9309, section 2.3).

    >>> origin_of("https://a.test:8080/b?c")
    'https://a.test:8080'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class Errand:
    """A link to be fetched from a URL on: its own, or one that a crawl elsewhere was redirected to."""

    link: Link
    url: str

    @classmethod
    def of(cls, link: Link) -> "Errand":
        """Make the errand of a link that nobody has asked for yet."""
        return cls(link, link.fetch_url)


@dataclass(slots=True, eq=False)
class Visit:
    """What is known of a visit so far; only the worker that has its turn changes it."""

    url: str  # the URL to be asked for next
    errand: Errand | None = None  # None for a site's file
    number: int = -1  # the errand's number in the crawl's book
    site_file: str | None = None  # the kind of a site's file ("robots" ...), and its origin
    origin: str = ""
    hops: list[Exchange] = field(default_factory=list)
    attempts: int = 1  # tries of the present URL
    is_started: bool = False
    robots: str = ""  # verdict for the present URL
    search: Any = None  # the search for a capture (webtext.crawl.captures.CaptureSearch), once the link is found dead
    # What the site's files say against the present URL, obeyed or not.
    signals: list[Signal] = field(default_factory=list)
    # The outcome of a page that is the last hop, and waits for the licences that it names.
    page_detail: str | None = None
    file_url: str = ""  # the URL that a site's file was first asked for at
    page: "Visit | None" = None  # the visit as it was at a page that sends its reader on, which is kept if that fails
    _cookies: Cookies = field(default_factory=Cookies)
    _asked: set[tuple[str, str]] = field(default_factory=set)

    @property
    def host(self) -> str:
        """Give the host to be asked next; "" where the URL is none."""
        return _host_of(self.url)

    def cookies(self) -> str:
        """Give the Cookie header for the present URL."""
        return self._cookies.header(self.url)

    def keep_page(self) -> None:
        """Remember the visit as it is now, at a page, before it goes where that page sends its reader."""
        self.page = replace(self, hops=list(self.hops), page=None)

    def turn_to(self, url: str, exchange: Exchange) -> bool:
        """Follow a redirect; False where the URL was asked for before in the same way, so that it would loop.

        A site that sets a cookie and redirects to the same URL is not a loop: the next request is another one.
        """
        self._asked.add((self.url, self.cookies()))
        assert exchange.response is not None
        self._cookies.hear(exchange.url, exchange.response.headers)
        self.url, self.attempts = url, 1
        return (self.url, self.cookies()) not in self._asked
