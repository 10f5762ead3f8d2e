"""What an XPath expression by class and id asks of an element, taken apart into tests that Python answers quickly.

`.//*[self::div or self::p][re:test(@class, 'menu|share-?it') or @id='nav']` becomes: of tags div and p, those whose
class has "menu", "shareit" or "share-it" in it, or whose id is "nav". trafilatura's searches are of this form; for any
other there is a ValueError. `webtext.extract.trafilatura_fast.selectors` asks what is read here, of many elements.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

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
# Of a regular expression: a letter, a set of letters or alternatives, perhaps optional.
_ITEM = re.compile(r"(?:(?P<letter>[\w ^-])|\[(?P<letters>[\w-]+)\]|\((?:\?:)?(?P<group>[^()]*)\))(?P<optional>\??)")
_RANGE = re.compile(r"\w-\w")


@dataclass(slots=True)
class Test:
    """An `or` of tests of the value of an attribute."""

    words: list[str] = field(default_factory=list)  # any of them in the value
    beginnings: tuple[str, ...] = ()
    wholes: set[str] = field(default_factory=set)
    others: list[Callable[[str], object]] = field(default_factory=list)

    def passes(self, value: str) -> bool:
        """Tell whether a value passes."""
        if any([word in value for word in self.words]) or value in self.wholes:  # noqa: C419 (next to none: the list is quicker)
            return True
        if self.beginnings and value.startswith(self.beginnings):
            return True
        return any(other(value) for other in self.others)


@dataclass(slots=True)
class Predicate:
    """An `or` of tests, with its bit: of attributes (of two, of the one that stands first), of the tag."""

    bit: int
    tests: defaultdict[tuple[str, ...], Test] = field(default_factory=lambda: defaultdict(Test))
    not_tags: frozenset[str] | None = None  # all other tags pass


@dataclass(frozen=True, slots=True)
class Way:
    """A way for an element to be found: by which expression, of which tags (none: all), with which predicates."""

    place: int
    tags: frozenset[str]
    predicates: tuple[Predicate, ...]


def read_ways(paths: Iterable[str]) -> list[Way]:
    """Take expressions apart; those with a union are several ways.

    Raises:
        ValueError: an expression is of another form.
    """
    bits = (1 << number for number in itertools.count())
    return [_read_way(place, way, bits) for place, path in enumerate(paths) for way in _split(path, "|")]


def _read_way(place: int, text: str, bits: Iterator[int]) -> Way:
    """Take one side of an expression's union apart."""
    form = _WAY.fullmatch(text.strip())
    if form is None:
        raise ValueError(f"not a test of an element's tag and attributes: {text}")
    tags = frozenset() if form["tag"] == "*" else frozenset((form["tag"],))
    predicates = []
    for predicate in _PREDICATE.findall(form["predicates"]):
        if all(_SELF.fullmatch(atom.strip()) for atom in re.split(r"\sor\s", predicate)):
            tags = frozenset(_SELF.findall(predicate))
        elif predicate != "1" and (read := _read_predicate(predicate, next(bits))) is not None:
            predicates.append(read)
    return Way(place, tags, tuple(predicates))


def _read_predicate(text: str, bit: int) -> Predicate | None:
    """Take a predicate apart; None for one that asks what is not below, which an element may always fulfil."""
    predicate, position, may_pass = Predicate(bit), 0, False
    while position < len(text.rstrip()):
        atom = _ATOM.match(text, position)
        if atom is None:
            raise ValueError(f"not a test of an element's tag and attributes: {text[position:]}")
        if atom["not_tags"]:
            predicate.not_tags = frozenset(_SELF.findall(atom["not_tags"]))
        elif atom["not_below"]:
            may_pass = True
        else:
            _add_to(predicate.tests[tuple((atom["name"] or atom["names"]).split("|@"))], atom)
        position = atom.end()
    return None if may_pass else predicate


def _add_to(test: Test, atom: re.Match[str]) -> None:
    """Add to a test what XPath asks of an attribute."""
    wanted = atom["value"]
    if atom["name"]:
        if atom["equal"] is None:
            test.words.append("")  # which is in any value
        else:
            test.wholes.add(atom["equal"])
    elif atom["function"] == "re:test":
        _add_pattern(test, wanted, re.IGNORECASE if atom["flag"] else re.NOFLAG)
    elif atom["function"] == "starts-with":
        test.beginnings += (wanted,)
    elif atom["letters"]:
        letters = str.maketrans(atom["letters"], atom["others"])
        test.others.append(lambda value: wanted in value.translate(letters))
    else:
        test.words.append(wanted)


def _add_pattern(test: Test, pattern: str, flags: re.RegexFlag) -> None:
    """Add a search for a pattern, by the words that it stands for: Python finds those twenty times as fast."""
    others = []
    for alternative in [pattern] if flags else _split(pattern, "|"):
        spelled = None if flags else spell_out(alternative)
        if spelled is None:
            others.append(alternative)
        for text in spelled or ():
            if text.startswith("^"):
                test.beginnings += (text[1:],)
            else:
                test.words.append(text)
    if others:
        test.others.append(re.compile("|".join(others), flags).search)


def spell_out(pattern: str) -> list[str] | None:
    """List all texts that a regular expression stands for, with `^` where they must begin; None where it has others.

    >>> spell_out("^a(?:b|cd)?[e-]")
    ['^abe', '^ab-', '^acde', '^acd-', '^ae', '^a-']
    """
    texts, position = [""], 0
    while position < len(pattern):
        item = _ITEM.match(pattern, position)
        if item is None or (item["letters"] and _RANGE.search(item["letters"])):
            return None
        endings = [item["letter"]] if item["letter"] else list(item["letters"] or "")
        for alternative in item["group"].split("|") if item["group"] is not None else ():
            spelled = spell_out(alternative)
            if spelled is None:
                return None
            endings += spelled
        texts = [text + ending for text in texts for ending in [*endings, *([""] if item["optional"] else [])]]
        position = item.end()
    return None if any("^" in text[1:] or text in {"", "^"} for text in texts) and pattern not in {"", "^"} else texts


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
