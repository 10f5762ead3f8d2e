"""What a page's head says about the page: its meta, link and script elements, read once from left to right.

Browsers' rules decide what is an element: comments, scripts, styles and titles hide what is in them, quoted values may
hold `>`, names have any case. Time grows with the length of the page's beginning and with nothing else, since this runs
in the crawl's own process.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape

_OPENING = re.compile(
    rb"<(?:(!--)|(/head|body|frameset)(?=[\s/>])|"
    rb"(meta|link|script|style|title|textarea|xmp|iframe|noembed|noframes|template)(?=[\s/>]))",
    re.IGNORECASE,
)
# A tag as most are written, which is passed over at once unless it has one of the words that are asked for.
_PLAIN_TAG = re.compile(
    rb"(?:\s++[a-z:_-]++(?:\s*+=\s*+(?:\"[^\"&]*+\"|'[^'&]*+'|[^\s\"'`=<>&]++))?+)*+\s*+/?>", re.IGNORECASE
)
_COMMENT_END = re.compile(rb"--!?>")
_NAME = re.compile(rb"[\s/]*(>|[^\s/>][^\s/>=]*)")
_EQUALS = re.compile(rb"\s*=\s*")
_BARE = re.compile(rb"[^\s>]*")
_CLOSING = {
    tag: re.compile(rb"</" + tag, re.IGNORECASE)
    for tag in (b"script", b"style", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes", b"template")
}
_EMPTY = frozenset({b"meta", b"link"})
_MAX_VALUE = 2000  # bytes of an attribute that count
_MAX_SCRIPT = 64 << 10  # bytes of a script that are given


@dataclass(frozen=True, slots=True)
class Element:
    """A meta, link or script element."""

    tag: str
    attributes: dict[str, str]  # values by name in lower case
    text: bytes = b""  # a script's text

    def get(self, name: str) -> str:
        """Give an attribute without blanks around it; "" where there is none."""
        return self.attributes.get(name, "").strip()


def head_elements(beginning: bytes, words: Sequence[bytes] = ()) -> Iterator[Element]:
    """Yield the elements before the page's body.

    Args:
        beginning: of the page, decompressed, in any encoding that has ASCII in it (UTF-16 too).
        words: in lower case; elements without any of them in their tag may be left out. None: all are given.
    """
    html = beginning.replace(b"\0", b"") if b"\0" in beginning else beginning
    place = 0
    while (opening := _OPENING.search(html, place)) and not opening[2]:
        if opening[1]:
            end = _COMMENT_END.search(html, opening.start() + 2)
            place = end.end() if end else len(html)
            continue
        attributes, place = _tag(html, opening.end(), words)
        if attributes is None:
            return
        tag, text = opening[3].lower(), b""
        if tag not in _EMPTY:
            end = _CLOSING[tag].search(html, place)
            closing = end.start() if end else len(html)
            text, place = html[place : min(closing, place + _MAX_SCRIPT)], closing
        if attributes and (tag in _EMPTY or tag == b"script"):
            yield Element(tag.decode(), attributes, text)


def _tag(html: bytes, place: int, words: Sequence[bytes]) -> tuple[dict[str, str] | None, int]:
    """Read a tag's attributes, as `_attributes` does, unless it is plain and has none of the words."""
    plain = _PLAIN_TAG.match(html, place) if words else None
    if plain is not None:
        tag = plain[0].lower()
        if not any(word in tag for word in words):
            return {}, plain.end()
    return _attributes(html, place)


def _attributes(html: bytes, place: int) -> tuple[dict[str, str] | None, int]:
    """Read a tag's attributes; gives them, None where the tag has no end, and the place behind the tag."""
    found: dict[str, str] = {}
    while name := _NAME.match(html, place):
        if name[1] == b">":
            return found, name.end()
        place, value = name.end(), b""
        if equals := _EQUALS.match(html, place):
            place = equals.end()
            quote = html[place : place + 1]
            if quote in {b'"', b"'"}:
                end = html.find(quote, place + 1)
                if end < 0:
                    return None, len(html)
                value, place = html[place + 1 : min(end, place + _MAX_VALUE)], end + 1
            else:
                bare = _BARE.match(html, place)
                assert bare is not None
                value, place = bare[0][:_MAX_VALUE], bare.end()
        found.setdefault(name[1][:100].decode("latin-1").lower(), unescape(value.decode("utf-8", "replace")))
    return None, len(html)
