"""Bytes of a page to text: which encoding it is in, when headers lie, meta tags lie, or nobody says.

The order is that of browsers (WHATWG HTML, section 13.2.3, "determining the character encoding"), with one difference
that measured better on real pages: bytes that are valid UTF-8 and not plain ASCII are UTF-8, whatever is declared. It
is next to impossible for text in another encoding to be valid UTF-8 by chance.
"""

import codecs
import re
from functools import lru_cache

from charset_normalizer import from_bytes

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META_BYTES = 1024  # a browser looks for a declaration in so many bytes; many pages put it later
_META_SCAN_BYTES = 8 * _META_BYTES
_DETECT_BYTES = 16_384  # of those that are not ASCII, and what stands around them
_CONTENT_TYPE_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';,]+)", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,512}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,256}?encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
_DETECT_MIN_BYTES = 32  # not ASCII: fewer are the odd accent or quote of a Western page, and no sample to guess from
_NOT_ASCII = re.compile(rb"[\x80-\xff]")

# Browsers read these labels as their supersets (WHATWG Encoding, section 4.2), because pages use them so.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
# What Python calls an encoding but no page is in: codecs between bytes, and ways to attack a decoder.
_NOT_FOR_PAGES = {"utf_7", "idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"}


def decode_html(body: bytes, content_type: str = "") -> str:
    """Decode a page: byte order mark, then valid UTF-8, then the header, the document's own word, and detection.

    Args:
        body: the page's bytes, with no content encoding left.
        content_type: the HTTP header, "" where there was none.

    Returns:
        Text. Bytes that are nothing in the encoding become U+FFFD; nothing is raised for any input.

    >>> decode_html("naïve café".encode("latin-1"), "text/html; charset=utf-8")
    'naïve café'
    """
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    if body.count(0, 0, _META_BYTES) * 4 > min(len(body), _META_BYTES):  # UTF-16 without a mark: every other byte
        return body.decode("utf-16-be" if body[:1] == b"\x00" else "utf-16-le", "replace")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_legacy(body, content_type)
    if "\x1b" in text:  # ISO-2022 is plain ASCII with escapes
        return _decode_escaped(body, text, content_type)
    return text


def _decode_legacy(body: bytes, content_type: str) -> str:
    """Decode what is not valid UTF-8."""
    declared = [*declared_encodings(body, content_type)]
    for encoding in declared:
        if encoding == "utf-8":
            continue
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    if _mostly_utf8(body):
        return body.decode("utf-8", "replace")
    legacy = [encoding for encoding in declared if encoding != "utf-8"]
    return body.decode(legacy[0] if legacy else _detect(body), "replace")


def _decode_escaped(body: bytes, text: str, content_type: str) -> str:
    """Decode what looks like UTF-8 only because it has seven bits, if it is said to be in such an encoding."""
    escaped = (encoding for encoding in declared_encodings(body, content_type) if encoding.startswith("iso2022"))
    encoding = next(escaped, None)
    return text if encoding is None else body.decode(encoding, "replace")


def declared_encodings(body: bytes, content_type: str) -> tuple[str, ...]:
    """List the encodings that a page is said to be in, the header's first, as Python's names, without unknown ones."""
    head = body[:_META_SCAN_BYTES]
    in_header = _CONTENT_TYPE_CHARSET.search(content_type)
    labels = [in_header.group(1)] if in_header else []
    in_page = (pattern.search(head) for pattern in (_XML_ENCODING, _META_CHARSET))
    labels.extend(match.group(1).decode("ascii", "replace") for match in in_page if match)
    known = (encoding for label in labels if (encoding := _python_name(label)) is not None)
    return tuple(dict.fromkeys(known))


@lru_cache(maxsize=256)
def _python_name(label: str) -> str | None:
    """Translate a label to the codec that a browser would use; None where there is no such text encoding."""
    try:
        codec = codecs.lookup(label.strip().lower())
    except (LookupError, ValueError):  # ValueError: a zero byte in the label
        return None
    if codec.name.replace("-", "_") in _NOT_FOR_PAGES or not codec._is_text_encoding:  # noqa: SLF001 (the one sign that Python gives)
        return None
    if codec.name.startswith(("utf-16", "utf-32")):
        return "utf-8"  # a declaration that could be read in ASCII is not in UTF-16 (WHATWG HTML, 13.2.3.2)
    return _SUPERSETS.get(codec.name, codec.name)


def _mostly_utf8(body: bytes) -> bool:
    """Tell whether UTF-8 decodes all but a few bytes: a page cut in a character, or pasted from two sources."""
    high = len(_NOT_ASCII.findall(body))
    damaged = body.decode("utf-8", "replace").count("\ufffd") - body.count(b"\xef\xbf\xbd")
    return damaged * 10 <= high


def _detect(body: bytes) -> str:
    """Guess the encoding of bytes about which nothing is known; deterministic, cp1252 where there is no telling."""
    first = _NOT_ASCII.search(body)
    start = max(0, (first.start() if first else 0) - _DETECT_BYTES // 4)
    sample = body[start : start + _DETECT_BYTES]
    if len(_NOT_ASCII.findall(sample)) < _DETECT_MIN_BYTES:
        return "cp1252"
    best = from_bytes(sample).best()
    return (_python_name(best.encoding) if best else None) or "cp1252"
