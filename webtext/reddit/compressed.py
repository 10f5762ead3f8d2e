"""Lines out of compressed dumps, whatever their compression, and however damaged.

Dumps travel by torrent, are cut off, joined and recompressed. A compressed file is a row of frames (zstd), streams
(xz, bz2) or members (gz); a damaged one loses only itself, and reading goes on at the next that can be found.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import zstandard

_BLOCK = 1 << 18  # bytes read at a time
_SLICE = 1 << 14  # compressed bytes decompressed at a time: what comes out fits the processor's cache
_WINDOW = 1 << 31  # the longest window of `zstd --long=31`, which Reddit dumps use


@dataclass(frozen=True, slots=True)
class Damage:
    """A frame that could not be read to its end."""

    offset: int  # of the frame's first byte in the compressed file
    detail: str
    torn: bytes = b""  # the start of a line whose rest is lost


@dataclass(frozen=True)
class _Codec:
    suffix: str
    magic: bytes
    decoder: Callable[[], Any]  # anything with decompress(), eof and unused_data
    errors: tuple[type[Exception], ...]
    prefixes: tuple[bytes, ...] = ()  # what else a file may begin with


_CODECS = (
    _Codec(
        suffix=".zst",
        magic=b"\x28\xb5\x2f\xfd",
        decoder=lambda: zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj(),
        errors=(zstandard.ZstdError,),
        prefixes=tuple(bytes([0x50 + kind]) + b"\x2a\x4d\x18" for kind in range(16)),  # skippable frames
    ),
    _Codec(".xz", b"\xfd7zXZ\x00", lzma.LZMADecompressor, (lzma.LZMAError,)),
    _Codec(".bz2", b"BZh", bz2.BZ2Decompressor, (OSError, ValueError)),
    _Codec(".gz", b"\x1f\x8b\x08", lambda: zlib.decompressobj(wbits=31), (zlib.error,)),
)


def read_lines(stream: BinaryIO, name: str = "") -> Iterator[list[bytes] | Damage]:
    """Read the lines of a plain or compressed file, in batches, each line with its end.

    The first bytes tell the compression; the name is asked only where they are damaged.
    """
    carry: list[bytes] = []
    for block in _read_blocks(stream, name):
        if isinstance(block, Damage):
            yield Damage(block.offset, block.detail, b"".join(carry))
            carry = []
            continue
        lines = BytesIO(block).readlines()  # splits three times as fast as split()
        if carry and block:
            lines[0] = b"".join([*carry, lines[0]])
            carry = []
        if lines and not lines[-1].endswith(b"\n"):
            carry = [lines.pop()]
        if lines:
            yield lines
    if carry:
        yield [b"".join(carry)]


def _read_blocks(stream: BinaryIO, name: str) -> Iterator[bytes | Damage]:
    head = stream.read(_BLOCK)
    codec = _find_codec(head, name)
    if codec is not None:
        yield from _Frames(stream, codec, head).read()
        return
    while head:
        yield head
        head = stream.read(_BLOCK)


def _find_codec(head: bytes, name: str) -> _Codec | None:
    for codec in _CODECS:
        if head.startswith((codec.magic, *codec.prefixes)):
            return codec
    if head[:64].isascii() and b"\0" not in head[:64]:
        return None
    return next((codec for codec in _CODECS if codec.suffix == PurePosixPath(name).suffix.lower()), None)


class _Frames:
    """One compressed file on its way through a decompressor, with enough memory of its bytes to find the next frame."""

    def __init__(self, stream: BinaryIO, codec: _Codec, head: bytes) -> None:
        self._stream, self._codec = stream, codec
        self._recent = head  # the bytes last read; what is left to decompress is their end
        self._left = len(head)
        self._end = len(head)  # file offset of the end of `_recent`
        self._searching = False  # whether the damage that we are past has been told

    def read(self) -> Iterator[bytes | Damage]:
        while self._fill():
            rest = self._recent[len(self._recent) - self._left :]
            self._left = len(rest.lstrip(b"\0"))  # xz and tapes pad with zeros between streams
            if self._left:
                yield from self._read_frame()

    def _fill(self) -> bool:
        """See to it that there is something to decompress; False at the end of the file."""
        if not self._left:
            block = self._stream.read(_BLOCK)
            self._recent = self._recent[-_BLOCK:] + block
            self._left = len(block)
            self._end += len(block)
        return self._left > 0

    def _read_frame(self) -> Iterator[bytes | Damage]:
        start = self._end - self._left
        decoder = self._codec.decoder()
        while self._fill():
            try:
                given = self._recent[len(self._recent) - self._left :][:_SLICE]
                block = decoder.decompress(given)
            except self._codec.errors as error:
                yield from self._tell(Damage(start, str(error)))
                self._seek_frame(start)
                return
            self._left -= len(given) - (len(decoder.unused_data) if decoder.eof else 0)
            if block:
                self._searching = False
                yield block
            if decoder.eof:
                return
        yield from self._tell(Damage(start, "the file ends inside this frame"))

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
            block = self._stream.read(_BLOCK)
            if not block:
                self._left = 0
                return
            self._recent = self._recent[-keep:] + block
            self._end += len(block)
            first = 0
