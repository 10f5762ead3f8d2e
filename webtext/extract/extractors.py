"""The extractors that can be asked for, behind one signature, each loaded only when it is used.

`webtext` is the default: it judges the blocks of a page, whatever kind of page it is, and asks trafilatura where it is
in doubt (docs/extraction.md has the table). The others are there so that corpora can be compared.
"""

import functools
import importlib
import logging
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from webtext.errors import UsageError

if TYPE_CHECKING:  # who only names extractors, as the process does that hands pages out, holds no parser
    from lxml.html import HtmlElement

Engine = Callable[[str, "HtmlElement"], str]  # a function of a page and its tree, which it may use up


def _webtext() -> Engine:
    from webtext.extract.main_text import main_text  # noqa: PLC0415 - as above
    from webtext.extract.quicker import quicken  # noqa: PLC0415 - as above

    _silence("trafilatura")
    quicken()  # before the first page's time begins
    return lambda _, tree: main_text(tree, second_opinion=lambda: second_opinion(tree))


def _webtext_alone() -> Engine:
    from webtext.extract.main_text import main_text  # noqa: PLC0415 - as above

    return lambda _, tree: main_text(tree)


def second_opinion(tree: "HtmlElement") -> str:
    """Give the text of a page by trafilatura's default setting, rows of tables with tabs as ours."""
    text = importlib.import_module("trafilatura").extract(tree, options=_options()) or ""
    return "\n".join(line for line in map(_without_bars, text.split("\n")) if line)


@functools.cache
def _options() -> object:
    """Make trafilatura's options once: it reads them from a file's settings."""
    return _load("trafilatura.settings").Extractor(comments=False)


def _without_bars(line: str) -> str:
    """Write a row of a table with tabs between its cells; "" for a line that only rules a table off."""
    if not line.startswith("|"):
        return line
    cells = [cell.strip() for cell in line.strip("| ").split("|")]
    return "" if all(not cell.strip("-: ") for cell in cells) else "\t".join(cells)


def _trafilatura_with(**options: bool) -> Callable[[], Engine]:
    """Name a plain setting of trafilatura's, as it comes."""

    def load() -> Engine:
        from webtext.extract.tree import element_classes  # noqa: PLC0415 - as above

        trafilatura = _load("trafilatura")
        _silence("trafilatura")
        importlib.import_module("trafilatura.utils").HTML_PARSER.set_element_class_lookup(element_classes())
        importlib.import_module("lxml.html").html_parser.set_element_class_lookup(element_classes())
        return lambda html, _: trafilatura.extract(html, include_comments=False, **options) or ""

    return load


def _resiliparse() -> Engine:
    module = _load("resiliparse.extract.html2text", PACKAGES["resiliparse"])
    return lambda html, _: module.extract_plain_text(html, main_content=True, alt_texts=False, list_bullets=False)


def _readability() -> Engine:
    from webtext.extract.tree import parse_html  # noqa: PLC0415 - as above

    module = _load("readability", PACKAGES["readability"])
    _silence("readability")

    def extract(html: str, _: "HtmlElement") -> str:
        tree = parse_html(module.Document(html).summary())
        texts = [] if tree is None else [" ".join(text.split()) for text in tree.itertext()]
        return "\n".join(text for text in texts if text)

    return extract


def _newspaper() -> Engine:
    module = _load("newspaper", PACKAGES["newspaper"])

    def extract(html: str, _: "HtmlElement") -> str:
        article = module.Article("http://localhost/", fetch_images=False)
        article.download(input_html=html)
        article.parse()
        return str(article.text)

    return extract


# What an extractor wants that is not among our dependencies; its version is part of the identity of the documents.
PACKAGES = {"resiliparse": "resiliparse", "readability": "readability-lxml", "newspaper": "newspaper4k[nlp]"}
ENGINES: dict[str, Callable[[], Engine]] = {
    "webtext": _webtext,
    "trafilatura": _trafilatura_with(),
    "trafilatura-fast": _trafilatura_with(fast=True),
    "trafilatura-precision": _trafilatura_with(favor_precision=True),
    "resiliparse": _resiliparse,
    "readability": _readability,
    "newspaper": _newspaper,
}


# What an extractor finds by itself, where another is asked for a second opinion: for pages that are too much for that.
ALONE: dict[str, Callable[[], Engine]] = {"webtext": _webtext_alone}


@functools.cache
def load_engine(name: str, *, alone: bool = False) -> Engine:
    """Load an extractor by its name, or what it is alone: a name of `ALONE`.

    Raises:
        UsageError: its package is not installed.
    """
    return (ALONE if alone else ENGINES)[name]()


def require_engine(name: str) -> None:
    """See that an extractor can be had; those that always can are not loaded for that.

    Raises:
        UsageError: its package is not installed.
    """
    if name in PACKAGES:
        load_engine(name)


def _load(module: str, package: str | None = None) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(f"this extractor needs a package: pip install {package or module}") from error


def _silence(name: str) -> None:
    """Keep a library's remarks on each odd page out of the log: the ledger says what became of the page."""
    logging.getLogger(name).setLevel(logging.CRITICAL + 1)
