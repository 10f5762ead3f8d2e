"""Where records begin and end in what an archive's frames, or its bytes, give: at most one record is held at a time.

What is no record is told as damage, once until the next record; one that is cut, or too large to be kept, is given and
says so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from webtext.errors import UsageError
from webtext.warc.frames import CUT_OFF, Block, Damage
from webtext.warc.warc_records import WarcRecord

MAX_BLOCK = 64 << 20  # bytes of a record's block that are kept: as many as a stored body may decode to
_KEPT_OF_LARGER = 64 << 10  # the kept beginning of a larger one: its HTTP head, and what tells its type
_MAX_HEADER = 256 << 10  # bytes of a record's own header
# Records of one frame, and bytes of them: more are not read, since each one costs as much to read as all.
_MOST_IN_FRAME, _MAX_FRAME = 16, 4 << 20
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_RECORD = re.compile(rb"\n(WARC/[0-9])")  # a record may begin behind something else
_LENGTH = re.compile(r"[0-9]{1,15}")
_LONGEST_MARK = 8  # bytes of `\nWARC/1`, and more
_BLANKS = b"\r\n\t \0"
SHORT_RECORD = "a record that is shorter than its header says"


@dataclass(slots=True)
class _Begun:
    """A record whose header was read."""

    headers: dict[str, str]
    start: int  # offset of its frame, or of itself where there are none
    wanted: int  # bytes of its block, as its header says
    taken: int = 0
    block: list[bytes] = field(default_factory=list)
    is_longer: bool = False  # whether more follows than its header says

    def take(self, data: bytes) -> int:
        """Take what is the record's own; give how much that is."""
        own = data[: self.wanted - self.taken]
        kept = self.wanted if self.wanted <= MAX_BLOCK else _KEPT_OF_LARGER
        if self.taken < kept:
            self.block.append(own[: kept - self.taken])
        self.taken += len(own)
        return len(own)

    def record(self, end: int, *, is_damaged: bool = False) -> WarcRecord:
        """Make the record, whose frame ends at `end`."""
        is_cut = is_damaged or self.is_longer or self.taken < self.wanted
        headers = self.headers
        return WarcRecord(
            type=headers.get("warc-type", "").lower(),
            url=headers.get("warc-target-uri", "").strip("<>"),
            date=headers.get("warc-date", ""),
            offset=self.start,
            length=end - self.start,
            record_id=headers.get("warc-record-id", ""),
            content_type=headers.get("content-type", ""),
            headers=headers,
            block=b"".join(self.block),
            problem="incomplete" if is_cut else "too_large" if self.wanted > MAX_BLOCK else "",
        )


class RecordFinder:
    """Finds the records in the blocks of an archive.

    Where there are frames, a record's place is that of the frame in which it begins, up to the end of the one in which
    it ends; so a record waits for the end of its frame. Of a plain archive it is its own.
    """

    def __init__(self, name: str, size: int, *, framed: bool) -> None:
        self._name, self._size, self._framed = name, size, framed
        self._text = b""  # what no record has taken yet
        self._place = 0  # the place of its first byte, in a plain archive
        self._begun: _Begun | None = None
        self._waiting: list[_Begun] = []  # whole, but their frame has not ended
        self._frame, self._frame_end = -1, 0  # offset of the current frame; end of the last one that ended
        self._text_frame = 0  # offset of the frame in which what no record has taken yet began
        self._in_frame = self._records = 0  # bytes and records that came of the current frame
        self._is_lost = False  # whether we are past damage that was told

    def read(self, blocks: Iterator[Block | Damage]) -> Iterator[WarcRecord | Damage]:
        """Yield the records, and what is damaged."""
        for block in blocks:
            if isinstance(block, Damage):
                yield from self._break(block)
                continue
            if block.start != self._frame:
                yield from self._enter(block)
            self._in_frame += len(block.data)
            self._text += block.data
            yield from self._take()
            if block.end is not None:
                yield from self._leave(block.end)
        if self._begun is not None:
            yield from self._close_cut(self._frame_end if self._framed else self._size)
        yield from self._leave(self._size, is_last=True)

    def _enter(self, block: Block) -> Iterator[WarcRecord | Damage]:
        """Begin a frame; what the one before it left open goes on in it, unless a record begins there."""
        if block.data.lstrip(_BLANKS).startswith(b"WARC/"):
            if self._begun is not None:
                yield from self._close_cut(self._frame_end)
            if self._text:
                yield from self._lose("a record whose header is cut")
        if not self._text:
            self._text_frame = block.start
        self._frame, self._in_frame, self._records, self._is_lost = block.start, 0, 0, False

    def _leave(self, end: int, *, is_last: bool = False) -> Iterator[WarcRecord | Damage]:
        """End a frame, or the archive; a header may go on in the next frame."""
        self._text = self._text.lstrip(_BLANKS)
        if self._text and (is_last or not self._text.startswith(b"WARC/")):
            yield from self._lose("no WARC record, or one whose header is cut")
        yield from self._release(end)
        self._frame_end = end

    def _break(self, damage: Damage) -> Iterator[WarcRecord | Damage]:
        """Give what a damaged frame held: whole, where only its end is missing and all of the record is there."""
        for begun in self._waiting:
            yield begun.record(self._size, is_damaged=damage.detail != CUT_OFF)
        if self._begun is not None:
            yield self._begun.record(self._size, is_damaged=True)
        self._begun, self._waiting, self._text = None, [], b""
        yield damage

    def _release(self, end: int) -> Iterator[WarcRecord]:
        for begun in self._waiting:
            yield begun.record(end)
        self._waiting = []

    def _close_cut(self, end: int) -> Iterator[WarcRecord | Damage]:
        assert self._begun is not None
        yield self._begun.record(end)
        yield Damage(self._begun.start, SHORT_RECORD)
        self._begun = None

    def _lose(self, detail: str, length: int | None = None) -> Iterator[Damage]:
        """Drop what is no record, and tell it once until the next; what follows a record is of it: it is longer."""
        if not self._is_lost:
            for begun in self._waiting[-1:]:
                begun.is_longer = not self._text.startswith(b"WARC/")
            yield Damage(self._where(), detail)
        self._is_lost = True
        self._drop(len(self._text) if length is None else length)

    def _where(self) -> int:
        return self._text_frame if self._framed else self._place

    def _drop(self, length: int) -> None:
        self._text = self._text[length:]
        self._place += length

    def _take(self) -> Iterator[WarcRecord | Damage]:
        """Make records of what has come, as far as it goes."""
        while True:
            if self._begun is None:
                yield from self._begin()
                if self._begun is None:
                    return
            self._drop(self._begun.take(self._text))
            if self._begun.taken < self._begun.wanted:
                return
            self._waiting.append(self._begun)
            self._begun = None

    def _begin(self) -> Iterator[WarcRecord | Damage]:
        """Read the header of the next record, if all of it has come."""
        while True:
            self._drop(len(self._text) - len(self._text.lstrip(_BLANKS)))
            if not self._text.startswith(b"WARC/"):
                mark = _RECORD.search(self._text)
                junk = mark.start(1) if mark else max(0, len(self._text) - _LONGEST_MARK)
                if junk:
                    yield from self._lose("no WARC record", junk)
                if mark is None:
                    return
            if not self._framed:
                yield from self._release(self._place)
            end = _HEADER_END.search(self._text, 0, _MAX_HEADER)
            if end is None and len(self._text) < _MAX_HEADER:
                return
            headers = _parse_header(self._text[: end.start()]) if end else {}
            length = headers.get("content-length", "")
            if end and _LENGTH.fullmatch(length):
                break
            yield from self._lose(f"a record without a length ({length[:20]!r}), or without an end", len(b"WARC/"))
        self._is_lost = False
        self._check_frame()
        self._begun = _Begun(headers, self._where(), int(length))
        self._drop(end.end())
        self._text_frame = self._frame

    def _check_frame(self) -> None:
        self._records += 1
        if self._framed and self._records > _MOST_IN_FRAME and self._in_frame > _MAX_FRAME:
            raise UsageError(f"{self._name} is one stream, not one a record: rewrite it with `warcio recompress`")


def _parse_header(text: bytes) -> dict[str, str]:
    """Read the fields of a record's header, names in lower case; the first of a name counts."""
    fields: dict[str, str] = {}
    last = ""
    for line in text.decode("utf-8", "replace").split("\n")[1:]:
        if line[:1] in {" ", "\t"} and last:
            fields[last] += f" {line.strip()}"
            continue
        name, colon, value = line.partition(":")
        last = name.strip().lower() if colon else ""
        if last in fields:
            last = ""
        elif last:
            fields[last] = value.strip()
    return fields
