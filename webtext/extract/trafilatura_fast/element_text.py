"""The text of what trafilatura extracted, as its `xmltotxt` writes it: most of it by a rule of a few lines.

Half of all that is extracted are paragraphs, headings, line breaks and code with nothing in them but text, outside of
lists and tables. For these it is plain what becomes of them; everything else is left to trafilatura's own function.
"""

from html import unescape

from lxml import etree
from trafilatura.utils import sanitize
from trafilatura.xml import SEPARATORS, process_element

_LINES = frozenset(("p", "head", "lb", "quote"))


def text_of(body: etree._Element) -> str:
    """Write an extracted body as plain text, without formatting."""
    pieces: list[str] = []
    if body.tag != "body" or body.text:
        process_element(body, pieces, include_formatting=False)
    else:
        for element in body:
            if len(element) == 0 and (element.tag in _LINES or element.tag == "code"):
                _write_plain(element, pieces)
            else:
                process_element(element, pieces, include_formatting=False)
    return unescape(sanitize("".join(pieces), preserve_space=True) or "")


def _write_plain(element: etree._Element, pieces: list[str]) -> None:
    """Write an element that has only text, and the text after it: code where it stands, the rest on its own line."""
    text, tail = element.text, element.tail
    if element.tag == "code":
        if text:  # without, what is after it does not count either
            pieces += (text, tail) if tail else (text,)
        return
    if pieces and pieces[-1][-1:] not in SEPARATORS:
        pieces.append("\n")
    pieces += (text or "\n", "\n")
    if tail:
        pieces.append(tail.lstrip())
