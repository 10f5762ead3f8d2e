"""The extractors that can be asked for, behind one signature, each loaded only when it is used.

trafilatura is the default: nothing else on Python comes near its F1 (docs/extraction.md has the table). The others
are there so that corpora can be compared.
"""

import functools
import importlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from lxml import etree
from lxml.html import HtmlComment, HtmlElement, HtmlEntity, HtmlProcessingInstruction

from webtext import reference
from webtext.errors import UsageError
from webtext.extract.trafilatura_fast.fallback import quicken
from webtext.extract.trafilatura_fast.release import has_known_sources

Engine = Callable[[str, HtmlElement], str]  # of a page and its tree, which may be used up

# The cascade of `_trafilatura`, chosen on the gold set (benchmarks/extraction.py): the quick setting finds the text of
# nearly all pages. The thorough one has the last word where that is little, and little of what the page shows; where it
# is next to all of it, menus and all; and where it has no paragraphs.
_LITTLE_CHARS, _LITTLE_SHARE = 1000, 0.1
_NEXT_TO_ALL_SHARE, _MENUS_COUNT_CHARS = 0.9, 10_000  # on a long page a menu is little
_MAX_TAIL_LINES, _MAX_TAIL_CHARS = 3, 80
_SENTENCE_ENDS = tuple(".!?\u2026\"'\u201c\u201d\u2019\u00bb)\u3002\uff01\uff1f\u0964\u06d4\u061f")
# Characters, plain or as references, that no XML text may hold: one of them and trafilatura gives nothing.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CONTROL_CODES = bytes(code for code in range(0x20) if chr(code) not in "\t\n\r")
_CONTROL_REFERENCES = re.compile(r"&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));")
# trafilatura's lists of expressions (see webtext.extract.trafilatura_fast.fallback), by what is used of their results.
_ALL_RESULTS = (
    "RAW_TREE_PRUNE_XPATH",
    "REMOVE_COMMENTS_XPATH",
    "REMOVE_COMMENTS_AND_LISTS_XPATH",
    "OVERALL_DISCARD_XPATH",
    "TEASER_DISCARD_XPATH",
    "PRECISION_DISCARD_XPATH",
)
_FIRST_RESULT = ("BODY_XPATH",)
# What is nested deeper stands beside, as in browsers (Chromium: 512 levels). 256 is libxml2's limit; real pages have
# some 40. trafilatura recurses once a level, and its time grows with the cube of the depth of tables.
_MAX_DEPTH = 256
_TOO_DEEP = etree.XPath("/*" * _MAX_DEPTH + "[*]", smart_strings=False)
_TEXTS = etree.XPath(".//text()", smart_strings=False)  # `tree.itertext()` in half the time: comments are not parsed
_INVISIBLE = ("script", "style", "noscript", "template", "head", "svg")
_UNMEASURED = ("script", "style", "template", "svg")  # what trafilatura's measure of a page leaves out for certain


@functools.cache
def _parser() -> etree.HTMLParser:
    """Make the parser: as trafilatura's, but deep and large pages are read too, and elements are made in C."""
    parser = etree.HTMLParser(
        collect_ids=False,
        default_doctype=False,
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )
    parser.set_element_class_lookup(element_classes())
    return parser


def element_classes() -> etree.ElementDefaultClassLookup:
    """Give every element the class HtmlElement without asking Python for each, as lxml.html's own look-up does."""
    return etree.ElementDefaultClassLookup(
        element=HtmlElement, comment=HtmlComment, pi=HtmlProcessingInstruction, entity=HtmlEntity
    )


def without_controls(html: str) -> str:
    r"""Drop the characters that no XML text may hold, plain and as references: extractors stumble over them.

    >>> without_controls("a\x00b&#8;c&#x41;")
    'abc&#x41;'
    """
    if _has_controls(html):
        html = _CONTROLS.sub("", html)
    return _CONTROL_REFERENCES.sub("", html) if "&#" in html else html


def _has_controls(html: str) -> bool:
    """Tell it in a third of the time of a search for their class: one character at a time is what C looks for best."""
    encoded = html.encode("utf-8", "surrogatepass")
    return any(code in encoded for code in _CONTROL_CODES) or "\ufffe" in html or "\uffff" in html


def parse_html(html: str) -> HtmlElement | None:
    """Parse a page; None where nothing in it is an element. Nothing is nested deeper than 257 levels."""
    try:
        tree: HtmlElement | None = etree.fromstring(html.encode("utf-8", "replace"), _parser())
    except etree.XMLSyntaxError:  # nothing but space, or a document of zeros
        return None
    if tree is not None:
        for element in _TOO_DEEP(tree):
            _flatten(element)
    return tree


def _flatten(element: HtmlElement) -> None:
    """Make all that is in an element its children, in the order in which it stands there."""
    visits = list(etree.iterwalk(element, events=("start", "end")))[1:-1]
    tails = [node.tail for _, node in visits]
    last = element
    for (event, node), tail in zip(visits, tails, strict=True):
        if event == "start":
            element.append(node)
            node.tail = None
            last = node
        elif tail:
            last.tail = (last.tail or "") + tail


@dataclass(frozen=True, slots=True)
class Shown:
    """How much text a page has, without the spaces around each piece of it."""

    chars: int  # not counting scripts and styles
    most: int  # at least as many as trafilatura's html2txt makes of the page


def count_shown(tree: HtmlElement) -> Shown:
    """Count the characters that a page shows."""
    texts = _TEXTS(tree)
    chars, pieces, hidden = sum(map(len, map(str.strip, texts))), len(texts), 0
    for element in tree.iter(*_INVISIBLE):
        if text := element.text:
            length = len(text.strip())
            chars -= length
            pieces -= 1
            hidden += 0 if element.tag in _UNMEASURED else length + 1
    return Shown(chars, chars + pieces + hidden)


def _trafilatura() -> Engine:
    """Trafilatura without comments or its duplicate test (which depends on the pages seen before): quick, then sure."""
    trafilatura = _load("trafilatura")
    importlib.import_module("trafilatura.utils").HTML_PARSER.set_element_class_lookup(element_classes())
    importlib.import_module("lxml.html").html_parser.set_element_class_lookup(element_classes())
    _silence("trafilatura")
    if reference.is_on():
        reader = functools.partial(_PlainReader, trafilatura)
    elif has_known_sources("trafilatura"):
        reader = importlib.import_module("webtext.extract.trafilatura_fast.cascade").PageReader
    else:
        quicken(importlib.import_module("trafilatura.xpaths"), _ALL_RESULTS, _FIRST_RESULT)
        reader = functools.partial(_PlainReader, trafilatura)

    def extract(html: str, tree: HtmlElement) -> str:
        shown = count_shown(tree)
        page = reader(tree, functools.partial(parse_html, html), shown.most)
        quick: str = page.extract(fast=True)
        if _is_doubtful(quick, shown.chars):
            quick = page.extract(fast=False) or quick
        return trim_tail(quick)

    return extract


class _PlainReader:
    """Reads a page by trafilatura as it comes; `trafilatura_fast.cascade` gives the same in half the time."""

    def __init__(self, trafilatura: ModuleType, tree: HtmlElement, *_: object) -> None:
        self._trafilatura, self._tree = trafilatura, tree

    def extract(self, *, fast: bool) -> str:
        return self._trafilatura.extract(self._tree, include_comments=False, fast=fast) or ""


def _is_doubtful(text: str, shown_chars: int) -> bool:
    """Tell whether what was extracted from a page looks as if no article had been found on it."""
    if len(text) < _LITTLE_CHARS and shown_chars > len(text) / _LITTLE_SHARE:
        return True
    if len(text) < _MENUS_COUNT_CHARS and shown_chars <= len(text) / _NEXT_TO_ALL_SHARE:
        return True
    return len(text) >= _LITTLE_CHARS and "\n" not in text


def trim_tail(text: str) -> str:
    r"""Drop up to three short lines without an end mark after the last sentence: headings of what was not extracted.

    A text that is such lines throughout (a poem, a list) has more of them at its end, and keeps them.

    >>> trim_tail("It rained all day.\nMore on this\nVideos")
    'It rained all day.'
    >>> trim_tail("Rain\nSnow\nHail\nFog")
    'Rain\nSnow\nHail\nFog'
    """
    lines = text.split("\n")
    tail = 0
    for line in reversed(lines):
        if len(line) > _MAX_TAIL_CHARS or line.rstrip(" |").endswith(_SENTENCE_ENDS):
            break
        tail += 1
    return "\n".join(lines[:-tail]) if 0 < tail <= _MAX_TAIL_LINES and tail < len(lines) else text


def _trafilatura_with(**options: bool) -> Callable[[], Engine]:
    """Name a plain setting of trafilatura's, as it comes."""

    def load() -> Engine:
        trafilatura = _load("trafilatura")
        _silence("trafilatura")
        return lambda html, _: trafilatura.extract(html, include_comments=False, **options) or ""

    return load


def _resiliparse() -> Engine:
    module = _load("resiliparse.extract.html2text", PACKAGES["resiliparse"])
    return lambda html, _: module.extract_plain_text(html, main_content=True, alt_texts=False, list_bullets=False)


def _readability() -> Engine:
    module = _load("readability", PACKAGES["readability"])
    _silence("readability")

    def extract(html: str, _: HtmlElement) -> str:
        tree = parse_html(module.Document(html).summary())
        return "" if tree is None else "\n".join(text for text in tree.itertext() if text.strip())

    return extract


def _newspaper() -> Engine:
    module = _load("newspaper", PACKAGES["newspaper"])

    def extract(html: str, _: HtmlElement) -> str:
        article = module.Article("http://localhost/", fetch_images=False)
        article.download(input_html=html)
        article.parse()
        return str(article.text)

    return extract


# What an extractor wants that is not among our dependencies; its version is part of the identity of the documents.
PACKAGES = {"resiliparse": "resiliparse", "readability": "readability-lxml", "newspaper": "newspaper4k[nlp]"}
ENGINES: dict[str, Callable[[], Engine]] = {
    "trafilatura": _trafilatura,
    "trafilatura-default": _trafilatura_with(),
    "trafilatura-fast": _trafilatura_with(fast=True),
    "trafilatura-precision": _trafilatura_with(favor_precision=True),
    "resiliparse": _resiliparse,
    "readability": _readability,
    "newspaper": _newspaper,
}


def load_engine(name: str) -> Engine:
    """Load an extractor by its name.

    Raises:
        UsageError: its package is not installed.
    """
    return _loaded(name, reference.is_on())


@functools.cache
def _loaded(name: str, _is_reference: bool) -> Engine:
    return ENGINES[name]()


def require_engine(name: str) -> None:
    """See that an extractor can be had; trafilatura, which always can, is not loaded for that.

    Raises:
        UsageError: its package is not installed.
    """
    if not name.startswith("trafilatura"):
        load_engine(name)


def _load(module: str, package: str | None = None) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(f"this extractor needs a package: pip install {package or module}") from error


def _silence(name: str) -> None:
    """Keep a library's remarks on each odd page out of the log: the ledger says what became of the page."""
    logging.getLogger(name).setLevel(logging.CRITICAL + 1)
