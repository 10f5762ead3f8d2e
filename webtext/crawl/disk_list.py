"""Lists that lie on disk, for what is known of links and pages by the million.

The files have no name, so that nothing is left of a crawl that is killed; what must last is in the archive.
"""

import os
import tempfile
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import islice, pairwise
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar

import msgspec

from webtext.errors import UsageError

_PIECE = 1 << 15  # records that are sorted in memory: some 30 MB of errands
_BUFFER = 1 << 18  # bytes that are written at once

Record = TypeVar("Record")


class DiskList(Generic[Record]):
    """A list that only grows, in a file without a name; each record takes eight bytes of memory. Thread-safe."""

    def __init__(self, kind: type[Record], folder: Path) -> None:
        """Make an empty list in a folder of a local disk."""
        self._encode, self._decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(kind).decode
        self._file = tempfile.TemporaryFile(dir=folder, buffering=_BUFFER)  # noqa: SIM115 - closed with the list
        weakref.finalize(self, self._file.close)
        self._folder = folder
        self._ends = array("q", [0])
        self._flushed = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, record: Record) -> int:
        """Add a record; gives its place.

        Raises:
            UsageError: the disk is full.
        """
        data = self._encode(record)
        with self._lock:
            self._on_disk(lambda: self._file.write(data))
            self._ends.append(self._ends[-1] + len(data))
            return len(self._ends) - 2

    def __getitem__(self, place: int) -> Record:
        start, end = self._ends[place], self._ends[place + 1]
        if end > self._flushed:
            with self._lock:
                self._on_disk(self._file.flush)
                self._flushed = self._ends[-1]
        return self._decode(os.pread(self._file.fileno(), end - start, start))

    def __iter__(self) -> Iterator[Record]:
        return self.between(0, len(self))

    def between(self, start: int, end: int) -> Iterator[Record]:
        """Give the records from one place up to another."""
        return map(self.__getitem__, range(start, end))

    def _on_disk(self, do: Callable[[], object]) -> None:
        try:
            do()
        except OSError as error:
            raise UsageError(f"cannot write in {self._folder}: {error.strerror}; free some space") from error


def in_order(
    records: Iterable[Record], kind: type[Record], folder: Path, key: Callable[[Record], Any] | None = None
) -> DiskList[Record]:
    """Sort records by their key, equal ones as they come: pieces in memory, which are merged on disk."""
    pieces, bounds, given = DiskList(kind, folder), [0], iter(records)
    while piece := sorted(islice(given, _PIECE), key=key):  # type: ignore[type-var,arg-type]
        for record in piece:
            pieces.append(record)
        bounds.append(len(pieces))
    if len(bounds) <= 2:  # one piece, which is in order
        return pieces
    merged = DiskList(kind, folder)
    for record in merge(*(pieces.between(*ends) for ends in pairwise(bounds)), key=key):  # type: ignore[arg-type]
        merged.append(record)
    return merged
