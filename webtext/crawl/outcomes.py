"""What can become of a page: the closed set of outcomes, and the judgement of an answer by what HTTP says of it.

Bot walls, consent walls and pages that say "not found" with a status of 200 are judged later, by their text.
"""

import re

# Every outcome with what it means; besides these, `http_NNN` is an answer with that status. docs/fetch.md shows this
# table, and a test holds them equal.
OUTCOMES: dict[str, str] = {
    "ok": "an HTML page came, whole",
    "not_fetched": "not asked for: the run's limit of pages or of time was reached",
    "removed": "somebody asked for its removal (`webtext remove`), so it is not asked for again",
    "private_address": "the host is, or resolves to, an address that is not public, or the port is not the web's",
    "bad_url": "the URL cannot be asked for",
    "dns_error": "the host's name does not resolve",
    "connect_timeout": "no connection in time",
    "connection_error": "no connection, or it broke off",
    "tls_error": "no TLS connection: certificate or protocol",
    "read_timeout": "the server fell silent for too long, before its answer or within it",
    "total_timeout": "the exchange as a whole took too long",
    "bad_response": "what came is not HTTP, or its headers have no end",
    "incomplete": "the body ended before its length or its last chunk",
    "bad_encoding": "the body is not compressed as its header says",
    "too_large": "the body is larger than allowed, as sent or decompressed",
    "not_html": "the content is not HTML, by its declared type or by its first bytes",
    "empty_body": "the answer has no content",
    "bad_redirect": "a redirect without a usable target",
    "redirect_loop": "a redirect back to a URL that was asked before",
    "too_many_redirects": "more redirects than allowed",
    "media": "a redirect to a picture, a film or a sound, by extension or host; such a redirect is not followed",
    "reddit_internal": "a redirect to Reddit itself",
    "download": "a redirect to a file that is no page, by extension",
    "wikipedia": "a redirect to Wikipedia (`--wikipedia` follows it)",
    "robots_disallowed": "robots.txt does not allow it",
    "robots_unreachable": "robots.txt is there but cannot be read (5xx, 429, timeouts), so nothing may be fetched",
    "opt_out": "the page or its site opts out of being learned from",
    "dead_host": "the host failed several times in a row and was given up",
}
_STATUS = re.compile(r"http_[1-9]\d\d")
ACCEPTED_STATUS = frozenset({200, 203})  # 203: as 200, changed by a proxy
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TRANSIENT = frozenset(
    {"connect_timeout", "connection_error", "read_timeout", "incomplete", "bad_response", "dns_error"}
)
TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_DOUBTFUL_TYPES = frozenset(
    (
        *("", "*/*", "unknown/unknown", "application/unknown", "application/octet-stream"),
        *("html", "content/html", "text", "text/plain", "text/xhtml", "text/xml", "application/xml"),
        *("text/vnd.wap.wml", "application/vnd.wap.xhtml+xml"),
    )
)
_HTML_START = re.compile(  # WHATWG MIME Sniffing, section 7.1, and an XML declaration before it
    rb"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|script|iframe|h1|div|font|table|a|style|title|b|"
    rb"body|br|p)[\s>]",
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
_BINARY_SHARE = 0.02  # of the bytes looked at; old pages have a stray one


def is_outcome(slug: str) -> bool:
    """Tell whether a slug is an outcome of a fetch."""
    return slug in OUTCOMES or _STATUS.fullmatch(slug) is not None


def media_type(content_type: str) -> str:
    """Give the media type of a Content-Type header, without its parameters, in lower case.

    >>> media_type('Text/HTML; charset="utf-8"')
    'text/html'
    """
    return content_type.split(",", maxsplit=1)[0].split(";", maxsplit=1)[0].strip().lower()


def may_be_html(content_type: str) -> bool:
    """Tell whether a declared type is HTML, or leaves it open, so that the body is worth reading."""
    return media_type(content_type) in _HTML_TYPES | _DOUBTFUL_TYPES


def is_html(content_type: str, beginning: bytes) -> bool:
    """Tell whether content is HTML: by its first bytes where the declared type leaves it open or lies.

    Args:
        content_type: the header's value.
        beginning: of the body, decompressed; 2 KiB suffice.
    """
    declared = media_type(content_type)
    start = beginning[:_SNIFFED]
    if declared in _HTML_TYPES:
        return not _is_binary(start, content_type)
    if declared not in _DOUBTFUL_TYPES:
        return False
    return _HTML_START.match(start.removeprefix(b"\xef\xbb\xbf")) is not None


def _is_binary(start: bytes, content_type: str) -> bool:
    if start.startswith(_MAGIC):
        return True
    if start.startswith(_UNICODE_MARKS) or "utf-16" in content_type.lower() or "utf-32" in content_type.lower():
        return False
    stray = len(start) - len(start.translate(None, _BINARY))
    return stray > max(1, _BINARY_SHARE * len(start)) and not _is_wide(start)


def _is_wide(start: bytes) -> bool:
    """Tell whether bytes look like UTF-16 without a mark: every other one is NUL, and `<` comes first."""
    return start.lstrip(b"\x00\t\n\r ")[:1] == b"<" and abs(start.count(0) - len(start) / 2) < len(start) / 8


def judge_answer(status: int, content_type: str, beginning: bytes) -> str:
    """Give the outcome of an answer that came whole, by status, declared type and first bytes.

    >>> judge_answer(404, "text/html", b"<html>"), judge_answer(200, "text/html", b"%PDF-1.4")
    ('http_404', 'not_html')
    """
    if status not in ACCEPTED_STATUS:
        return f"http_{status}" if 100 <= status <= 999 else "bad_response"
    if not may_be_html(content_type):
        return "not_html"
    if not beginning.strip():
        return "empty_body"
    return "ok" if is_html(content_type, beginning) else "not_html"


def is_transient(outcome: str) -> bool:
    """Tell whether asking again may help.

    >>> is_transient("http_503"), is_transient("http_404")
    (True, False)
    """
    return outcome in TRANSIENT or (outcome.startswith("http_") and int(outcome[5:]) in TRANSIENT_STATUS)
