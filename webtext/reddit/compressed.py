"""Lines and JSON objects out of dumps, whatever their compression and encoding, and however damaged.

Dumps travel by torrent, are cut off, joined, recompressed, and saved by tools that write UTF-16 or one JSON document.
What is read is bounded: a line of gigabytes, which a file of a few kilobytes can hold, is cut.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from webtext.warc.frames import Damage, read_plain

MOST_LINE = 1 << 24  # bytes of a line or an object: a hundred times the longest that was seen
_KEPT_OF_LONGER = 1 << 16  # bytes of a longer one that are given in its place: no JSON, and too long for a URL
_WIDE = (  # how a file in UTF-16 begins: with its mark, or with letters of which every other byte is NUL
    (re.compile(rb"\xff\xfe|\xfe\xff"), "utf-16"),
    (re.compile(rb"(?:[\t-~]\0){3}"), "utf-16-le"),
    (re.compile(rb"(?:\0[\t-~]){3}"), "utf-16-be"),
)
_IN_OBJECT, _IN_STRING = re.compile(rb'["{}]'), re.compile(rb'["\\]')


@dataclass(frozen=True, slots=True)
class Torn(Damage):
    """A frame that could not be read to its end, and the start of a line whose rest is lost with it."""

    line: bytes = b""


def read_lines(stream: BinaryIO, name: str = "") -> Iterator[list[bytes] | Torn]:
    """Read the lines of a plain or compressed file, in batches, each line with its end.

    The first bytes tell the compression; the name is asked only where they are damaged.
    """
    return split_lines(read_text(stream, name))


def read_text(stream: BinaryIO, name: str = "") -> Iterator[bytes | Damage]:
    """Read a plain or compressed file, block by block, as UTF-8 if it is UTF-16."""
    decoder: codecs.IncrementalDecoder | None = None
    is_first = True
    for block in read_plain(stream, name):
        if isinstance(block, Damage):
            yield block
            continue
        if is_first and block:
            is_first = False
            wide = next((encoding for start, encoding in _WIDE if start.match(block)), None)
            decoder = codecs.getincrementaldecoder(wide)("replace") if wide else None
        yield decoder.decode(block).encode(errors="replace") if decoder else block


def split_lines(blocks: Iterable[bytes | Damage]) -> Iterator[list[bytes] | Torn]:
    """Split blocks into lines, in batches."""
    carry: list[bytes] = []
    carried = 0
    for block in blocks:
        if isinstance(block, Damage):
            yield Torn(block.offset, block.detail, b"".join(carry))
            carry, carried = [], 0
            continue
        lines = _split(block)
        if carry and lines:
            carried += len(lines[0])
            if carried <= MOST_LINE:
                carry.append(lines[0])
            elif lines[0].endswith(b"\n"):
                carry.append(b"\n")
            if not lines[0].endswith(b"\n"):
                continue
            lines[0] = _bounded(carry, carried)
            carry, carried = [], 0
        if lines and not lines[-1].endswith(b"\n"):
            carry = [lines.pop()]
            carried = len(carry[0])
        if lines:
            yield lines
    if carry:
        yield [_bounded(carry, carried)]


def _split(block: bytes) -> list[bytes]:
    lines = BytesIO(block).readlines()  # splits three times as fast as split()
    if len(block) <= MOST_LINE:
        return lines
    return [_bounded([line], len(line)) if line.endswith(b"\n") else line for line in lines]


def _bounded(pieces: list[bytes], length: int) -> bytes:
    line = b"".join(pieces)
    return line if length <= MOST_LINE else line[:_KEPT_OF_LONGER] + b"\n"


def split_objects(blocks: Iterable[bytes | Damage]) -> Iterator[list[bytes] | Torn]:
    """Split a JSON document into its outermost objects, in batches: those of an array, or one behind the other.

    What stands between them is passed over. An object that does not end is given as far as it goes.
    """
    objects = _Objects()
    for block in blocks:
        if isinstance(block, Damage):
            yield Torn(block.offset, block.detail, objects.text[:_KEPT_OF_LONGER])
            objects = _Objects()
        elif found := list(objects.take(block)):
            yield found
    if objects.text:
        yield [objects.text.rstrip(b" \t\r\n}")]  # a stripped end shows that the text does not end


class _Objects:
    """Finds where JSON objects begin and end, each byte looked at once."""

    def __init__(self) -> None:
        self.text = b""  # the object that has begun
        # The place in it up to which it was looked at; behind its end where an escape goes on in the next block.
        self._place = 0
        self._depth = 0
        self._in_string = self._is_lost = False

    def take(self, block: bytes) -> Iterator[bytes]:
        """Yield the objects that end in a block."""
        text, place, start = self.text + block, self._place, 0
        while (sign := (_IN_STRING if self._in_string else _IN_OBJECT).search(text, place)) is not None:
            place = sign.end()
            if sign[0] == b"\\":
                place += 1
            elif sign[0] == b'"':
                self._in_string = self._depth > 0 and not self._in_string
            elif sign[0] == b"{":
                start = start if self._depth else sign.start()
                self._depth += 1
            elif self._depth:
                self._depth -= 1
                if not self._depth:
                    if not self._is_lost:
                        yield _bounded([text[start:place]], place - start)
                    self._is_lost = False
        rest = text[start:] if self._depth and not self._is_lost else b""
        if len(rest) > MOST_LINE:
            yield rest[:_KEPT_OF_LONGER] + b"\n"
            rest, self._is_lost = b"", True
        self.text, self._place = rest, max(place - len(text), 0) + len(rest)
