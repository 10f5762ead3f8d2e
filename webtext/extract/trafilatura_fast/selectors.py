r"""trafilatura's searches by class and id: many in one walk over a page, and each value of an attribute judged once.

Asked of one tree after another, most of the time of an XPath expression goes into walking, and into calls from XPath to
regular expressions. Here one walk answers several, by tests of single attributes
(`webtext.extract.trafilatura_fast.expressions`), and what they say of a value is remembered. Tests hold the answers
equal to those of the expressions.
"""

from collections.abc import Sequence

from lxml import etree
from lxml.html import HtmlElement

from webtext.extract.trafilatura_fast.expressions import read_ways

MAX_VALUES, MAX_VALUE_CHARS = 5_000, 500  # remembered of each attribute; some 1 MB when full


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
        self._ways = read_ways(expression.path for expression in expressions)
        predicates = [predicate for way in self._ways for predicate in way.predicates]
        tests = [(names, test, predicate.bit) for predicate in predicates for names, test in predicate.tests.items()]
        self._of_first = [entry for entry in tests if len(entry[0]) > 1]
        self._tests = {
            name: [(test, bit, len(names) > 1) for names, test, bit in tests if name in names]
            for name in dict.fromkeys(name for names, _, _ in tests for name in names)
        }
        self._known: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in self._tests}
        self._found: dict[tuple[str, int], int] = {}  # by tag and bits
        tags = {tag for way in self._ways for tag in way.tags}
        self._tags = tags if all(way.tags for way in self._ways) else {"*"}
        self._bare = frozenset(tag for tag in tags if self._judge(tag, 0))  # found whatever their attributes

    def __call__(self, tree: HtmlElement) -> list[tuple[HtmlElement, int]]:
        """List the elements below the root that are found, in document order, with their bits."""
        known, found_by, bare, results = self._known, self._found, self._bare, []
        for element in tree.iterdescendants(*self._tags):
            bits = perhaps = 0
            for name, value in element.items():
                if name in known:
                    own, of_first = known[name].get(value) or self._learn(name, value)
                    bits |= own
                    perhaps |= of_first
            if perhaps:
                bits |= self._ask_first(element)
            if bits or bare:
                found = found_by.get((element.tag, bits), -1)
                if found < 0:
                    found = self._judge(element.tag, bits)
                if found:
                    results.append((element, found))
        return results

    def _learn(self, name: str, value: str) -> tuple[int, int]:
        """Give the bits of the predicates that an attribute fulfils, and of those if it is the first of two."""
        own = of_first = 0
        for test, bit, is_of_first in self._tests[name]:
            if test.passes(value):
                own |= 0 if is_of_first else bit
                of_first |= bit if is_of_first else 0
        if len(value) <= MAX_VALUE_CHARS:
            known = self._known[name]
            if len(known) >= MAX_VALUES:
                known.clear()
            known[value] = own, of_first
        return own, of_first

    def _ask_first(self, element: HtmlElement) -> int:
        """Give the bits of the tests of `@a|@b`, for which XPath takes the attribute that stands first."""
        bits = 0
        for names, test, bit in self._of_first:
            if test.passes(next((value for name, value in element.items() if name in names), "")):
                bits |= bit
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
