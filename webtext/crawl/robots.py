"""robots.txt as RFC 9309 has it: how it is parsed, what it says of a URL, and what an answer without one means.

Parsing and matching are our own: they agree with every public test case of the parser that the RFC's authors run, where
the library that we tried (Protego) differs in six of the twenty groups of cases.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MAX_BYTES = 500 << 10  # parsed; the rest is ignored (RFC 9309, section 2.5: at least 500 kibibytes)
MAX_REDIRECTS = 5  # followed, across hosts too (RFC 9309, section 2.3.1.2)
LIFETIME = 24 * 3600  # seconds that a copy may be used (RFC 9309, section 2.4)
_MAX_LINE = 8 * 2083 - 1  # bytes of a line that count; as Google's parser has it
_PRODUCT_TOKEN = re.compile(r"[A-Za-z_-]+")  # RFC 9309, section 2.2.1
_BYTE_ORDER_MARK = re.compile(rb"\xef(?:\xbb\xbf?)?")  # also one that is cut short
_LINE_END = re.compile(rb"\r\n?|\n")
_ESCAPE = re.compile(rb"%[0-9a-f]{2}|[\x80-\xff]", re.IGNORECASE)
# The names of lines, and the misspellings that Google's parser takes for them.
_NAMES = {
    **dict.fromkeys(("user-agent", "useragent", "user agent"), "user-agent"),
    **dict.fromkeys(("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"), "disallow"),
    **{name: name for name in ("allow", "crawl-delay")},
}


@dataclass(slots=True)
class _Group:
    """The rules of all groups for one agent: patterns as in `path_matches`, percent-encoded."""

    allow: list[str] = field(default_factory=list)
    disallow: list[str] = field(default_factory=list)
    crawl_delay: float = 0.0


@dataclass(frozen=True)
class Robots:
    """What a site lets robots do. `verdict` is "rules", "no_rules" (all is allowed) or "unreachable" (nothing is)."""

    verdict: str
    detail: str = ""
    _groups: dict[str, _Group] = field(default_factory=dict, compare=False)  # by agent in lower case, or "*"

    def judge(self, url: str, agent: str) -> str:
        r"""Judge a percent-encoded URL: "allowed", "disallowed" or "unreachable".

        The longest pattern that matches decides, and `allow` where two are equally long (RFC 9309, section 2.2.2).

        >>> parse_robots(b"user-agent: webtext\ndisallow: /a\n").judge("http://x.test/a/b", "webtext")
        'disallowed'
        """
        if self.verdict == "unreachable":
            return "unreachable"
        group, path = self._group(agent), path_of(url)
        if group is None or path == "/robots.txt":  # never ruled out (RFC 9309, section 2.2.2)
            return "allowed"
        forbidden = max((len(pattern) for pattern in group.disallow if path_matches(pattern, path)), default=0)
        if not forbidden:
            return "allowed"
        permitted = max((_allowed_length(pattern, path) for pattern in group.allow), default=0)
        return "disallowed" if forbidden > permitted else "allowed"

    def crawl_delay(self, agent: str) -> float:
        """Give the seconds that the site asks for between two requests; 0 where it asks for none."""
        group = self._group(agent)
        return group.crawl_delay if group else 0.0

    def _group(self, agent: str) -> _Group | None:
        return self._groups.get(agent.lower()) or self._groups.get("*")


def path_of(url: str) -> str:
    """Give what patterns are matched with: the path and the query of a URL.

    >>> path_of("http://x.test?a=b#c"), path_of("http://x.test/a;b")
    ('/?a=b', '/a;b')
    """
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def path_matches(pattern: str, path: str) -> bool:
    """Match the beginning of a path with a pattern: `*` is any characters, `$` at the end is the path's end.

    Each piece between stars is taken where it first fits, which suffices since a star may be any length; so a hostile
    pattern costs no more than its length times the path's.

    >>> [path_matches("/*.php$", path) for path in ("/a.php", "/a.php?b", "/b/a.php.php")]
    [True, False, True]
    """
    anchored = pattern.endswith("$")
    first, *pieces = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if not pieces:
        return not anchored or path == first
    place = len(first)
    last = pieces.pop() if anchored else ""
    for piece in pieces:
        place = path.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return not anchored or (path.endswith(last) and len(path) - len(last) >= place)


def _allowed_length(pattern: str, path: str) -> int:
    """Give the length of a pattern that allows a path, else 0; one that allows index.html allows its folder too."""
    if path_matches(pattern, path):
        return len(pattern)
    folder, slash, page = pattern.rpartition("/")
    if slash and page.startswith("index.htm") and path == folder + "/":
        return len(folder) + 2
    return 0


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
    """Parse the body of a robots.txt, at most `MAX_BYTES` of it; what makes no sense in it is ignored."""
    groups: dict[str, _Group] = {}
    current: list[_Group] = []
    in_rules = False  # whether a rule came since the last user-agent line, so that the next one begins a new group
    for name, value in _lines(body[:MAX_BYTES]):
        if name == "user-agent":
            if in_rules:
                current, in_rules = [], False
            agent = _agent_of(value)
            if agent:
                current.append(groups.setdefault(agent, _Group()))
            continue
        in_rules = in_rules or name != "crawl-delay"
        for group in current:
            _add_rule(group, name, value)
    return Robots("rules", _groups=groups)


def _lines(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the lines that are known by name, with their values; a colon may be missing, comments are cut off."""
    if mark := _BYTE_ORDER_MARK.match(body):
        body = body[mark.end() :]
    for whole in _LINE_END.split(body):
        line = whole[:_MAX_LINE].partition(b"#")[0].strip()
        name, colon, value = line.partition(b":")
        if not colon:
            words = line.split()
            name, value = words if len(words) == 2 else (b"", b"")
        known = _NAMES.get(name.strip().decode("latin-1").lower())
        if known:
            yield known, value.strip()


def _agent_of(value: bytes) -> str:
    text = value.decode("latin-1")
    if text == "*" or text[:2].rstrip() == "*":
        return "*"
    match = _PRODUCT_TOKEN.match(text)
    return match[0].lower() if match else ""


def _add_rule(group: _Group, name: str, value: bytes) -> None:
    if name == "crawl-delay":
        try:
            seconds = float(value)
        except ValueError:
            return
        if 0 <= seconds < float("inf"):
            group.crawl_delay = max(group.crawl_delay, seconds)
    elif value:  # an empty pattern matches nothing
        pattern = _ESCAPE.sub(_escape, value).decode()
        (group.allow if name == "allow" else group.disallow).append(pattern)


def _escape(match: re.Match[bytes]) -> bytes:
    found = match[0]
    return found.upper() if found.startswith(b"%") else b"%%%02X" % found[0]


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
