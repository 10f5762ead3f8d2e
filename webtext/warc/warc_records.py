"""WARC, the format in which pages are kept: write records, read one by its place, list those of any archive.

What goes over the wire once is kept for good, so a new extractor or filter costs no new fetch. Records follow WARC 1.1
(ISO 28500:2017), one gzip member a record, so a page is read by seeking. Records are serialised here rather than by a
library because a page's records must reach the disk in one write: that is what makes a killed crawl resumable.
"""

import base64
import hashlib
import io
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import BinaryIO

from webtext.mime import CONVERSION_TYPE, extract_mime_type
from webtext.warc.http_body import DEFAULT_LIMIT, dechunk, decode_content
from webtext.warc.http_head import HeadError, read_head

_GZIP_LEVEL = 6
# zlib's window (a power of two, and 16 for gzip) and memory level. Most records are of a few hundred bytes, for which
# making ready a window of 32 KiB takes several times as long as compressing them; the result is as short.
_WINDOW, _SMALL_WINDOW = (16 + 15, 8), (16 + 12, 4)
_SMALL = 1 << 12  # bytes: all of it fits in the small window
_READ = 1 << 20  # bytes read at a time
_LEADING = 64  # bytes in which the status line begins; some servers send empty lines before it


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP response: headers as (name, value) in their order, names as they were written."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    reason: str = ""

    def header(self, name: str) -> str:
        """Return the values of a header, joined by commas as HTTP allows; "" where there is none.

        >>> HttpResponse(200, (("Vary", "A"), ("vary", "B")), b"").header("VARY")
        'A, B'
        """
        size, lower = len(name), name.lower()  # few of thousands of headers are as long
        return ", ".join(value for own, value in self.headers if len(own) == size and own.lower() == lower)


@dataclass(frozen=True, slots=True)
class WarcRecord:
    """A record of an archive and its place in the file, in (compressed) bytes."""

    type: str  # "response", "request", "revisit", "metadata", "warcinfo", "resource" ...
    url: str
    date: str  # the date as written: ISO 8601 in UTC; "" where the archive gives none
    offset: int
    length: int
    record_id: str
    content_type: str  # the record's type: "application/http; msgtype=response" for a response
    headers: Mapping[str, str]  # all WARC headers, names in lower case
    block: bytes  # what follows the WARC headers
    problem: str = ""  # "incomplete": not as long as its header says; "too_large": only the block's beginning is kept

    @property
    def is_whole(self) -> bool:
        """Tell whether the block is all that it was written as."""
        return not self.problem

    @property
    def is_page(self) -> bool:
        """Tell whether the record may be a page: an answer, a file (`resource`), or a text (`conversion`: WET)."""
        is_file = self.type in {"resource", "conversion"} and self.url.lower().startswith("http")
        return is_file or self.is_http_response

    @property
    def is_http_response(self) -> bool:
        """Tell whether the block is an HTTP response, whatever the record says of its payload's type."""
        return self.type == "response" and self.block[:_LEADING].lstrip()[:5].upper() == b"HTTP/"

    @property
    def payload_digest(self) -> str:
        """The digest of the body as it was sent: as the archive says, else computed."""
        return self.headers.get("warc-payload-digest") or payload_digest(self.response().body)

    def response(self) -> HttpResponse:
        """Read the block as an HTTP response, its body still encoded; a file or a text is given in such a form."""
        if self.type == "resource":
            return HttpResponse(200, (("Content-Type", self.content_type),), self.block)
        if self.type == "conversion":
            is_text = extract_mime_type(self.content_type).essence == "text/plain"
            kind = CONVERSION_TYPE if is_text else self.content_type
            return HttpResponse(200, (("Content-Type", kind),), self.block)
        return parse_response(self.block)

    def http(self) -> HttpResponse:
        """Do as `response`, and undo the body's encodings."""
        return decode_response(self.response())


def parse_response(block: bytes) -> HttpResponse:
    r"""Parse an HTTP response as it was stored, leniently; the body stays encoded. Status 0: it is none.

    >>> parse_response(b"HTTP/1.0 404\nContent-Type: text/html\n\ngone")
    HttpResponse(status=404, headers=(('Content-Type', 'text/html'),), body=b'gone', reason='')
    """
    stream = io.BytesIO(block)
    try:
        head = read_head(stream.readline)
    except HeadError:
        head = None
    if head is None:
        return HttpResponse(0, (), block)
    return HttpResponse(head.status, head.headers, stream.read(), head.reason)


def decode_response(response: HttpResponse, limit: int = DEFAULT_LIMIT) -> HttpResponse:
    """Undo the transfer and content encodings of a stored response, as far as they are true of its body."""
    body = response.body
    if "chunked" in response.header("Transfer-Encoding").lower():
        body = dechunk(body)
    if encoding := response.header("Content-Encoding"):
        body = decode_content(body, encoding, limit)
    return HttpResponse(response.status, response.headers, body, response.reason)


def payload_digest(body: bytes) -> str:
    """Give the digest of a body as WARC writes it: SHA-1 in base 32.

    >>> payload_digest(b"")
    'sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ'
    """
    return "sha1:" + base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()


@lru_cache(maxsize=1 << 8)
def warc_date(seconds: int) -> str:
    """Write a time in seconds since 1970 as WARC does.

    >>> warc_date(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def encode_record(
    kind: str,
    url: str,
    date: str,
    content_type: str,
    block: bytes,
    *,
    record_id: str = "",
    headers: Sequence[tuple[str, str]] = (),
) -> bytes:
    """Serialise a record as one gzip member.

    Args:
        kind: the `WARC-Type`.
        url: the `WARC-Target-URI`; none is written where it is "".
        date: the `WARC-Date`.
        content_type: of the block.
        block: the content.
        record_id: the `WARC-Record-ID`; a new one where it is "".
        headers: further WARC headers.
    """
    lines = ["WARC/1.1", f"WARC-Type: {kind}", f"WARC-Record-ID: {record_id or new_record_id()}", f"WARC-Date: {date}"]
    if url:
        lines.append(f"WARC-Target-URI: {url}")
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"WARC-Block-Digest: {payload_digest(block)}", f"Content-Type: {content_type}"]
    lines += [f"Content-Length: {len(block)}", "", ""]
    record = "\r\n".join(lines).encode() + block + b"\r\n\r\n"
    window, memory = _SMALL_WINDOW if len(record) <= _SMALL else _WINDOW
    compress = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, window, memory)
    return compress.compress(record) + compress.flush()


def encode_response(response: HttpResponse) -> bytes:
    """Write a response's status line, headers and body as the block of a response record."""
    lines = [f"HTTP/1.1 {response.status} {response.reason}".rstrip()]
    lines += [f"{name}: {value}" for name, value in response.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + response.body


def new_record_id() -> str:
    """Make a record id: a random UUID, as the standard asks for ids that are unique for good."""
    return f"<urn:uuid:{uuid.uuid4()}>"


def iter_members(stream: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield (offset, length, decompressed bytes) of the whole gzip members of an archive, up to the first torn one."""
    offset, buffered = 0, b""
    while True:
        inflate = zlib.decompressobj(31)
        content, used = [], 0
        while not inflate.eof:
            buffered = buffered or stream.read(_READ)
            if not buffered:
                return
            try:
                content.append(inflate.decompress(buffered))
            except zlib.error:
                return
            used += len(buffered) - len(inflate.unused_data)
            buffered = inflate.unused_data
        yield offset, used, b"".join(content)
        offset += used
