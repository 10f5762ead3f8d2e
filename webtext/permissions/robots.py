"""robots.txt as RFC 9309 has it: how it is parsed, what it says of a URL, and what an answer without one means.

Parsing and matching are our own: they agree with every public test case of the parser that the RFC's authors run, where
the library that we tried (Protego) differs in six of the twenty groups of cases. Besides what may be fetched, the file
says what may be done with it: `Content-Usage`, `Content-Signal`, `DisallowAITraining` and `License` are read here, and
understood in `webtext.permissions.optout`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from webtext.permissions.paths import allowed_length, path_matches, paths_of, pattern_of

MAX_BYTES = 500 << 10  # parsed; the rest is ignored (RFC 9309, section 2.5: at least 500 kibibytes)
MAX_RULES = 10_000  # different ones for the agents that are asked about; a file with more is taken for unreadable
MAX_LICENCES = 3  # the most of a site's that are read
MAX_REDIRECTS = 5  # followed, across hosts too (RFC 9309, section 2.3.1.2)
LIFETIME = 24 * 3600  # seconds that a copy may be used (RFC 9309, section 2.4)
_MAX_LINE = 8 * 2083 - 1  # bytes of a line that count; as Google's parser has it
_PRODUCT_TOKEN = re.compile(r"[A-Za-z_-]+")  # RFC 9309, section 2.2.1
_WORD = re.compile(r"[A-Za-z0-9_.-]+")  # some crawlers have a digit in their name all the same
_BYTE_ORDER_MARK = re.compile(rb"\xef(?:\xbb\xbf?)?")  # also one that is cut short
_LINE_END = re.compile(rb"\r\n?|\n")
_BLANK = b"\x00\t\x0b\x0c "  # NUL too, which editors leave behind
_NO_BREAK_SPACE = "\u00a0".encode()
# The names of lines, and the misspellings that Google's parser takes for them.
_NAMES = {
    **dict.fromkeys(("user-agent", "useragent", "user agent"), "user-agent"),
    **dict.fromkeys(("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"), "disallow"),
    **dict.fromkeys(("content-signal", "content-signals"), "content-signal"),
    **{name: name for name in ("allow", "crawl-delay", "license", "content-usage")},
    **{name: name for name in ("disallowaitraining", "allowaitraining")},
}
_PATH = re.compile(r"/\S*\s+")  # before a statement of usage (draft-ietf-aipref-attach-05, section 3.2)
_OF_USAGE = frozenset(("content-usage", "content-signal"))  # rules whose pattern may be left out
_SPELLINGS = {"disallowaitraining": "DisallowAITraining", "allowaitraining": "AllowAITraining"}
_QUOTED = 120  # characters of a pattern that the ledger quotes
_MAX_VALUE, _MAX_URL = 1000, 2000  # characters that count
_COST_OF_A_RULE = 250  # bytes of memory, roughly, besides its text


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of a group: its pattern ("" for a value that stands for all paths), its value, and where it stands."""

    name: str  # a name as `_NAMES` has it
    pattern: str
    value: str  # the value just as it was written
    line: int

    @property
    def statement(self) -> str:
        """Give the value of a rule of usage without the path before it."""
        return self.value[path.end() :] if (path := _PATH.match(self.value)) else self.value

    def __str__(self) -> str:
        """Quote the line, for the ledger."""
        return f"{_SPELLINGS.get(self.name, self.name.title())}: {self.value[:_QUOTED]} (line {self.line})"


_Group = dict[str, list[Rule]]  # the rules under some `user-agent` lines, by name


@dataclass(frozen=True)
class Robots:
    """What a site lets robots do. `verdict` is "rules", "no_rules" (all is allowed) or "unreachable" (nothing is)."""

    verdict: str
    detail: str = ""
    cost: int = 0  # bytes of memory, roughly
    # Groups by agent in lower case, "*", or "".
    _groups: dict[str, list[_Group]] = field(default_factory=dict, compare=False)
    _delays: dict[str, float] = field(default_factory=dict, compare=False)

    def judge(self, url: str, agent: str) -> str:
        r"""Judge a percent-encoded URL: "allowed", "disallowed" or "unreachable".

        >>> parse_robots(b"user-agent: webtext\ndisallow: /a\n").judge("http://x.test/a/b", "webtext")
        'disallowed'
        """
        if self.verdict == "unreachable":
            return "unreachable"
        return "disallowed" if self.barring(url, agent) else "allowed"

    def barring(self, url: str, agent: str, names: tuple[str, str] = ("allow", "disallow")) -> Rule | None:
        """Give the rule that keeps an agent out of a URL; None where it may come in.

        The longest pattern that matches decides, and `allow` where two are equally long (RFC 9309, section 2.2.2).

        Args:
            url: percent-encoded.
            agent: product token.
            names: of the two rules, the one that allows first. Only `disallow` must stand in a group.
        """
        groups, paths = self._of(agent), paths_of(url)
        if names[1] != "disallow":
            groups = [*groups, *self._groups.get("", [])]
        if not groups or paths.decoded == "/robots.txt":  # never ruled out (RFC 9309, section 2.2.2)
            return None
        forbidding = [rule for rule in _rules(groups, names[1]) if path_matches(rule.pattern, paths.decoded)]
        if not forbidding:
            return None
        longest = max(forbidding, key=lambda rule: (len(rule.pattern), -rule.line))
        permitted = max((allowed_length(rule.pattern, paths) for rule in _rules(groups, names[0])), default=0)
        return longest if len(longest.pattern) > permitted else None

    def statements(self, url: str, agent: str, name: str) -> list[Rule]:
        """List the lines of a name that hold for a URL: those with the longest pattern that matches it.

        Lines that stand before any group are for everybody.
        """
        path = paths_of(url).decoded
        groups = [*self._of(agent), *self._groups.get("", [])]
        matching = [rule for rule in _rules(groups, name) if path_matches(rule.pattern, path)]
        longest = max((len(rule.pattern) for rule in matching), default=0)
        return [rule for rule in matching if len(rule.pattern) == longest]

    def barred(self, url: str, agents: Iterable[str]) -> tuple[str, Rule | None]:
        """Give the first of some agents that is named and kept out of a URL, and by which rule; ("", None) for none."""
        judged: set[tuple[int, ...]] = set()  # agents often share their groups
        for agent in agents:
            identity = tuple(map(id, self._groups.get(agent.lower(), ())))
            if identity and identity not in judged:
                judged.add(identity)
                if rule := self.barring(url, agent):
                    return agent, rule
        return "", None

    def licences(self, agent: str) -> list[str]:
        """List what `License` lines name: those in the agent's group, else those before any group (RSL 1.0, 4.4.2)."""
        named = list(_rules(self._of(agent), "license")) or list(_rules(self._groups.get("", []), "license"))
        return [rule.value for rule in named[:MAX_LICENCES]]

    def names(self, agent: str) -> bool:
        """Tell whether a group is for an agent by name."""
        return agent.lower() in self._groups

    def crawl_delay(self, agent: str) -> float:
        """Give the seconds that the site asks for between two requests; 0 where it asks for none."""
        return self._delays.get(agent.lower() if self.names(agent) else "*", 0.0)

    def _of(self, agent: str) -> list[_Group]:
        return self._groups.get(agent.lower()) or self._groups.get("*") or []


def _rules(groups: Sequence[_Group], name: str) -> Iterator[Rule]:
    for group in groups:
        yield from group.get(name, ())


def product_token(agent: str) -> str:
    """Give the part of an agent's name that robots.txt groups are matched with.

    >>> product_token("webtext/0.1 (+mailto:me@example.org)")
    'webtext'
    """
    match = _PRODUCT_TOKEN.match(agent)
    if match is None:
        raise ValueError(f"an agent begins with a product token of letters, - and _, not {agent!r}")
    return match[0]


def parse_robots(body: bytes, agents: Collection[str] | None = None) -> Robots:
    """Parse the body of a robots.txt, at most `MAX_BYTES` of it; what makes no sense in it is ignored.

    Args:
        body: in UTF-8, or in the encoding that the site's own URLs have.
        agents: product tokens in lower case that will be asked about, besides `*`; None for all.
    """
    reader = _Reader(agents)
    for number, name, value in _lines(body[:MAX_BYTES]):
        reader.read(number, name, value)
        if reader.is_full:
            break
    return reader.robots()


class _Reader:
    """What a file has said so far."""

    def __init__(self, agents: Collection[str] | None) -> None:
        self._agents = agents
        self._current: _Group = {}
        self._groups: dict[str, list[_Group]] = {"": [self._current]}
        self._named: set[str] = set()  # agents of the present group
        self._has_rules = True  # the next user-agent line begins a new group
        self._delays: dict[str, float] = {}
        self._seen: set[tuple[int, str, bytes]] = set()
        self._cost = 0

    def read(self, number: int, name: str, value: bytes) -> None:
        if name == "user-agent":
            self._name(value)
        elif name == "crawl-delay":
            for agent in self._named:
                self._delays[agent] = max(self._delays.get(agent, 0.0), _seconds(value))
        else:
            self._has_rules = True
            if self._named or self._current is self._groups[""][0]:
                self._add(number, name, value)

    @property
    def is_full(self) -> bool:
        """Tell whether there are more rules than are read."""
        return len(self._seen) > MAX_RULES

    def _name(self, value: bytes) -> None:
        if self._has_rules:
            self._current, self._named, self._has_rules = {}, set(), False
        for agent in _agents_of(value) - self._named:
            if self._agents is None or agent == "*" or agent in self._agents:
                self._named.add(agent)
                self._groups.setdefault(agent, []).append(self._current)

    def _add(self, number: int, name: str, value: bytes) -> None:
        """Keep a rule, unless its group has it already."""
        key = id(self._current), name, value
        if key in self._seen:
            return
        pattern, kept = _split(name, value)
        if pattern is not None:
            self._seen.add(key)
            self._cost += _COST_OF_A_RULE + len(pattern) + len(kept)
            self._current.setdefault(name, []).append(Rule(name, pattern, kept, number))

    def robots(self) -> Robots:
        if self.is_full:
            return Robots("unreachable", f"robots.txt has more than {MAX_RULES:,} rules")
        return Robots("rules", "", self._cost, self._groups, self._delays)


def _split(name: str, value: bytes) -> tuple[str | None, str]:
    """Give a rule's pattern, None for a rule that says nothing, and its value as it is quoted."""
    text = value.decode("utf-8", "backslashreplace")
    if name == "license":
        return ("" if value else None), text[:_MAX_URL]
    if name not in _OF_USAGE:
        return (pattern_of(value, keeps_letters=name.startswith("allow")) if value else None), text[:_QUOTED]
    words = value.split(maxsplit=1) if value.startswith(b"/") else [b"", value]
    return (pattern_of(words[0]) if len(words) == 2 else None), text[:_MAX_VALUE]


def _lines(body: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Yield number, name and value of the lines known by name; a colon may be missing, comments are cut off."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        body = body.decode("utf-16", "replace").encode()
    elif mark := _BYTE_ORDER_MARK.match(body):
        body = body[mark.end() :]
    last, name, value = b"", "", b""
    for number, whole in enumerate(_LINE_END.split(body), 1):
        if whole != last:  # a flood repeats its lines
            last, (name, value) = whole, _read_line(whole[:_MAX_LINE])
        if name:
            yield number, name, value


def _read_line(whole: bytes) -> tuple[str, bytes]:
    """Give the name of a line, "" where it is none that is known, and its value."""
    line = _trim(whole.partition(b"#")[0])
    name, colon, value = line.partition(b":")
    if not colon:
        words = line.split()
        name, value = words if len(words) == 2 else (b"", b"")
    return _NAMES.get(_trim(name).decode("latin-1").lower(), ""), _trim(value)


def _trim(text: bytes) -> bytes:
    text = text.strip(_BLANK)
    if text.startswith(_NO_BREAK_SPACE) or text.endswith(_NO_BREAK_SPACE):
        text = text.replace(_NO_BREAK_SPACE, b" ").strip(_BLANK)
    return text


def _agents_of(value: bytes) -> set[str]:
    text = value.decode("latin-1")
    if text == "*" or text[:2].rstrip() == "*":
        return {"*"}
    return {match[0].lower() for form in (_PRODUCT_TOKEN, _WORD) if (match := form.match(text))}


def _seconds(value: bytes) -> float:
    try:
        seconds = float(value)
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < float("inf") else 0.0


def robots_of_answer(
    status: int | None, body: bytes, detail: str = "", agents: Collection[str] | None = None
) -> Robots:
    """Tell what the final answer to `/robots.txt` means (RFC 9309, section 2.3.1).

    Args:
        status: of the answer after redirects; None where there was none.
        body: of the answer.
        detail: why there was no answer.
        agents: as in `parse_robots`.

    Any 4xx means that there are no rules, but 429 says "later" and so counts as unreachable, like 5xx and silence: then
    nothing may be fetched. A redirect that leads nowhere counts as 4xx.
    """
    if status is None:
        return Robots("unreachable", detail)
    if status == 429 or status >= 500:
        return Robots("unreachable", f"status {status}")
    if 200 <= status < 300:
        return parse_robots(body, agents)
    return Robots("no_rules", f"status {status}")
