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
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator

from webtext.errors import UsageError
from webtext.warc.http_body import DEFAULT_LIMIT, dechunk, decode_content
from webtext.warc.http_head import HeadError, read_head

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_LEVEL = 6
# zlib's window (a power of two, and 16 for gzip) and memory level. Most records are of a few hundred bytes, for which
# making ready a window of 32 KiB takes several times as long as compressing them; the result is as short.
_WINDOW, _SMALL_WINDOW = (16 + 15, 8), (16 + 12, 4)
_SMALL = 1 << 12  # bytes: all of it fits in the small window
_READ = 1 << 20  # bytes read at a time
_LEADING = 64  # bytes in which the status line begins; some servers send empty lines before it
_HTTP_TYPE = "application/http"


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
        return ", ".join(value for own, value in self.headers if own.lower() == name.lower())


@dataclass(frozen=True, slots=True)
class WarcRecord:
    """A record of an archive and its place in the file, in (compressed) bytes."""

    type: str  # "response", "request", "revisit", "metadata", "warcinfo", "resource" ...
    url: str
    date: str  # as written: ISO 8601 in UTC; "" where the archive gives none
    offset: int
    length: int
    record_id: str
    content_type: str  # of the record: "application/http; msgtype=response" for a response
    headers: Mapping[str, str]  # all WARC headers, names in lower case
    block: bytes  # what follows the WARC headers
    is_whole: bool  # False: the block is shorter than its header says, the file was cut

    @property
    def is_http_response(self) -> bool:
        """Tell whether the block is an HTTP response, whatever the record says of its payload's type."""
        return self.type == "response" and self.block[:_LEADING].lstrip()[:5].upper() == b"HTTP/"

    def http(self) -> HttpResponse:
        """Parse the block as an HTTP response and undo the body's encodings."""
        return decode_response(parse_response(self.block))


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


def iter_warc(stream: BinaryIO, name: str = "archive") -> Iterator[WarcRecord]:
    """Yield the records of any WARC (1.0 or 1.1, gzip a record, zstd, or plain), with their places.

    Args:
        stream: seekable, at its start.
        name: what to call the archive in a message.

    Raises:
        UsageError: it is not a WARC, is damaged, or is one gzip stream in which no record can be found again.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    compressed = stream.read(2) == _GZIP_MAGIC
    stream.seek(0)
    held: WarcRecord | None = None
    try:
        for found in ArchiveIterator(stream, parse_http=False):
            headers = {key.lower(): value for key, value in found.headers.items()}
            block = found.reader.read()
            offset = found.stream_pos
            if held is not None:
                yield _placed(held, offset)
            if offset and compressed:
                _check_member(stream, offset, name)
            held = WarcRecord(
                type=headers.get("warc-type", ""),
                url=headers.get("warc-target-uri", "").strip("<>"),
                date=headers.get("warc-date", ""),
                offset=offset,
                length=0,
                record_id=headers.get("warc-record-id", ""),
                content_type=headers.get("content-type", ""),
                headers=headers,
                block=block,
                is_whole=len(block) == found.content_length,
            )
    except OSError as error:
        raise UsageError(f"{name} is damaged or no WARC ({error}); take it out or fetch it again") from error
    if held is not None:
        yield _placed(held, size)
    elif size:
        raise UsageError(f"{name} holds no WARC record; is it an archive?")


def _placed(record: WarcRecord, end: int) -> WarcRecord:
    return replace(record, length=end - record.offset)


def _check_member(stream: BinaryIO, offset: int, name: str) -> None:
    place = stream.tell()
    stream.seek(offset)
    is_member = stream.read(2) == _GZIP_MAGIC
    stream.seek(place)
    if not is_member:
        raise UsageError(f"{name} is one gzip stream, not one a record: rewrite it with `warcio recompress`")


def read_record(stream: BinaryIO, offset: int, length: int) -> WarcRecord:
    """Read the record at a place of an archive, as an index gives it.

    Raises:
        UsageError: there is no record there.
    """
    stream.seek(offset)
    for record in iter_warc(io.BytesIO(stream.read(length)), f"the record at byte {offset:,}"):
        return record
    raise UsageError(f"the archive has no record at byte {offset:,}; its index is of another file")


def read_response(stream: BinaryIO, offset: int, length: int) -> HttpResponse:
    """Read the HTTP response at a place of an archive, its body decoded from transfer and content encodings.

    Raises:
        UsageError: there is no response there.
    """
    record = read_record(stream, offset, length)
    if record.type not in {"response", "revisit"}:
        raise UsageError(f"the record at byte {offset:,} is of type {record.type!r}, not a response; index it again")
    return record.http()


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


def encode_response(response: HttpResponse, version: str = "HTTP/1.1") -> bytes:
    """Write a response's status line, headers and body as the block of a response record."""
    lines = [f"{version} {response.status} {response.reason}".rstrip()]
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
