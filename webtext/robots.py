"""robots.txt as RFC 9309 has it: what an answer to `/robots.txt` means, and what the rules say of a URL.

Parsing and matching are Protego's; here is what surrounds them: which status means what, how much is read, and what
Protego leaves to its caller.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from protego import Protego

MAX_BYTES = 500 << 10  # parsed; the rest is ignored (RFC 9309, section 2.5: at least 500 kibibytes)
MAX_REDIRECTS = 5  # followed, across hosts too (RFC 9309, section 2.3.1.2)
LIFETIME = 24 * 3600  # seconds that a copy may be used (RFC 9309, section 2.4)
_PRODUCT_TOKEN = re.compile(r"[A-Za-z_-]+")  # RFC 9309, section 2.2.1


@dataclass(frozen=True)
class Robots:
    """What a site lets robots do. `verdict` is "rules", "no_rules" (all is allowed) or "unreachable" (nothing is)."""

    verdict: str
    detail: str = ""
    _rules: Protego | None = field(default=None, compare=False)

    def judge(self, url: str, agent: str) -> str:
        r"""Judge a URL: "allowed", "disallowed" or "unreachable".

        >>> parse_robots(b"user-agent: webtext\ndisallow: /a\n").judge("http://x.test/a/b", "webtext")
        'disallowed'
        """
        if self.verdict == "unreachable":
            return "unreachable"
        if self._rules is None or urlsplit(url).path == "/robots.txt":  # never ruled out (RFC 9309, section 2.2.2)
            return "allowed"
        return "allowed" if self._rules.can_fetch(url, agent) else "disallowed"

    def crawl_delay(self, agent: str) -> float:
        """Give the seconds that the site asks for between two requests; 0 where it asks for none."""
        if self._rules is None:
            return 0.0
        delay = self._rules.crawl_delay(agent) or 0.0
        rate = self._rules.request_rate(agent)
        if rate is not None and rate.requests:
            delay = max(delay, rate.seconds / rate.requests)
        return max(0.0, float(delay))


def product_token(agent: str) -> str:
    """Give the part of an agent's name that robots.txt groups are matched with.

    >>> product_token("webtext/0.1 (+mailto:me@example.org)")
    'webtext'
    """
    match = _PRODUCT_TOKEN.match(agent)
    if match is None:
        raise ValueError(f"an agent begins with a product token of letters, - and _, not {agent!r}")
    return match[0]


def parse_robots(body: bytes) -> Robots:
    """Parse the body of a robots.txt: UTF-8, with or without a byte order mark, at most `MAX_BYTES` of it."""
    text = body[:MAX_BYTES].decode("utf-8-sig", "replace")
    return Robots("rules", _rules=Protego.parse(text))


def robots_of_answer(status: int | None, body: bytes, detail: str = "") -> Robots:
    """Tell what the final answer to `/robots.txt` means (RFC 9309, section 2.3.1).

    Args:
        status: of the answer after redirects; None where there was none.
        body: of the answer.
        detail: why there was no answer.

    Any 4xx means that there are no rules, but 429 says "later" and so counts as unreachable, like 5xx and silence: then
    nothing may be fetched. A redirect that leads nowhere counts as 4xx.
    """
    if status is None:
        return Robots("unreachable", detail)
    if status == 429 or status >= 500:
        return Robots("unreachable", f"status {status}")
    if 200 <= status < 300:
        return parse_robots(body)
    return Robots("no_rules", f"status {status}")
