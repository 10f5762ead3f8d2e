"""trafilatura's text of a page, for the two settings that webtext uses, in half the time.

`PageReader(...).extract(fast=...)` gives what `trafilatura.extract(tree, include_comments=False, fast=...)` does.
The steps are the same; what is saved is work that nobody looks at: copies of the page (one for five), the measure of
the whole page where a bound on it decides, text found a second time when the thorough setting follows the quick one.

It follows one release: `webtext.extract.extractors` takes it only where the sources of trafilatura are those that it
was written against, else trafilatura itself. tests/extract/trafilatura_fast/test_fast.py holds the two equal, on real
pages, on damaged ones and on trees that hypothesis makes.
"""

import contextlib
import functools
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

import justext.core
from justext.utils import get_stoplist, get_stoplists
from lxml import etree
from lxml.html import HtmlElement
from trafilatura import core, external, xpaths
from trafilatura.baseline import _spaced_text, baseline
from trafilatura.core import _forum_thread_page
from trafilatura.external import compare_extraction, justext_rescue
from trafilatura.htmlprocessing import convert_tags
from trafilatura.settings import BASIC_CLEAN_XPATH, Extractor
from trafilatura.utils import normalize_unicode
from trafilatura.xml import delete_element

from webtext.extract.trafilatura_fast.cleaning import clean
from webtext.extract.trafilatura_fast.content import Content, find_content
from webtext.extract.trafilatura_fast.element_text import text_of
from webtext.extract.trafilatura_fast.selectors import RememberedTests

_UNWANTED = RememberedTests([*xpaths.RAW_TREE_PRUNE_XPATH, *xpaths.REMOVE_COMMENTS_AND_LISTS_XPATH])
_COMMENTS = -1 << len(xpaths.RAW_TREE_PRUNE_XPATH)
_BASIC_UNWANTED = RememberedTests([BASIC_CLEAN_XPATH])
_OPTIONS = {fast: Extractor(comments=False, fast=fast) for fast in (False, True)}
_FAILURES = (TypeError, ValueError, RecursionError)  # of another try, which then gives nothing


@dataclass(frozen=True, slots=True)
class Found:
    """What a step found: elements, and their text as it is measured."""

    body: etree._Element
    text: str


class PageReader:
    """Reads one page.

    Args:
        tree: the page; it is used up.
        parse_again: makes the page anew. One page in five is needed again, and to copy all of them takes longer.
        most_chars: at least as many as trafilatura's `html2txt` finds on the page.
    """

    def __init__(self, tree: HtmlElement, parse_again: Callable[[], HtmlElement], most_chars: float) -> None:
        self._unread: HtmlElement | None = _without_unwanted(tree)
        self._parse_again, self._most_chars = parse_again, most_chars
        self._contents: dict[str, Content] = {}  # by focus, where the quick setting finds what the thorough one would

    def extract(self, *, fast: bool) -> str:
        """Give the text of the page, "" where there is none.

        Args:
            fast: whether to do without the other extractors that trafilatura compares its own result with.
        """
        try:
            found = self._run(_OPTIONS[fast])
        except (TypeError, ValueError):  # as trafilatura does: what lxml cannot hold is no text
            return ""
        text: str = normalize_unicode(text_of(found.body).strip()) if found.text else ""
        return text

    def _run(self, options: Extractor) -> Found:
        """Run the steps of trafilatura's cascade, each where the one before gave little."""
        found = self._find(options)
        if len(found.text) < options.min_extracted_size:
            body, text, chars = baseline(self._page)
            found = Found(body, text) if chars > len(found.text) else found
        chars = len(found.text)
        if not 0 < chars < core.ESCALATION_MAX_LENGTH or chars >= core.ESCALATION_PAGE_SHARE * self._most_chars:
            return found
        return found if chars >= core.ESCALATION_PAGE_SHARE * self._measure else self._escalate(found, options)

    @functools.cached_property
    def _page(self) -> HtmlElement:
        """The page as it was at the beginning, not to be changed."""
        return _without_unwanted(self._parse_again())

    def _take_page(self) -> HtmlElement:
        """Give the page as it was at the beginning, to be used up."""
        unread, self._unread = self._unread, None
        return copy(self._page) if unread is None else unread

    @functools.cached_property
    def _measure(self) -> int:
        """Count the characters of the page as trafilatura does."""
        body = self._page.find(".//body")
        measured = copy(self._page if body is None else body)
        for element, _ in _BASIC_UNWANTED(measured):
            delete_element(element)
        return len(_spaced_text(measured))

    def _find(self, options: Extractor) -> Found:
        """Find the text by trafilatura's own rules, and compare it with what others find, if that is asked for."""
        recall = options.focus == "recall"
        content = self._contents.get(options.focus)
        backup: HtmlElement | None = None
        if content is None or not options.fast:
            cleaned = clean(self._take_page(), recall=recall)
            backup = None if options.fast else copy(cleaned)
            content = content or find_content(convert_tags(cleaned, options), options)
            if recall or not content.recovered:  # only recovery depends on `fast`, and for recall not even that
                self._contents[options.focus] = content
        if options.fast:
            return Found(content.body, content.text)
        _share_stop_words()
        return Found(*compare_extraction(backup, copy(self._page), content.body, content.text, options))

    def _escalate(self, found: Found, options: Extractor) -> Found:
        """Try again for recall where the text is little of the page; keep what is clearly more."""
        nothing = Found(etree.Element("body"), "")
        again = other = nothing
        recall = copy(options)
        recall.focus = "recall"
        with contextlib.suppress(*_FAILURES):
            again = self._find(recall)
        if not options.fast:
            _share_stop_words()
            with contextlib.suppress(*_FAILURES):
                other = Found(*justext_rescue(copy(self._page), options))
        chars, chars_again, chars_other = len(found.text), len(again.text), len(other.text)
        if chars_other > chars_again and chars_other > core.ESCALATION_JUSTEXT_RATIO * chars:
            return other
        if chars_again >= options.min_extracted_size and chars_again > core.ESCALATION_ACCEPT_RATIO * chars:
            return again
        return found


@functools.cache
def _share_stop_words() -> None:
    """Give justext, asked for any language, the one set of stop words that it would make at each call: 4 ms, 15 MB."""
    every = frozenset(word.lower() for language in get_stoplists() for word in get_stoplist(language))
    made = justext.core.define_stoplist
    external.JT_STOPLIST = every  # type: ignore[assignment]
    justext.core.define_stoplist = lambda words: words if words is every else made(words)


def _without_unwanted(tree: HtmlElement) -> HtmlElement:
    """Take out of a page, in place, whole articles that follow its own, and comments, unless they are its posts."""
    found = _UNWANTED(tree)
    keep_comments = bool(found) and _forum_thread_page(tree)
    if any(bits & ~_COMMENTS for _, bits in found):
        for expression in xpaths.RAW_TREE_PRUNE_XPATH:
            for element in expression(tree):
                delete_element(element)
    for element, bits in found:
        if bits & _COMMENTS and not keep_comments:
            delete_element(element)
    return tree
