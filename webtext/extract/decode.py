"""Bytes of a page to text: which encoding it is in, when headers lie, meta tags lie, or nobody says.

Labels and the order of their sources are those of browsers (WHATWG Encoding, and HTML, section 13.2.3), with one
difference that measured better on real pages: the bytes have the last word. What decodes as UTF-8 is UTF-8, whatever is
declared: it is next to impossible for text in another encoding to be valid UTF-8 by chance. And a declared encoding in
which much of a page is no character is passed over for the next that is declared.
"""

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache

import webencodings
from charset_normalizer import from_bytes
from lxml import etree

from webtext.mime import extract_mime_type

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META_BYTES = 1024  # a browser looks for a declaration in so many bytes; many pages put it later
_META_SCAN_BYTES = 8 * _META_BYTES
_DETECT_BYTES = 16_384  # bytes that are not ASCII, and what stands around them
_META_CHARSET = re.compile(r"charset\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;\"']+))", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,256}?encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
_DETECT_MIN_BYTES = 32  # not ASCII: fewer are the odd accent or quote of a Western page, and no sample to guess from
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_DAMAGED = 10  # bytes that are not ASCII to one that is no character: so few are damage, more are another encoding

_WHATWG = "webtext.whatwg"  # our name for `_as_browsers_do` among Python's ways to treat what is no character
# What could be read as ASCII is not in UTF-16, and x-user-defined, whose characters are nobody's, was never meant
# (WHATWG HTML, 13.2.3.2, has both for meta elements).
_MEANT = {"utf-16le": "utf-8", "utf-16be": "utf-8", "x-user-defined": "windows-1252"}
_LIKE_WHATWG = {"gbk": "gb18030", "iso-2022-jp": "iso2022_jp_ext"}  # codecs of Python that are nearer to the standard


def decode_html(body: bytes, content_type: str = "") -> str:
    """Decode a page: byte order mark, then UTF-8 if it is, then the header, the document's own word, and detection.

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
    if (wide := _wide_encoding(body, content_type)) is not None:
        return body.decode(wide, "replace")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_legacy(body, content_type)
    if "\x1b" in text and "iso-2022-jp" in declared_encodings(body, content_type):  # plain ASCII with escapes
        return _decode(body, "iso-2022-jp")
    return text


def _wide_encoding(body: bytes, content_type: str) -> str | None:
    """Name the byte order of UTF-16 without a mark: every other byte is NUL, or some are and the header says UTF-16."""
    zeros = body.count(0, 0, _META_BYTES)
    if not zeros:
        return None
    declared = _encoding_name(extract_mime_type(content_type).charset) or ""
    if zeros * 4 <= min(len(body), _META_BYTES) and not declared.startswith("utf-16"):
        return None
    pairs = (body[place : place + 2] for place in range(0, _META_BYTES, 2))
    first = next((pair for pair in pairs if pair in {b"<\0", b"\0<"}), None)
    if first is None and declared.startswith("utf-16"):
        return declared
    return "utf-16-be" if (first or body)[:1] == b"\0" else "utf-16-le"


def _decode_legacy(body: bytes, content_type: str) -> str:
    """Decode what is not valid UTF-8: as the first of UTF-8 and what is declared in which it is nearly all characters.

    A page that was cut in a character, or pasted from two sources, has a few that are none.
    """
    tolerated = len(_NOT_ASCII.findall(body)) // _DAMAGED
    given = body.count(b"\xef\xbf\xbd")  # an honest U+FFFD in UTF-8
    declared = declared_encodings(body, content_type)
    for encoding in dict.fromkeys(("utf-8", *declared)):
        text = _decode(body, encoding)
        if text.count("\ufffd") - (given if encoding == "utf-8" else 0) <= tolerated:
            return text
    legacy = next((encoding for encoding in declared if encoding != "utf-8"), None)
    return _decode(body, legacy) if legacy else _detect(body)


def declared_encodings(body: bytes, content_type: str) -> tuple[str, ...]:
    """List the encodings that a page is said to be in, the header's first, by their WHATWG names, without unknown ones.

    >>> declared_encodings(b"<!-- <meta charset=koi8-r> --><meta charset=latin1>", "text/html; charset=utf8")
    ('utf-8', 'windows-1252')
    """
    head = body[:_META_SCAN_BYTES]
    in_header = _encoding_name(extract_mime_type(content_type).charset)
    in_xml = _XML_ENCODING.search(head)
    in_page = next(_meta_encodings(head), None) or (
        _encoding_name(in_xml[1].decode("ascii", "replace")) if in_xml else None
    )
    return tuple(dict.fromkeys(_MEANT.get(name, name) for name in (in_header, in_page) if name))


def _meta_encodings(head: bytes) -> Iterator[str]:
    """Yield the encodings that meta elements of a page's beginning declare: comments and scripts hold none.

    An HTML parser finds the elements. Where a browser's prescan stops at 1,024 bytes, this one reads all it is given.
    """
    parser = etree.HTMLPullParser(events=("start",), tag="meta", encoding="iso-8859-1")
    parser.feed(head.replace(b"\0", b""))
    for _, element in parser.read_events():
        labels = [element.get("charset")]
        if (element.get("http-equiv") or "").strip().lower() == "content-type":
            labels += [one or two or bare for one, two, bare in _META_CHARSET.findall(element.get("content") or "")]
        yield from filter(None, map(_encoding_name, filter(None, labels)))


@lru_cache(maxsize=256)
def _encoding_name(label: str) -> str | None:
    """Translate a label to the name of the encoding that a browser would use; None where it would use none."""
    found = webencodings.lookup(label.encode("ascii", "replace").decode())
    return None if found is None or found.name == "replacement" else found.name


def _decode(body: bytes, encoding: str) -> str:
    """Decode bytes in an encoding of WHATWG's; what is no character in it becomes U+FFFD."""
    if encoding in _LIKE_WHATWG:
        return body.decode(_LIKE_WHATWG[encoding], _WHATWG)
    found = webencodings.lookup(encoding)
    assert found is not None
    return str(found.codec_info.decode(body, _WHATWG)[0])


def _as_browsers_do(error: UnicodeError) -> tuple[str, int]:
    """Give the character of bytes that Python's codec has none for and WHATWG's index has one, else U+FFFD.

    That is the euro sign of gbk, bytes without a character in Microsoft's single-byte encodings, and of Japanese the
    rows of NEC and IBM, which Python has in cp932 only.
    """
    assert isinstance(error, UnicodeDecodeError)
    found = error.object[error.start : error.start + 2]
    if error.encoding == "charmap" and found[0] < 0xA0:
        return chr(found[0]), error.start + 1
    if error.encoding == "gb18030" and found[0] == 0x80:
        return "\u20ac", error.start + 1
    if error.encoding in {"euc_jp", "iso2022_jp_ext"} and len(found) == 2:
        row, cell = (byte & 0x7F for byte in found)
        high = error.encoding == "euc_jp"
        if all((byte > 0x80) == high for byte in found) and 0x20 < row < 0x7F and 0x20 < cell < 0x7F:
            character = _shift_jis(row, cell).decode("cp932", "replace")
            if character != "\ufffd":
                return character, error.start + 2
    return "\ufffd", error.end


def _shift_jis(row: int, cell: int) -> bytes:
    """Give the bytes in Shift_JIS of a character of JIS X 0208, which is named by two numbers from 0x21 to 0x7E."""
    lead = (row - 0x21) // 2 + (0x81 if row < 0x5F else 0xC1)
    trail = cell + 0x7E if row % 2 == 0 else cell + (0x1F if cell < 0x60 else 0x20)
    return bytes((lead, trail))


codecs.register_error(_WHATWG, _as_browsers_do)


def _detect(body: bytes) -> str:
    """Decode bytes about which nothing is known by what they look like; as windows-1252 where there is no telling."""
    first = _NOT_ASCII.search(body)
    start = max(0, (first.start() if first else 0) - _DETECT_BYTES // 4)
    sample = body[start : start + _DETECT_BYTES]
    best = from_bytes(sample).best() if len(_NOT_ASCII.findall(sample)) >= _DETECT_MIN_BYTES else None
    if best is None:
        return _decode(body, "windows-1252")
    label = _encoding_name(best.encoding.replace("_", "-"))
    return _decode(body, label) if label else body.decode(best.encoding, "replace")
