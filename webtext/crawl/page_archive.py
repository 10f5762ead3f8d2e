"""The archive that a crawl writes: pages as WARC records, and the crawl's own memory of what it has done.

A page is what was asked and answered on the way to it (request and response records, a pair a hop) and then a metadata
record with its row of the page index. All of a page's records are written in one go, and a page counts as fetched when
its metadata record is whole. So there is no journal beside the archive that could disagree with it: after a crash the
torn end is cut off, the rows are read back, and only pages that were in flight are asked for again.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from webtext import __version__
from webtext.crawl.disk_list import DiskList
from webtext.crawl.exchange import Exchange
from webtext.errors import UsageError
from webtext.warc.warc_records import (
    HttpResponse,
    encode_record,
    encode_response,
    iter_members,
    new_record_id,
    parse_response,
    payload_digest,
    warc_date,
)

# A metadata record of ours holds one field with a row as JSON: of a page, or of a site file (robots.txt, ai.txt,
# tdmrep.json). Those that index archives list metadata of any type but this one.
_ROWS_TYPE = "application/warc-fields"
_FIELDS = {"page": b"webtext-page: ", "site": b"webtext-site: "}
_EARLIER_TYPES = {"application/vnd.webtext.page+json": "page", "application/vnd.webtext.site+json": "site"}
# What the target URI of a metadata record begins with. With the page's own, the record would be that page to whoever
# replays the archive: pywb takes metadata records for captures.
URI_PREFIX = "urn:webtext:"
_RESPONSE_TYPE = "application/http; msgtype=response"
_REVISIT_PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
_SMALLEST_REVISIT = 256  # bytes of a body below which telling that it is known takes more room than the body


Identity = tuple[str, str, str]  # a body's digest, and the headers by which it is read


@dataclass(frozen=True, slots=True)
class Stored:
    """Where an exchange's body lies: the response record that holds it."""

    file: str
    offset: int
    length: int
    record_id: str
    url: str
    date: str


class PageArchive:
    """The archive files of one crawl task: opened for appending, repaired, rolled over at a size. Thread-safe."""

    def __init__(
        self,
        directory: Path,
        stem: str,
        *,
        roll_bytes: int,
        about: Mapping[str, str],
        on_close: Callable[[Path], None] | None = None,
    ) -> None:
        """Open the archive; `resume` must be called once before anything is written.

        Args:
            directory: a local directory.
            stem: files are named `<stem>-000.warc.gz` and so on.
            roll_bytes: size from which a file is followed by a new one.
            about: fields of the warcinfo record that each file begins with.
            on_close: called with each file that was written to, when it is full or the crawl ends.
        """
        self.directory, self._stem, self._roll_bytes = directory, stem, roll_bytes
        self._about = {"software": f"webtext/{__version__}", "format": "WARC File Format 1.1", **about}
        self._on_close = on_close
        self._lock = Lock()
        self._number = 0
        self._descriptor: int | None = None
        self._size = 0
        self._bodies: DiskList[tuple[Identity, Stored]] = DiskList(tuple[Identity, Stored], directory)
        self._places: dict[int, int] = {}  # the place of each body there, by the hash of its identity

    def files(self) -> list[Path]:
        """List the files, in the order in which they were written."""
        return sorted(self.directory.glob(f"{self._stem}-[0-9]*.warc.gz"))

    def resume(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield ("page" or "site", row) for all that the archive holds, in order, and cut off what was torn."""
        for path in self.files():
            self._number = int(path.name.removesuffix(".warc.gz").rpartition("-")[2])
            whole = 0
            responses: list[tuple[Identity, Stored]] = []
            with path.open("rb") as stream:
                for offset, length, record in iter_members(stream):
                    headers, block = _split_record(record)
                    place = _stored(path.name, offset, length, headers)
                    match headers.get("warc-type"), headers.get("content-type"):
                        case "warcinfo", _:
                            whole = offset + length
                        case "response", _:
                            digest = headers.get("warc-payload-digest", "")
                            responses.append((_identity(parse_response(block), digest), place))
                        case "metadata", kind if (found := read_row(kind or "", block)) is not None:
                            whole = offset + length
                            for response in responses:
                                self._remember(*response)
                            responses.clear()
                            yield found
            if whole < path.stat().st_size:
                os.truncate(path, whole)

    def append_page(self, url: str, hops: Sequence[Exchange], row: Mapping[str, Any]) -> dict[str, Any]:
        """Write a page: its hops, and its row completed with the place and the digest of the answer that it is of."""
        return self._append(url, hops, row, "page")

    def append_site(self, url: str, hops: Sequence[Exchange], row: Mapping[str, Any]) -> dict[str, Any]:
        """Write a site file in the same way."""
        return self._append(url, hops, row, "site")

    def _append(self, url: str, hops: Sequence[Exchange], row: Mapping[str, Any], kind: str) -> dict[str, Any]:
        pieces = [_encode_hop(hop) for hop in hops]
        with self._lock:
            self._open()
            file, offset = self._path().name, self._size
            data, place, digest = bytearray(), None, ""
            for hop, (request, response, record_id, digest) in zip(hops, pieces, strict=True):
                place = None
                data += request
                if hop.response is None:
                    continue
                identity = _identity(hop.response, digest)
                known = self._known(identity)
                if known is not None and len(hop.response.body) >= _SMALLEST_REVISIT:
                    data += _encode_revisit(hop, known, digest, record_id)
                    place = known
                else:
                    date = warc_date(hop.began_at)
                    place = Stored(file, offset + len(data), len(response), record_id, hop.url, date)
                    self._remember(identity, place)
                    data += response
            place = place if row["status"] is not None else None
            completed = {
                **row,
                "warc_file": place.file if place else "",
                "warc_offset": place.offset if place else None,
                "warc_length": place.length if place else None,
                "digest": digest if place else "",
            }
            date = warc_date(hops[-1].began_at if hops else row.get("fetched_at") or 0)
            block = _FIELDS[kind] + json.dumps(completed, ensure_ascii=False).encode() + b"\r\n"
            self._write(bytes(data) + encode_record("metadata", URI_PREFIX + url, date, _ROWS_TYPE, block))
        return completed

    def _known(self, identity: Identity) -> Stored | None:
        place = self._places.get(hash(identity))
        known = None if place is None else self._bodies[place]
        return known[1] if known and known[0] == identity else None

    def _remember(self, identity: Identity, stored: Stored) -> None:
        """Note where a body lies, unless it is known already."""
        if hash(identity) not in self._places:
            self._places[hash(identity)] = self._bodies.append((identity, stored))

    def close(self) -> None:
        """Close the file, its bytes on disk."""
        with self._lock:
            self._close()

    def _path(self) -> Path:
        return self.directory / f"{self._stem}-{self._number:03d}.warc.gz"

    def _open(self) -> None:
        """Make the file to append to the current one: a new one where it is full."""
        if self._descriptor is not None and self._size >= self._roll_bytes:
            self._close()
            self._number += 1
        if self._descriptor is None:
            while self._path().exists() and self._path().stat().st_size >= self._roll_bytes:
                self._number += 1
            self._descriptor = os.open(self._path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            self._size = os.fstat(self._descriptor).st_size
            if not self._size:
                lines = "".join(f"{name}: {value}\r\n" for name, value in self._about.items())
                headers = [("WARC-Filename", self._path().name)]
                now = warc_date(int(os.fstat(self._descriptor).st_mtime))
                self._write(
                    encode_record("warcinfo", "", now, "application/warc-fields", lines.encode(), headers=headers)
                )

    def _write(self, data: bytes) -> None:
        """Append bytes, all or none."""
        assert self._descriptor is not None
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            raise UsageError(f"cannot write {self._path()}: {error.strerror}; free some space and run again") from error
        self._size += len(data)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
            if self._on_close is not None:
                self._on_close(self._path())


def read_row(content_type: str, block: bytes) -> tuple[str, dict[str, Any]] | None:
    """Read a metadata record of ours: "page" or "site", and its row; None where it is somebody else's."""
    if content_type in _EARLIER_TYPES:
        return _EARLIER_TYPES[content_type], json.loads(block)
    for kind, field in _FIELDS.items():
        if content_type == _ROWS_TYPE and block.startswith(field):
            return kind, json.loads(block[len(field) :])
    return None


def is_page_row(content_type: str, block: bytes) -> bool:
    """Tell whether a record holds the row of a page."""
    found = read_row(content_type, block)
    return found is not None and found[0] == "page"


def _encode_hop(hop: Exchange) -> tuple[bytes, bytes, str, str]:
    """Serialise a hop: (request record, response record, id of the response, payload digest)."""
    date = warc_date(hop.began_at)
    record_id = new_record_id()
    concurrent = [("WARC-Concurrent-To", record_id)] if hop.response else []
    request = encode_record(
        "request", hop.url, date, "application/http; msgtype=request", hop.request, headers=concurrent
    )
    if hop.response is None:
        return request, b"", record_id, ""
    digest = payload_digest(hop.response.body)
    headers = [("WARC-Payload-Digest", digest)]
    if hop.truncated:
        headers.append(("WARC-Truncated", hop.truncated))
    block = encode_response(hop.response)
    response = encode_record("response", hop.url, date, _RESPONSE_TYPE, block, record_id=record_id, headers=headers)
    return request, response, record_id, digest


def _encode_revisit(hop: Exchange, known: Stored, digest: str, record_id: str) -> bytes:
    assert hop.response is not None
    head = encode_response(hop.response)[: -len(hop.response.body)]
    headers = [
        ("WARC-Profile", _REVISIT_PROFILE),
        ("WARC-Payload-Digest", digest),
        ("WARC-Refers-To", known.record_id),
        ("WARC-Refers-To-Target-URI", known.url),
        ("WARC-Refers-To-Date", known.date),
    ]
    date = warc_date(hop.began_at)
    return encode_record("revisit", hop.url, date, _RESPONSE_TYPE, head, record_id=record_id, headers=headers)


def _identity(response: HttpResponse, digest: str) -> Identity:
    """Tell what makes two bodies one to a reader: their bytes, and the headers by which they are read."""
    return digest, response.header("Content-Type"), response.header("Content-Encoding")


def _split_record(record: bytes) -> tuple[dict[str, str], bytes]:
    head, _, rest = record.partition(b"\r\n\r\n")
    lines = (line.partition(":") for line in head.decode().split("\r\n")[1:])
    return {name.lower(): value.strip() for name, _, value in lines}, rest.removesuffix(b"\r\n\r\n")


def _stored(file: str, offset: int, length: int, headers: Mapping[str, str]) -> Stored:
    keys = ("warc-record-id", "warc-target-uri", "warc-date")
    record_id, url, date = (headers.get(key, "") for key in keys)
    return Stored(file, offset, length, record_id, url, date)
