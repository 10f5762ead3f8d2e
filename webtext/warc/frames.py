"""Compressed files as they come: a row of frames, some damaged, cut off, padded, or with rubbish between them.

A zstd file is a row of frames, an xz or bz2 file of streams, a gzip file of members. A damaged frame loses only itself:
reading goes on at the next that can be found. Dumps of submissions and WARC files are both read so.
"""

import bz2
import lzma
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Protocol

import zstandard

from webtext.warc.inflate import InflateError, inflater

_READ = 1 << 18  # bytes read at a time
_SMALL_BITE = 1 << 6  # the bytes that are read at a time of what swells
_SWELLS = 1 << 20  # bytes out of one bite from which the next is a small one
_WINDOW = 1 << 31  # the longest window of `zstd --long=31`, which Reddit dumps use
_LAYERS = 3  # a file may be compressed so many times

CUT_OFF = "the file ends inside this frame"


class Stream(Protocol):
    """What is read here: an open file, or anything else that gives its next bytes."""

    def read(self, size: int, /) -> bytes:
        """Give up to so many bytes, none at the end."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A frame that could not be read to its end, or rubbish in the place of one."""

    offset: int  # the place of its first byte in the compressed file
    detail: str


@dataclass(frozen=True, slots=True)
class Block:
    """Some of what a frame decompresses to."""

    data: bytes
    start: int  # the place of the frame in the compressed file
    end: int | None = None  # the place where the frame ends, if this is its last block


@dataclass(frozen=True)
class Codec:
    """A way to compress."""

    suffix: str
    magic: bytes
    decoder: Callable[[], Any]  # anything with decompress(), eof and unused_data
    errors: tuple[type[Exception], ...]
    prefixes: tuple[bytes, ...] = ()  # what else a file may begin with
    # Bytes decompressed at a time: what comes out of a file of text fits the processor's cache, and what comes out of
    # one that was made to swell fits memory (zstd makes 128 KiB of 4 bytes: RFC 8878, section 3.1.1.2.4).
    bite: int = 1 << 12


def _zstd(dictionary: bytes = b"") -> Codec:
    known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
    return Codec(
        suffix=".zst",
        magic=b"\x28\xb5\x2f\xfd",
        decoder=lambda: zstandard.ZstdDecompressor(dict_data=known, max_window_size=_WINDOW).decompressobj(),
        errors=(zstandard.ZstdError,),
        prefixes=tuple(bytes([0x50 + kind]) + b"\x2a\x4d\x18" for kind in range(16)),  # skippable frames
    )


GZIP = Codec(".gz", b"\x1f\x8b\x08", lambda: inflater(wbits=31), (InflateError,), bite=1 << 15)
ZSTD = _zstd()
_CODECS = (
    ZSTD,
    Codec(".xz", b"\xfd7zXZ\x00", lzma.LZMADecompressor, (lzma.LZMAError,)),
    Codec(".bz2", b"BZh", bz2.BZ2Decompressor, (OSError, ValueError), bite=1 << 9),
    GZIP,
)


def with_dictionary(dictionary: bytes) -> Codec:
    """Give zstd with a dictionary."""
    return _zstd(dictionary)


def find_codec(head: bytes, name: str = "") -> Codec | None:
    """Tell how a file is compressed by its first bytes, and by its name where they are damaged; None: it is plain."""
    for codec in _CODECS:
        if head.startswith((codec.magic, *codec.prefixes)):
            return codec
    if head[:64].isascii() and b"\0" not in head[:64]:
        return None
    return next((codec for codec in _CODECS if codec.suffix == PurePosixPath(name).suffix.lower()), None)


def read_plain(stream: Stream, name: str = "") -> Iterator[bytes | Damage]:
    """Read a file, plain or compressed, even several times over, block by block; blocks may be empty."""
    yield from _peel(stream, stream.read(_READ), name, _LAYERS)


def _peel(stream: Stream, head: bytes, name: str, layers: int) -> Iterator[bytes | Damage]:
    codec = find_codec(head, name) if layers else None
    if codec is None:
        while head:
            yield head
            head = stream.read(_READ)
        return
    inner = _Inner(read_frames(stream, codec, head))
    for block in _peel(inner, inner.read(_READ), "", layers - 1):
        yield from inner.take_damage()
        yield block
    yield from inner.take_damage()


class _Inner:
    """What frames decompress to, as a stream; damage waits until it is asked for."""

    def __init__(self, blocks: Iterator[Block | Damage]) -> None:
        self._blocks, self._damage = blocks, list[Damage]()

    def read(self, _size: int, /) -> bytes:
        for block in self._blocks:
            if isinstance(block, Damage):
                self._damage.append(block)
            elif block.data:
                return block.data
        return b""

    def take_damage(self) -> Iterator[Damage]:
        while self._damage:
            yield self._damage.pop(0)


def read_frames(stream: Stream, codec: Codec, head: bytes = b"") -> Iterator[Block | Damage]:
    """Read the frames of a compressed file; `head` is what was read of the stream already."""
    yield from _Frames(stream, codec, head).read()


class _Frames:
    """One compressed file on its way through a decompressor, with enough memory of its bytes to find the next frame."""

    def __init__(self, stream: Stream, codec: Codec, head: bytes) -> None:
        self._stream, self._codec = stream, codec
        self._recent = head  # the bytes last read; what is left to decompress is their end
        self._left = len(head)
        self._end = len(head)  # file offset of the end of `_recent`
        self._searching = False  # whether the damage that we are past has been told

    def read(self) -> Iterator[Block | Damage]:
        while self._fill():
            rest = self._recent[len(self._recent) - self._left :]
            self._left = len(rest.lstrip(b"\0"))  # xz and tapes pad with zeros between streams
            if self._left:
                yield from self._read_frame()

    def _fill(self) -> bool:
        """See to it that there is something to decompress; False at the end of the file."""
        if not self._left:
            block = self._stream.read(_READ)
            self._recent = self._recent[-_READ:] + block
            self._left = len(block)
            self._end += len(block)
        return self._left > 0

    def _read_frame(self) -> Iterator[Block | Damage]:
        start = self._end - self._left
        decoder, bite = self._codec.decoder(), self._codec.bite
        while self._fill():
            place = len(self._recent) - self._left
            given = self._recent[place : place + bite]
            try:
                data = decoder.decompress(given)
            except self._codec.errors as error:
                yield from self._tell(Damage(start, str(error)))
                self._seek_frame(start)
                return
            self._left -= len(given) - (len(decoder.unused_data) if decoder.eof else 0)
            bite = _SMALL_BITE if len(data) > _SWELLS else self._codec.bite
            if data:
                self._searching = False
            if decoder.eof:
                yield Block(data, start, self._end - self._left)
                return
            if data:
                yield Block(data, start)
        yield from self._tell(Damage(start, CUT_OFF))

    def _tell(self, damage: Damage) -> Iterator[Damage]:
        if not self._searching:
            yield damage
        self._searching = True

    def _seek_frame(self, damaged: int) -> None:
        """Go to the next place after the start of a damaged frame that looks like the start of another."""
        first = max(damaged + 1 - (self._end - len(self._recent)), 0)
        while True:
            found = self._recent.find(self._codec.magic, first)
            if found >= 0:
                self._left = len(self._recent) - found
                return
            keep = len(self._codec.magic) - 1
            block = self._stream.read(_READ)
            if not block:
                self._left = 0
                return
            self._recent = self._recent[-keep:] + block
            self._end += len(block)
            first = 0
