"""Cookies for the length of one visit: who has set one gets it back, and the hosts of its domain where it says so.

Many sites send a reader away and want to see a cookie before they let them in. The jar is the standard library's; what
it lacks is the Public Suffix List.
"""

import re
from collections.abc import Iterable, Sequence
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.request import Request

from webtext.hosts import is_public_suffix

_MOST = 180  # Chromium keeps as many of a domain (RFC 6265, section 6.1, asks for 50)
_LONGEST = 4096  # bytes of one (RFC 6265, section 6.1)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # a cookie that holds one is none (RFC 6265bis, section 5.7)


# Attributes that say nothing (RFC 6265, sections 5.2.2 and 5.2.4): for the standard library they take the cookie along.
_SAYS_NOTHING = re.compile(r";\s*(?:max-age\s*=(?!\s*-?\d+\s*(?:;|$))|path\s*=(?!\s*/))[^;]*", re.IGNORECASE)
_SHORT_YEAR = re.compile(r"(;\s*expires\s*=[^;]*?[-\s])(\d\d)(?=\s+\d\d?:)", re.IGNORECASE)


def _plain(said: str) -> str:
    """Write a Set-Cookie as RFC 6265 reads it: of two digits, the years 70 to 99 are the last century's (5.1.1)."""
    said = _SAYS_NOTHING.sub("", said)
    return _SHORT_YEAR.sub(lambda year: f"{year[1]}{'19' if int(year[2]) >= 70 else '20'}{year[2]}", said)


class _Policy(DefaultCookiePolicy):
    def set_ok_domain(self, cookie: Cookie, request: Any) -> bool:
        is_own = not cookie.domain_specified or not is_public_suffix(cookie.domain.lstrip("."))
        return is_own and super().set_ok_domain(cookie, request)


class _Said:
    """An answer as a jar looks at it."""

    def __init__(self, cookies: Sequence[str]) -> None:
        self._cookies = cookies

    def info(self) -> "_Said":
        return self

    def get_all(self, name: str, default: Sequence[str] = ()) -> Sequence[str]:
        return self._cookies if name == "Set-Cookie" else default


class Cookies:
    """The cookies of a visit; nobody else's visit sees them."""

    def __init__(self) -> None:
        self._jar: CookieJar | None = None  # made for the first one

    def hear(self, url: str, headers: Iterable[tuple[str, str]]) -> None:
        """Keep or drop cookies as the answer from a URL says (RFC 6265, section 5.3)."""
        said = [value for name, value in headers if name.lower() == "set-cookie"]
        said = [_plain(value) for value in said if len(value) <= _LONGEST and not _CONTROL.search(value)][:_MOST]
        if said:
            self._jar = self._jar or CookieJar(_Policy())
            self._jar.extract_cookies(_Said(said), Request(url))  # type: ignore[arg-type]  # noqa: S310 - opens nothing

    def header(self, url: str) -> str:
        """Give the Cookie header for a request; "" where there is none."""
        if self._jar is None:
            return ""
        request = Request(url)  # noqa: S310 - opens nothing
        self._jar.add_cookie_header(request)
        return request.get_header("Cookie", "")
