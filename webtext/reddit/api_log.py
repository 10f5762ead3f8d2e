"""What Reddit's API gave, kept as a dump like any other: so a harvest by API can be harvested again without it.

One file, `.jsonl.zst`, that only grows: each batch is a zstd frame of its own, so a kill loses the batch in flight and
nothing before it. A submission is written again when its score has changed; the harvest counts it once.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from webtext.errors import UsageError
from webtext.local import sync, write_whole
from webtext.reddit.compressed import Torn, read_lines


@dataclass(frozen=True, slots=True)
class Seen:
    """The last reading of a submission."""

    score: int
    created: int
    retrieved: int


class _Line(msgspec.Struct):
    id: str
    score: int
    created_utc: float
    retrieved_utc: int


class SubmissionLog:
    """The dump that a harvest by API writes, with what is known from earlier runs and which listings are finished."""

    def __init__(self, path: str) -> None:
        """Open a log, or begin one.

        Raises:
            UsageError: the file cannot be written, or is no such log.
        """
        self._path = Path(path)
        self._progress = Path(f"{path}.progress")
        self._waiting: list[bytes] = []
        self.seen: dict[str, Seen] = {}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
            self._load()
            self.finished: set[str] = set(json.loads(self._progress.read_text())) if self._progress.exists() else set()
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot go on with {path}: {error}; name another file with --reddit-dump") from error

    def _load(self) -> None:
        decoder = msgspec.json.Decoder(_Line)
        torn = None
        with self._path.open("rb") as stream:
            for lines in read_lines(stream, self._path.name):
                if isinstance(lines, Torn):
                    torn = lines.offset
                    continue
                torn = None
                for line in lines:
                    self._remember(decoder.decode(line))
        if torn is not None:  # a batch that a kill cut off; what comes next is written in its place
            with self._path.open("r+b") as stream:
                stream.truncate(torn)

    def _remember(self, line: _Line) -> None:
        self.seen[line.id] = Seen(line.score, int(line.created_utc), line.retrieved_utc)

    def add(self, fields: Mapping[str, Any]) -> bool:
        """Take a submission; True if it is new. One that is known is written again only if its score has changed."""
        line = msgspec.convert(fields, _Line, strict=False)
        before = self.seen.get(line.id)
        self._remember(line)
        if before is None or before.score != line.score:
            self._waiting.append(json.dumps(fields, sort_keys=True).encode() + b"\n")
        return before is None

    def settle(self, fullnames: Iterable[str], now: int) -> None:
        """Note that submissions have been asked for again, also those that are gone."""
        for name in fullnames:
            identity = name.removeprefix("t3_")
            self.seen[identity] = replace(self.seen[identity], retrieved=now)

    def flush(self) -> None:
        """Write what waits, as one frame."""
        if self._waiting:
            frame = zstandard.ZstdCompressor(write_checksum=True).compress(b"".join(self._waiting))
            with self._path.open("ab") as stream:
                stream.write(frame)
            sync(self._path)  # before a listing is noted as read
            self._waiting = []

    def finish(self, target: str) -> None:
        """Note that a listing has been read to its end, so that an interrupted run does not read it again."""
        self.flush()
        self.finished.add(target)
        write_whole(self._progress, json.dumps(sorted(self.finished)))

    def close(self) -> None:
        """End a run that read all its listings: the next begins anew, and adds what is new."""
        self.flush()
        self.finished = set()
        self._progress.unlink(missing_ok=True)
