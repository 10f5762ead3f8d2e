r"""trafilatura's searches by class and id: many in one walk over a page, and each value of an attribute judged once.

Such a search is an XPath expression, `.//*[self::div or self::p][re:test(@class, 'menu|share') or @id='nav']`. Asked of
one tree after another, most of its time goes into walking, and into calls from XPath to regular expressions. Here the
expressions are taken apart into tests of single attributes, as their text says; one walk answers all of them, and what
a test says of a value is remembered. Tests hold the answers equal to those of the expressions.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from lxml import etree
from lxml.html import HtmlElement

MAX_VALUES, MAX_VALUE_CHARS = 50_000, 500  # remembered of each attribute; some 10 MB when full

Test = Callable[[str], object]

# `.//p`, `.//*[self::div][@id]`, each perhaps in parentheses, perhaps with `[1]` behind it.
_PREDICATE = re.compile(r"\[((?:[^\]']|'[^']*')*)\]")
_WAY = re.compile(rf"\(?\s*\.//(?P<tag>\*|[\w-]+)(?P<predicates>(?:{_PREDICATE.pattern})*)\s*\)?(?:\[1\])?")
_SELF = re.compile(r"self::([\w-]+)")
_ATOM = re.compile(
    r"\s*(?:(?P<function>re:test|contains|starts-with)\((?:translate\()?@(?P<names>[\w-]+(?:\|@[\w-]+)?)"
    r"(?:,\s*'(?P<letters>\w+)',\s*'(?P<others>\w+)'\))?,\s*'(?P<value>[^']*)'(?:,\s*'(?P<flag>i)')?\)"
    r"|@(?P<name>[\w-]+)(?:\s*=\s*'(?P<equal>[^']*)')?"
    r"|not\((?P<not_tags>self::[\w-]+(?:\s+or\s+self::[\w-]+)*)\)"
    r"|(?P<not_below>not\(\.//\w+\)))\s*(?:or\s|$)"
)
_LITERAL = re.compile(r"[\w -]+")


@dataclass(slots=True)
class _Predicate:
    """An `or` of tests, with its bit: of an attribute, of the first of two attributes, of the tag."""

    bit: int
    tests: list[tuple[tuple[str, ...], Test]] = field(default_factory=list)
    not_tags: frozenset[str] | None = None  # all other tags pass


@dataclass(frozen=True, slots=True)
class _Way:
    """A way for an element to be found: by which expression, of which tags (none: all), with which predicates."""

    place: int
    tags: frozenset[str]
    predicates: tuple[_Predicate, ...]


class RememberedTests:
    """Expressions that test an element's tag and attributes.

    Called with a tree, it lists the elements below its root that any of the expressions finds, in document order, with
    a number whose bit `1 << k` says that expression `k` finds the element. An expression that ends in `[1]` is taken
    for one of which only the first result counts: its bit is on all. Where it asks what is not below the element
    (`not(.//h1)`), its bit says that it may find it.

    Raises:
        ValueError: an expression is of another form.
    """

    def __init__(self, expressions: Sequence[etree.XPath]) -> None:
        bits = itertools.count()
        self._ways = [
            _read_way(place, way, bits)
            for place, expression in enumerate(expressions)
            for way in _split(expression.path, "|")
        ]
        self._predicates = [predicate for way in self._ways for predicate in way.predicates]
        names = {name for predicate in self._predicates for group, _ in predicate.tests for name in group}
        self._known: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in names}
        self._found: dict[tuple[str, int], int] = {}  # by tag and bits
        tags = {tag for way in self._ways for tag in way.tags}
        self._tags = tags if all(way.tags for way in self._ways) else {"*"}
        self._bare_pass = any(self._judge(tag, 0) for tag in (*tags, ""))

    def __call__(self, tree: HtmlElement) -> list[tuple[HtmlElement, int]]:
        """List the elements below the root that are found, in document order, with their bits."""
        known, found_by, bare_pass, results = self._known, self._found, self._bare_pass, []
        for element in tree.iterdescendants(*self._tags):
            bits = perhaps = 0
            for name, value in element.items():
                if name in known:
                    own, of_first = known[name].get(value) or self._learn(name, value)
                    bits |= own
                    perhaps |= of_first
            if perhaps:
                bits |= self._ask_first(element)
            if bits or bare_pass:
                found = found_by.get((element.tag, bits), -1)
                if found < 0:
                    found = self._judge(element.tag, bits)
                if found:
                    results.append((element, found))
        return results

    def _learn(self, name: str, value: str) -> tuple[int, int]:
        """Give the bits of the predicates that an attribute fulfils, and of those if it is the first of two."""
        own = of_first = 0
        for predicate in self._predicates:
            for names, test in predicate.tests:
                if name in names and test(value):
                    own |= predicate.bit if len(names) == 1 else 0
                    of_first |= predicate.bit if len(names) > 1 else 0
        if len(value) <= MAX_VALUE_CHARS:
            known = self._known[name]
            if len(known) >= MAX_VALUES:
                known.clear()
            known[value] = own, of_first
        return own, of_first

    def _ask_first(self, element: HtmlElement) -> int:
        """Give the bits of the tests of `@a|@b`, for which XPath takes the attribute that stands first."""
        bits = 0
        for predicate in self._predicates:
            for names, test in predicate.tests:
                if len(names) > 1 and test(next((value for name, value in element.items() if name in names), "")):
                    bits |= predicate.bit
        return bits

    def _judge(self, tag: str, bits: int) -> int:
        """Tell which expressions find an element, by its tag and the predicates that its attributes fulfil."""
        found = 0
        for way in self._ways:
            by_tag = sum(one.bit for one in way.predicates if one.not_tags is not None and tag not in one.not_tags)
            needed = sum(one.bit for one in way.predicates)
            if (not way.tags or tag in way.tags) and (bits | by_tag) & needed == needed:
                found |= 1 << way.place
        if len(self._found) >= MAX_VALUES:
            self._found.clear()
        self._found[tag, bits] = found
        return found


def _read_way(place: int, text: str, bits: Iterator[int]) -> _Way:
    """Take one side of an expression's union apart."""
    form = _WAY.fullmatch(text.strip())
    if form is None:
        raise ValueError(f"not a test of an element's tag and attributes: {text}")
    tags = frozenset() if form["tag"] == "*" else frozenset((form["tag"],))
    predicates = []
    for predicate in _PREDICATE.findall(form["predicates"]):
        if all(_SELF.fullmatch(atom.strip()) for atom in re.split(r"\sor\s", predicate)):
            tags = frozenset(_SELF.findall(predicate))
        elif predicate != "1" and (read := _read_predicate(predicate, 1 << next(bits))) is not None:
            predicates.append(read)
    return _Way(place, tags, tuple(predicates))


def _read_predicate(text: str, bit: int) -> _Predicate | None:
    """Take a predicate apart; None for one that asks what is not below, which an element may always fulfil."""
    predicate, position, may_pass = _Predicate(bit), 0, False
    while position < len(text.rstrip()):
        atom = _ATOM.match(text, position)
        if atom is None:
            raise ValueError(f"not a test of an element's tag and attributes: {text[position:]}")
        if atom["not_tags"]:
            predicate.not_tags = frozenset(_SELF.findall(atom["not_tags"]))
        elif atom["not_below"]:
            may_pass = True
        elif atom["name"]:
            predicate.tests.append(((atom["name"],), _test_equal(atom["equal"])))
        else:
            predicate.tests.append((tuple(atom["names"].split("|@")), _test_function(atom)))
        position = atom.end()
    return None if may_pass else predicate


def _test_equal(wanted: str | None) -> Test:
    return (lambda _: True) if wanted is None else (lambda value: value == wanted)


def _test_function(atom: re.Match[str]) -> Test:
    """Make the test that a function of XPath is."""
    wanted = atom["value"]
    if atom["function"] == "re:test":
        return _test_pattern(wanted, re.IGNORECASE if atom["flag"] else re.NOFLAG)
    if atom["function"] == "starts-with":
        return lambda value: value.startswith(wanted)
    letters = str.maketrans(atom["letters"] or "", atom["others"] or "")
    return lambda value: wanted in value.translate(letters)


def _test_pattern(pattern: str, flags: re.RegexFlag) -> Test:
    """Make a search for a pattern; for words among its alternatives Python looks ten times as fast as for patterns."""
    alternatives = [pattern] if flags or "\\" in pattern else _split(pattern, "|")
    words = [] if flags else [one for one in alternatives if _LITERAL.fullmatch(one)]
    others = [one for one in alternatives if one not in words]
    search = re.compile("|".join(others), flags).search
    if not others:
        return lambda value: any(word in value for word in words)
    return lambda value: any(word in value for word in words) or search(value)


def _split(text: str, separator: str) -> list[str]:
    """Split a text where a character stands outside of quotes, parentheses and brackets."""
    parts, depth, quoted = [""], 0, False
    for character in text:
        quoted ^= character == "'"
        depth += (character in "([") - (character in ")]") if not quoted else 0
        if character == separator and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return parts
