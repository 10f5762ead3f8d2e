"""trafilatura's searches by class and id, remembered: the same answers for two thirds of the time.

A good half of trafilatura's time goes into XPath expressions that ask of every element whether its class or id looks
like a menu, a comment, an article. The answer depends on the element's tag and a few attributes alone, and those repeat
on a page and across pages. So each combination is asked once, of the very same expression, on an element made for it.

Only expressions of that form are replaced, by what their text says; any other, of any release, stays as it is. Tests
hold the extracted text equal with and without, page by page.
"""

import re
from collections.abc import Iterable, MutableSequence
from types import ModuleType

from lxml import etree
from lxml.html import HtmlElement

MAX_REMEMBERED = 200_000  # combinations an expression; some 40 MB when all are full, which takes millions of pages
_REGULAR_EXPRESSIONS = "http://exslt.org/regular-expressions"
# `.//*[tags][test]`, perhaps only the first for each parent `.//*[tags][test][1]`, or of all `(.//*[tags][test])[1]`.
_FORM = re.compile(
    r"^\s*(?P<all>\()?\s*\.//\*\[(?P<test>.*?)\]\s*(?P<only>(?(all)\)\s*\[1\]|(?:\[1\])?))\s*$", re.DOTALL
)
_TAGS = re.compile(r"^\s*self::[\w-]+(?:\s+or\s+self::[\w-]+)*\s*(?=\])")
_ATTRIBUTE = re.compile(r"@([\w-]+)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NOT_BELOW = re.compile(r"not\(\.//\w+\)")
_NOT_SELF = re.compile(r"not\(self::\w+(?:\s+or\s+self::\w+)*\)")
_STRUCTURE = re.compile(r"/|::|\.\.|\bposition\(|\blast\(|\btext\(|\bcount\(|\[\s*\d")

Key = tuple[str, tuple[tuple[str, str], ...]]  # a tag, and attributes in their order


class RememberedXPath:
    """An expression of the form `.//*[tags][test of attributes]` that asks each combination of attributes once.

    Where the test looks at more than attributes, what is remembered is whether an empty element passes: if none on a
    page does, the answer is no element, else the expression itself is asked. (So a test may be `not(.//h1)`, true of
    the empty element, but not `.//h1`; `remember` takes only the former.)
    """

    def __init__(self, expression: etree.XPath, test: str, tags: tuple[str, ...], *, only_first: bool) -> None:
        self.path = expression.path
        self._expression, self._tags, self._only_first = expression, tags, only_first
        self._ask = make_asker(test)
        self._exact = _NOT_BELOW.search(test) is None
        self._attributes = attributes_of(test)
        self._known: dict[Key, bool] = {}

    def __call__(self, tree: HtmlElement) -> list[HtmlElement]:
        """Find what the expression finds, in document order (where only the first counts, the first alone)."""
        elements = list(tree.iterdescendants(*self._tags))
        attributes = self._attributes
        # Attributes in the order in which they stand: of `@id|@class`, XPath uses the first.
        named = [tuple([item for item in element.items() if item[0] in attributes]) for element in elements]
        tags = [element.tag for element in elements] if self._tags else ["div"] * len(elements)
        keys = list(zip(tags, named, strict=True))
        self._learn(keys)
        found = [element for element, key in zip(elements, keys, strict=True) if self._known[key]]
        if found and not self._exact:
            found = self._expression(tree)
        return found[:1] if self._only_first else found

    def _learn(self, keys: list[Key]) -> None:
        """Ask about the combinations that are new, all at once."""
        if len(self._known) > MAX_REMEMBERED:
            self._known.clear()
        unknown = [key for key in dict.fromkeys(keys) if key not in self._known]
        if not unknown:
            return
        frame = etree.Element("div")
        for tag, attributes in unknown:
            element = etree.SubElement(frame, tag)
            for name, value in attributes:
                element.set(name, value)
        passed = set(self._ask(frame))
        self._known.update((key, element in passed) for key, element in zip(unknown, frame, strict=True))


def remember(expression: etree.XPath, *, only_first: bool = False) -> "etree.XPath | RememberedXPath":
    """Give a remembering stand-in for an expression, or the expression itself where its form is another.

    Args:
        expression: of whatever form.
        only_first: whether the caller looks at the first result alone; expressions that end in `[1]` need it.
    """
    form = _FORM.match(expression.path)
    condition = element_test(expression.path)
    if form is None or condition is None or (form["only"] and not only_first):
        return expression
    tags, test = condition
    return RememberedXPath(expression, test, tags, only_first=only_first)


def element_test(path: str) -> tuple[tuple[str, ...], str] | None:
    """Give the tags that an expression looks at (none: all tags) and its test of one element; None for other forms."""
    form = _FORM.match(path)
    if form is None:
        return None
    test = form["test"]
    bare = _QUOTED.sub("''", test)
    tags = _TAGS.match(bare)
    rest = bare[tags.end() :] if tags else bare
    rest = _NOT_BELOW.sub("", _NOT_SELF.sub("", rest) if tags else rest)
    if _STRUCTURE.search(rest) or not _ATTRIBUTE.search(rest):
        return None
    return tuple(re.findall(r"self::([\w-]+)", tags.group())) if tags else (), test


def attributes_of(test: str) -> frozenset[str]:
    """List the attributes that a test of an element looks at."""
    return frozenset(_ATTRIBUTE.findall(_QUOTED.sub("''", test)))


def make_asker(test: str) -> etree.XPath:
    """Make the expression that finds the children that pass a test."""
    return etree.XPath(f"*[{test}]", namespaces={"re": _REGULAR_EXPRESSIONS})


def quicken(expressions: ModuleType, names: Iterable[str], names_of_first: Iterable[str]) -> int:
    """Replace expressions in a module's lists, in place, by remembering ones; return how many were of the form.

    Args:
        expressions: the module, `trafilatura.xpaths`.
        names: lists whose expressions' results are all used.
        names_of_first: lists of which only the first result is.
    """
    replaced = 0
    for group, only_first in ((names, False), (names_of_first, True)):
        for name in group:
            found: MutableSequence[etree.XPath | RememberedXPath] = getattr(expressions, name, [])
            for place, expression in enumerate(found):
                if isinstance(expression, etree.XPath):
                    found[place] = remember(expression, only_first=only_first)
                    replaced += isinstance(found[place], RememberedXPath)
    return replaced
