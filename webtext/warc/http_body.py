"""Bodies as HTTP sends them: transfer and content encodings, undone piece by piece and never beyond a limit.

A compressed page of a few kilobytes can swell to gigabytes, or, compressed twice, to a million empty members that give
nothing and take minutes. So nothing here decompresses without saying how much it may give: at the end, between two
layers, and in members; and whoever reads looks at the clock between two pieces. Both the fetcher (which must stop a
bomb while it streams) and the archive's reader use the same decoders.

urllib3 has decoders of its own, which bound what a call gives. They are not taken: they bound neither members nor what
passes between layers, the archive keeps bodies as sent, which urllib3 does not give beside the decoded ones, and with
brotli 1.2.1 they end too early (353 of 800 pages of realweb, compressed). They are as fast: gzip 397 MB/s, here 389.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Protocol

import brotli
import zstandard

from webtext.warc.inflate import InflateError, inflater

DEFAULT_LIMIT = 64 << 20  # bytes a stored body may decode to: far above what a fetch lets in, far below memory
_MAX_LAYERS = 3  # "gzip, gzip" is seen in the wild, more is an attack
_MAX_MEMBERS = 1000  # gzip members or zstd frames of a layer: servers that flush have some dozens
_STEP = 1 << 16  # bytes decompressed at a time
# Codings that exist (most are registered with IANA) and are not undone here. Any other name in a header is none, but a
# charset, a media type or a transfer encoding; browsers pass over it, and so does this.
_NOT_UNDONE = frozenset(
    ("compress", "x-compress", "exi", "pack200-gzip", "aes128gcm", "dcb", "dcz", "bzip2", "x-bzip2", "xz", "lzma")
)
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15  # zlib's window bits for each wrapper
_CHUNK_SIZE = re.compile(rb"\s*0*([0-9a-fA-F]{1,8})\s*(?:;[^\r\n]*)?\r?\n")


class BodyTooLargeError(Exception):
    """The body decodes to more bytes than allowed."""


class BodyEncodingError(Exception):
    """The body is not encoded as its header says, or ends too early."""


class _Layer(Protocol):
    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Decode what `data` adds, in pieces of bounded size."""

    def is_complete(self) -> bool:
        """Tell whether the end mark of the encoding was seen."""


class _Inflater:
    """gzip or deflate; several gzip members are one body, and what follows the last is ignored as browsers do."""

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._inflate = inflater(window_bits)
        self._started = self._complete = False
        self._members = 1

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inflate.eof:
                if self._window_bits != _GZIP or data[:1] != b"\x1f":
                    return
                self._inflate = inflater(self._window_bits)
                self._members = _one_more(self._members)
            try:
                decoded = self._inflate.decompress(data, _STEP)
            except InflateError as error:
                if self._complete:
                    return
                if self._started or self._window_bits != _ZLIB:
                    raise BodyEncodingError(str(error)) from error
                self._window_bits = _RAW_DEFLATE  # "deflate" is often sent without the zlib wrapper
                self._inflate = inflater(_RAW_DEFLATE)
                continue
            self._started = True
            self._complete = self._complete or self._inflate.eof
            data = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            yield decoded

    def is_complete(self) -> bool:
        return self._complete


class _Brotli:
    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Decode until nothing more comes: `can_accept_more_data` does not say so (since brotli 1.2.1)."""
        decoded = b"first"
        while decoded and not self._decompressor.is_finished():
            try:
                decoded = self._decompressor.process(data, output_buffer_limit=_STEP)
            except brotli.error as error:
                raise BodyEncodingError("brotli data error") from error
            data = b""
            yield decoded

    def is_complete(self) -> bool:
        return bool(self._decompressor.is_finished())


class _Zstandard:
    """zstd: fed in small bites, since its decoder gives at once all that a bite holds; several frames are one body.

    A block of 4 bytes can be 128 KiB decoded (RFC 8878, section 3.1.1.2.4), so a bite of 64 bytes is at most 2 MiB.
    """

    _BITE = 64

    def __init__(self) -> None:
        self._decompressor = self._frame()
        self._complete = False
        self._frames = 1

    @staticmethod
    def _frame() -> Any:
        return zstandard.ZstdDecompressor(max_window_size=1 << 23).decompressobj()  # RFC 9659: 8 MB

    def pieces(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), self._BITE):
            bite = data[start : start + self._BITE]
            while bite:
                if self._decompressor.eof:
                    self._decompressor, self._frames = self._frame(), _one_more(self._frames)
                try:
                    yield self._decompressor.decompress(bite)
                except zstandard.ZstdError as error:
                    if self._complete:
                        return  # what follows the last frame is ignored, as with gzip
                    raise BodyEncodingError(str(error)) from error
                self._complete = self._complete or self._decompressor.eof
                bite = self._decompressor.unused_data if self._decompressor.eof else b""

    def is_complete(self) -> bool:
        return self._complete


def _one_more(members: int) -> int:
    if members >= _MAX_MEMBERS:
        raise BodyTooLargeError(f"more than {_MAX_MEMBERS:,} members")
    return members + 1


_LAYERS: Mapping[str, Callable[[], _Layer]] = {
    "gzip": partial(_Inflater, _GZIP),
    "x-gzip": partial(_Inflater, _GZIP),
    "deflate": partial(_Inflater, _ZLIB),
    "br": _Brotli,
    "zstd": _Zstandard,
}


class ContentDecoder:
    """Undo the encodings of a `Content-Encoding` header while the body streams in.

    Raises:
        BodyEncodingError: an encoding cannot be undone (here), or the data is not what the header says (in `feed`).
        BodyTooLargeError: more than `limit` bytes come out of a layer, or too many members went in (in `feed`).
    """

    def __init__(self, content_encoding: str, limit: int, between: Callable[[], object] = bool) -> None:
        """Read the header.

        Args:
            content_encoding: its value.
            limit: bytes that each layer may give.
            between: called between two pieces, to look at the clock; what it raises ends the work.
        """
        names = [name.partition(";")[0].strip(" \t\"'").lower() for name in content_encoding.split(",")]
        unknown = next((name for name in names if name in _NOT_UNDONE), None)
        if unknown:
            raise BodyEncodingError(f"content encoding {unknown!r} cannot be undone")
        encodings = [name for name in names if name in _LAYERS]
        if len(encodings) > _MAX_LAYERS:
            raise BodyEncodingError(f"{len(encodings)} content encodings, at most {_MAX_LAYERS} are undone")
        self._layers = [_LAYERS[name]() for name in reversed(encodings)]  # the last one named was applied last
        self._limit = limit
        self._left = [limit] * max(1, len(self._layers))  # bytes, by layer
        self._between = between
        self._fed = False

    def feed(self, data: bytes) -> bytes:
        """Decode the next bytes of the body."""
        return b"".join(self.pieces(data))

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes of the body, in pieces of bounded size; the one that passes the limit is not given."""
        self._fed = self._fed or bool(data)
        return self._through(data, 0)

    def _through(self, data: bytes, depth: int) -> Iterator[bytes]:
        is_last = depth >= len(self._layers) - 1
        for piece in self._layers[depth].pieces(data) if self._layers else (data,):
            self._between()
            self._left[depth] -= len(piece)
            if self._left[depth] < 0:
                raise BodyTooLargeError(f"more than {self._limit:,} bytes decompressed")
            if is_last:
                yield piece
            else:
                yield from self._through(piece, depth + 1)

    def finish(self) -> None:
        """Raise `BodyEncodingError` if the body ended before its encodings did; an empty body is complete."""
        if self._fed and not all(layer.is_complete() for layer in self._layers):
            raise BodyEncodingError("the compressed body ends too early")


def decode_content(body: bytes, content_encoding: str, limit: int = DEFAULT_LIMIT) -> bytes:
    """Undo a `Content-Encoding` as far as it is true: a body that does not decode is given as it is.

    Archives often keep the header of a body that they store decoded, and cut bodies short; neither is an error here.
    """
    decoded = bytearray()
    try:
        decoder = ContentDecoder(content_encoding, limit)
        for start in range(0, len(body), _STEP):
            decoded += decoder.feed(body[start : start + _STEP])
    except BodyEncodingError:
        return bytes(decoded) or body
    except BodyTooLargeError:
        pass  # what came before the limit stands
    return bytes(decoded)


def dechunk(body: bytes) -> bytes:
    """Undo the chunked transfer encoding; a body that is not chunked is given as it is, a cut one as far as it goes."""
    chunks, position = [], 0
    while (found := _CHUNK_SIZE.match(body, position)) is not None:
        size = int(found[1], 16)
        if size == 0:
            break
        chunks.append(body[found.end() : found.end() + size])
        position = found.end() + size
        if body[position : position + 2] == b"\r\n":
            position += 2
        elif body[position : position + 1] == b"\n":
            position += 1
        elif position < len(body):
            return body
    return b"".join(chunks) if chunks or (position < len(body) and found) else body
