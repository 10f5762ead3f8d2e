"""A visit: one link, or one site file, on its way through redirects and repeated attempts to an outcome."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

from webtext.crawl.exchange import Exchange
from webtext.records import Link
from webtext.urls import fetch_url, host_of

_COOKIE = re.compile(r"\s*([^=;,\s\x00-\x1f\x7f]+)=([^;\x00-\x08\x0a-\x1f\x7f]*)(?:;|$)")  # no control characters
_MAX_COOKIES = 50  # of a host in a visit, as many as browsers keep (RFC 6265, section 6.1)
_MAX_COOKIE = 4096  # bytes
_host_of = lru_cache(maxsize=1 << 10)(host_of)  # asked several times in a row of each URL


def origin_of(url: str) -> str:
    """Give scheme, host and port of a URL, to which a robots.txt belongs (RFC 9309, section 2.3).

    >>> origin_of("https://a.test:8080/b?c")
    'https://a.test:8080'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def redirect_target(exchange: Exchange) -> str | None:
    """Give the URL that a redirect leads to, as it is to be asked for; None where it leads nowhere."""
    location = exchange.header("Location")
    if not location:
        return None
    raw = location.encode("latin-1", "replace")  # header bytes; UTF-8 in practice
    try:
        return fetch_url(urljoin(exchange.url, raw.decode("utf-8", "replace").strip()))
    except ValueError:
        return None


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

    url: str  # to be asked for next
    errand: Errand | None = None  # None for a site's file
    site_file: str | None = None  # of a site's file: which ("robots" ...), and of which origin
    origin: str = ""
    hops: list[Exchange] = field(default_factory=list)
    attempts: int = 1  # at the present URL
    is_started: bool = False
    robots: str = ""  # verdict for the present URL
    search: Any = None  # for a capture (webtext.crawl.captures.CaptureSearch), once the link is found dead
    site_signal: str = ""  # opt-out of the site that covers the present URL, whether or not it counts
    _cookies: dict[str, dict[str, str]] = field(default_factory=dict)  # by host; nobody else's visit sees them
    _asked: set[tuple[str, str]] = field(default_factory=set)

    @property
    def host(self) -> str:
        """Give the host to be asked next; "" where the URL is none."""
        return _host_of(self.url)

    def cookies(self) -> str:
        """Give the Cookie header for the present URL's host."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.get(self.host, {}).items())

    def turn_to(self, url: str, exchange: Exchange) -> bool:
        """Follow a redirect; False where the URL was asked for before in the same way, so that it would loop.

        A site that sets a cookie and redirects to the same URL is not a loop: the next request is another one.
        """
        self._asked.add((self.url, self.cookies()))
        self._keep_cookies(exchange)
        self.url, self.attempts = url, 1
        return (self.url, self.cookies()) not in self._asked

    def _keep_cookies(self, exchange: Exchange) -> None:
        assert exchange.response is not None
        jar = self._cookies.setdefault(host_of(exchange.url), {})
        for name, value in exchange.response.headers:
            found = _COOKIE.match(value) if name.lower() == "set-cookie" else None
            if found and len(found[0]) <= _MAX_COOKIE and (len(jar) < _MAX_COOKIES or found[1] in jar):
                jar[found[1]] = found[2].strip()
