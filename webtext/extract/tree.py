"""A page's HTML to a tree that can be walked: without what no XML text may hold, and not too deep."""

import functools
import re

from lxml import etree
from lxml.html import HtmlComment, HtmlElement, HtmlEntity, HtmlProcessingInstruction

# Characters, plain or as references, that no XML text may hold: one of them and trafilatura gives nothing.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CONTROL_CODES = bytes(code for code in range(0x20) if chr(code) not in "\t\n\r")
_CONTROL_REFERENCES = re.compile(r"&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));")
# What is nested deeper stands beside, as in browsers (Chromium: 512 levels). 256 is libxml2's limit; real pages have
# some 40. Extractors recurse once a level.
_MAX_DEPTH = 256
_TOO_DEEP = etree.XPath("/*" * _MAX_DEPTH + "[*]", smart_strings=False)


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


def without_controls(html: str) -> tuple[str, bytes]:
    r"""Drop the characters that no XML text may hold, plain and as references: extractors stumble over them.

    Returns:
        The page, and what is parsed of it: its bytes, which are made once.

    >>> without_controls("a\x00b&#8;c&#x41;")
    ('abc&#x41;', b'abc&#x41;')
    """
    encoded = _encode(html)
    clean = _CONTROLS.sub("", html) if _has_controls(html, encoded) else html
    if "&#" in clean:
        clean = _CONTROL_REFERENCES.sub("", clean)
    return clean, encoded if clean is html else _encode(clean)


def _encode(html: str) -> bytes:
    return html.encode("utf-8", "replace")


def _has_controls(html: str, encoded: bytes) -> bool:
    """Tell it in a third of the time of a search for their class: one character at a time is what C looks for best."""
    return any(code in encoded for code in _CONTROL_CODES) or "\ufffe" in html or "\uffff" in html


def parse_html(html: str | bytes) -> HtmlElement | None:
    """Parse a page, as a text or in UTF-8; None where nothing is an element. None is nested deeper than 257 levels."""
    try:
        tree: HtmlElement | None = etree.fromstring(html if isinstance(html, bytes) else _encode(html), _parser())
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
