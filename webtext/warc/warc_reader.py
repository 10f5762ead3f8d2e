"""WARC files of any crawler, read record by record, with the place of each, and however damaged.

Archives come as one gzip member or zstd frame a record, as the standard asks, but also several records in one, one in
several, with empty members and zeros between, cut off by a killed crawl, or with an error page at their end. What is
damaged costs itself; what is not whole says so; nothing in it takes more memory than a bound.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO

import zstandard

from webtext.errors import UsageError
from webtext.warc.frames import ZSTD, Block, Codec, Damage, find_codec, read_frames, with_dictionary
from webtext.warc.record_finder import SHORT_RECORD, RecordFinder
from webtext.warc.warc_records import HttpResponse, WarcRecord

_MAX_DICTIONARY = 16 << 20
_READ = 1 << 20
_DICTIONARY = b"\x5d\x2a\x4d\x18"  # the skippable frame that holds a dictionary (IIPC, WARC and zstd, section 3)
_OTHERS = (
    (b"filedesc:", "is an ARC file, the format before WARC: `warcio recompress FILE.arc.gz FILE.warc.gz` makes a WARC"),
    (b"PK\x03\x04", "is a zip or a WACZ: unpack it, and give the WARC files in its `archive` folder"),
    (b" CDX ", "is an index (CDX) of an archive: give the WARC files that it names"),
)


def read_archive(stream: BinaryIO, name: str = "archive") -> Iterator[WarcRecord | Damage]:
    """Yield the records of any WARC (gzip, zstd with or without a dictionary, or plain), with their places.

    A record that is cut, or too large to be kept, has a `problem`. What is no record is damage.

    Args:
        stream: seekable, at its start.
        name: what to call the archive in a message.

    Raises:
        UsageError: it is no WARC, or is one stream in which no record can be found again.
    """
    size = stream.seek(0, io.SEEK_END)
    codec, head = _open(stream)
    found, damage = 0, ""
    for each in RecordFinder(name, size, framed=codec is not None).read(_pieces(stream, codec, head)):
        found += isinstance(each, WarcRecord)
        damage = damage or (each.detail if isinstance(each, Damage) else "")
        yield each
    if not found and head:
        unlike = f"is damaged or no WARC: it holds no WARC record ({damage}); take it out or fetch it again"
        raise UsageError(f"{name} {_what_it_is(stream, codec, head) or unlike}")


def iter_warc(stream: BinaryIO, name: str = "archive") -> Iterator[WarcRecord]:
    """Yield the records of a WARC that is to be whole; a record that is cut says so.

    Raises:
        UsageError: it is damaged, or as `read_archive` has it.
    """
    damage: Damage | None = None
    is_found = False
    for each in read_archive(stream, name):
        if isinstance(each, WarcRecord):
            is_found = True
        elif each.detail != SHORT_RECORD:
            damage = damage or each
        if damage is not None and is_found:
            where = f"{name} is damaged at byte {damage.offset:,} ({damage.detail})"
            raise UsageError(f"{where}; take it out or fetch it again")
        if isinstance(each, WarcRecord):
            yield each


def read_record(stream: BinaryIO, offset: int, length: int, digest: str = "") -> WarcRecord:
    """Read the record at a place of an archive, as an index gives it.

    Args:
        stream: the archive.
        offset: of the record, or of the frame that it is in with others.
        length: of the record or frame.
        digest: of the payload, which tells it from the others.

    Raises:
        UsageError: there is no record there.
    """
    stream.seek(offset)
    data = stream.read(length)
    codec = find_codec(data)
    if codec is ZSTD and offset:
        codec = _with_its_dictionary(stream)
    reader = RecordFinder("the archive", len(data), framed=codec is not None)
    records = [each for each in reader.read(_pieces(io.BytesIO(data), codec, b"")) if isinstance(each, WarcRecord)]
    pages = [record for record in records if record.is_page]
    chosen = [record for record in pages if record.payload_digest == digest] or pages or records
    if not chosen:
        raise UsageError(f"the archive has no record at byte {offset:,}; its index is of another file")
    return chosen[0]


def _what_it_is(stream: BinaryIO, codec: Codec | None, head: bytes) -> str:
    """Name what people mistake for a WARC, and what to do; "" for anything else."""
    stream.seek(len(head))
    blocks = _pieces(stream, codec, head)
    begin = next((block.data for block in blocks if isinstance(block, Block) and block.data), b"")
    return next((what for magic, what in _OTHERS if begin.startswith(magic)), "")


def _open(stream: BinaryIO) -> tuple[Codec | None, bytes]:
    """Tell how an archive is compressed."""
    stream.seek(0)
    head = stream.read(_READ)
    codec = find_codec(head)
    if codec is ZSTD:
        codec = _with_its_dictionary(stream)
        stream.seek(len(head))
    return codec, head


def _with_its_dictionary(stream: BinaryIO) -> Codec:
    """Give zstd with the dictionary that an archive begins with, if it does."""
    stream.seek(0)
    if stream.read(4) != _DICTIONARY:
        return ZSTD
    size = int.from_bytes(stream.read(4), "little")
    dictionary = stream.read(min(size, _MAX_DICTIONARY))
    try:
        if dictionary.startswith(ZSTD.magic):
            dictionary = zstandard.ZstdDecompressor().decompressobj().decompress(dictionary)[:_MAX_DICTIONARY]
        codec = with_dictionary(dictionary)
        codec.decoder()
    except zstandard.ZstdError as error:
        raise UsageError(f"the dictionary at the archive's beginning is damaged ({error})") from error
    return codec


def _pieces(stream: BinaryIO, codec: Codec | None, head: bytes) -> Iterator[Block | Damage]:
    """Read the blocks of an archive's frames."""
    if codec is not None:
        yield from read_frames(stream, codec, head)
        return
    while block := head or stream.read(_READ):
        head = b""
        yield Block(block, 0)


def read_response(stream: BinaryIO, offset: int, length: int, digest: str = "") -> HttpResponse:
    """Read the answer at a place of an archive (see `read_record`), its body decoded from all its encodings.

    Raises:
        UsageError: there is no answer there.
    """
    record = read_record(stream, offset, length, digest)
    if not record.is_page and record.type != "revisit":
        raise UsageError(f"the record at byte {offset:,} is of type {record.type!r}, not a response; index it again")
    return record.http()
