"""What a Content-Type header says, read as browsers read it, and the one judgement of what is usable HTML.

The crawl asks before it reads a body, the index of other people's archives asks of each record, and the build asks
before it extracts: all three ask here, so that a page is never HTML to one and something else to another.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # HTTP token code points (WHATWG MIME Sniffing, section 2)
_ESSENCE = re.compile(rf"[\t\n\r ]*({_NAME}/{_NAME})[\t\n\r ]*(?:;|$)")
_QUOTED = r'"(?:[^"\\]|\\.)*"?'
# The values of a header that may have been sent several times.
_VALUES = re.compile(rf'(?:{_QUOTED}|[^",])+', re.DOTALL)
_PARAMETER = re.compile(rf";([^;=]*)=[\t\n\r ]*({_QUOTED}|[^;]*)[^;]*", re.DOTALL)
# What no parser of MIME types finds and people mean: `text/html charset=utf-8`, `text/html,charset=utf-8`.
_ANY_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';,]+)", re.IGNORECASE)
_UNKNOWN = "unknown/unknown"

# The type of the text that somebody else extracted (a WET file's `conversion` records). It is ours: an archive's record
# may have it, an answer from the web never does.
CONVERSION_TYPE = "text/x-warc-conversion"

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
# Types that say nothing, or that servers give to HTML by mistake: the first bytes decide. The first four are those of
# WHATWG MIME Sniffing, section 7; a header that is no MIME type at all (`html`, `text`) counts as the first.
DOUBTFUL_TYPES = frozenset(
    (
        *(_UNKNOWN, "application/unknown", "*/*", "content/unknown"),
        *("application/octet-stream", "binary/octet-stream", "text/plain"),
        *("content/html", "text/xhtml", "application/xhtml", "application/html", "text/htm"),
        *("text/xml", "application/xml", "text/vnd.wap.wml"),
    )
)
_HTML_START = re.compile(  # WHATWG MIME Sniffing, section 7.1, behind what XML and authors put first
    rb"\s*+(?>(?:<\?xml[^>]*>|<!--.*?-->)\s*+)*+<(?:(?:!doctype\s+html|html|head|script|iframe|h1|div|font|table|a|"
    rb"style|title|b|body|br|p|meta)[\s>/]|!--)",
    re.IGNORECASE | re.DOTALL,
)
_MAGIC = (
    *(b"%PDF-", b"%!PS", b"\xd0\xcf\x11\xe0", b"FWS", b"CWS"),
    *(b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"BM", b"RIFF", b"ID3", b"OggS", b"\x00\x00\x01\x00", b"\x1aE\xdf\xa3"),
    *(b"PK\x03\x04", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh"),
)
_UNICODE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_SNIFFED = 2048  # bytes looked at
_BINARY = bytes(byte for byte in range(0x20) if byte not in b"\t\n\x0b\x0c\r\x1b")  # WHATWG MIME Sniffing, section 3
_BINARY_SHARE = 0.02  # the share of the bytes looked at; old pages have a stray one


@dataclass(frozen=True, slots=True)
class MimeType:
    """A media type without parameters, in lower case, and the label of the encoding that stood beside it, or ""."""

    essence: str
    charset: str


@lru_cache(maxsize=64)  # Answers have few, and each is asked for four times.
def extract_mime_type(content_type: str) -> MimeType:
    """Read a Content-Type header, however often it was sent (WHATWG Fetch, "extract a MIME type").

    The last valid type counts. `unknown/unknown` is what no valid type comes to. A charset that only a lenient reader
    finds is given too: it is a hint, and the bytes have the last word.

    >>> extract_mime_type('text/html, Text/HTML; charset="UTF-8"')
    MimeType(essence='text/html', charset='UTF-8')
    >>> extract_mime_type("text/html;charset=koi8-r, text/html").charset, extract_mime_type("html").essence
    ('koi8-r', 'unknown/unknown')
    """
    essence = charset = ""
    for value in _VALUES.findall(content_type):
        match = _ESSENCE.match(value)
        if match is None or match[1] == "*/*":
            continue
        found = match[1].lower()
        parameters = _PARAMETER.findall(value, match.end(1))
        label = next((value for name, value in parameters if name.strip().lower() == "charset"), None)
        if label is not None:
            charset = _unquote(label)
        elif found != essence:
            charset = ""
        essence = found
    if not charset:
        hint = _ANY_CHARSET.search(content_type)
        charset = hint[1] if hint else ""
    return MimeType(essence or _UNKNOWN, charset)


def _unquote(value: str) -> str:
    value = value.strip("\t\n\r ")
    return re.sub(r"\\(.)", r"\1", value.strip('"')) if value.startswith('"') else value


def may_be_html(content_type: str) -> bool:
    """Tell whether a declared type is HTML, or leaves it open, so that the body is worth reading."""
    return extract_mime_type(content_type).essence in HTML_TYPES | DOUBTFUL_TYPES


def is_html(content_type: str, beginning: bytes) -> bool:
    """Tell whether content is HTML: by its first bytes where the declared type leaves it open or lies.

    Args:
        content_type: the header's value.
        beginning: of the body, decompressed; 2 KiB suffice.
    """
    declared = extract_mime_type(content_type)
    start = beginning[:_SNIFFED]
    if declared.essence in HTML_TYPES:
        return not _is_binary(start, declared.charset)
    if declared.essence not in DOUBTFUL_TYPES:
        return False
    return _HTML_START.match(start.removeprefix(b"\xef\xbb\xbf")) is not None


def _is_binary(start: bytes, charset: str) -> bool:
    if start.startswith(_MAGIC):
        return True
    if start.startswith(_UNICODE_MARKS) or charset.lower().startswith(
        ("utf-16", "utf-32", "utf16", "unicode", "ucs-2")
    ):
        return False
    stray = len(start) - len(start.translate(None, _BINARY))
    return stray > max(1, _BINARY_SHARE * len(start)) and not _is_wide(start)


def _is_wide(start: bytes) -> bool:
    """Tell whether bytes look like UTF-16 without a mark: every other one is NUL, and `<` comes first."""
    return start.lstrip(b"\x00\t\n\r ")[:1] == b"<" and abs(start.count(0) - len(start) / 2) < len(start) / 8
