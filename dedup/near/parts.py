"""Documents by reference: what a place is, and how facts, digests and shingles are read from the files of a part.

A place is one 64-bit number, the part's number times 2^32 plus the row. Places, keys and pairs are all that the search
for duplicates shuffles; whatever else it needs it reads here, part by part, in order. The files are those that the
documents stage writes: `part-*.parquet` and, beside each, `shingles-*.bin` (little-endian 64-bit hashes).
"""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from dedup.kernels.hashes import Hashes, Indices, Words32
from webtext.tables import read_columns

ROW_BITS = 32
DOCUMENTS_REMEMBERED = 1 << 22  # a reader keeps offsets and sizes of this many: 64 MiB
EXTENT = ["shingles_offset", "n_shingles"]  # the columns that tell where a document's shingles lie
_GAP = 1 << 16  # bytes between two wanted sets of a remote file that are read rather than skipped

Opener = Callable[[str], BinaryIO]


@dataclass(frozen=True)
class Source:
    """A directory of parts; those of an earlier corpus are compared with, but never rejected."""

    directory: str
    parts: int
    earlier: bool = False

    def suffix(self, number: int) -> str:
        """End the file names of a part."""
        return f"{number:05d}-of-{self.parts:05d}"


@dataclass(frozen=True)
class Catalog:
    """All parts that are searched together, numbered through their sources."""

    sources: tuple[Source, ...]

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return sum(source.parts for source in self.sources)

    def locate(self, part: int) -> tuple[Source, str]:
        """Tell the source of a part, and the end of its file names.

        Raises:
            IndexError: there is no such part.
        """
        for source in self.sources:
            if part < source.parts:
                return source, source.suffix(part)
            part -= source.parts
        raise IndexError(f"no part {part} beyond the last of {self.parts}")


def places_of(part: int, rows: int) -> Indices:
    """Name the places of all rows of a part, shape (rows,)."""
    return np.int64(part << ROW_BITS) + np.arange(rows, dtype=np.int64)


def by_part(places: Indices) -> Iterator[tuple[int, Indices, Indices]]:
    """Group places by part: its number, the rows asked for, and the positions in `places` that ask for them."""
    order = np.argsort(places, kind="stable")
    numbers = places[order] >> ROW_BITS
    cuts = np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
    for positions in np.split(order, cuts):
        if len(positions):
            yield int(places[positions[0]] >> ROW_BITS), places[positions] & ((1 << ROW_BITS) - 1), positions


class PartReader:
    """Reads parts by place; remembers only where the shingles of the parts last used lie. Threads may share one."""

    def __init__(self, catalog: Catalog, open_file: Opener) -> None:
        """Read the parts of a catalog with a function that opens a path for reading in binary."""
        self.catalog = catalog
        self._open = open_file
        self._extents: dict[int, tuple[Indices, Indices]] = {}
        self._remembered = 0

    def columns(self, part: int, names: list[str]) -> pa.Table:
        """Read columns of a part; one that tells where shingles lie is remembered for that."""
        source, suffix = self.catalog.locate(part)
        with self._open(f"{source.directory}/part-{suffix}.parquet") as stream:
            table = read_columns(stream, names)
        if part not in self._extents and set(EXTENT) <= set(names):
            self._remember(part, table)
        return table

    def rows(self, places: Indices, names: list[str]) -> pa.Table:
        """Read columns of the documents at some places, in the order of the places.

        Raises:
            ValueError: there is no place, so no file to take the columns' types from.
        """
        if not len(places):
            raise ValueError("no place to read")
        groups = list(by_part(places))
        tables = [self.columns(part, names).take(pa.array(rows)) for part, rows, _ in groups]
        order = np.argsort(np.concatenate([positions for _, _, positions in groups]), kind="stable")
        return pa.concat_tables(tables).take(pa.array(order))

    def sizes(self, places: Indices) -> Indices:
        """Tell how many shingles the document at each place has."""
        sizes = np.empty(len(places), np.int64)
        for part, rows, positions in by_part(places):
            sizes[positions] = self._extent(part)[1][rows]
        return sizes

    def shingles(self, places: Indices) -> Hashes:
        """Read the shingles of the documents at ascending places without repeats, one after another.

        Raises:
            EOFError: a sidecar ends before its part says.
        """
        wanted = []
        for part, rows, _ in by_part(places):
            offsets, sizes = self._extent(part)
            wanted.append((part, offsets[rows], sizes[rows]))
        read = np.empty(sum(int(sizes.sum()) for _, _, sizes in wanted), np.uint64)
        filled, space = 0, read.data.cast("B")
        for part, offsets, sizes in wanted:
            source, suffix = self.catalog.locate(part)
            with self._open(f"{source.directory}/shingles-{suffix}.bin") as stream:
                filled += _read_spans(stream, _spans(offsets, sizes), space[filled:])
        if filled < len(space):
            raise EOFError(f"shingles of {len(places)} documents end {len(space) - filled} bytes early")
        return read.view("<u8").astype(np.uint64, copy=False)

    def _extent(self, part: int) -> tuple[Indices, Indices]:
        """Tell the offset and the size of each document's shingles in a part, in hashes."""
        if part not in self._extents:
            self.columns(part, EXTENT)
        return self._extents[part]

    def _remember(self, part: int, table: pa.Table) -> None:
        if self._remembered + len(table) > DOCUMENTS_REMEMBERED:
            self._extents, self._remembered = {}, 0
        offsets, sizes = (table.column(name).to_numpy().astype(np.int64) for name in EXTENT)
        self._extents[part] = offsets, sizes
        self._remembered += len(table)


def _spans(offsets: Indices, sizes: Indices) -> list[tuple[int, int]]:
    """Tell from which byte to which sets lie, given by ascending offsets in hashes; neighbours are one span."""
    starts, ends = 8 * offsets, 8 * (offsets + sizes)
    cuts = np.flatnonzero(starts[1:] > ends[:-1]) + 1
    starts = starts[np.concatenate([[0], cuts])]
    stops = ends[np.concatenate([cuts - 1, [len(ends) - 1]])]
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _read_spans(stream: BinaryIO, spans: list[tuple[int, int]], space: memoryview) -> int:
    """Read spans of a file one after another; tell how many bytes were there.

    Of a local file each is read to its place; of another, what lies near one another is read together.
    """
    filled = 0
    if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO) and hasattr(os, "preadv"):
        descriptor = stream.fileno()
        for begin, end in spans:
            filled += os.preadv(descriptor, [space[filled : filled + end - begin]], begin)
        return filled
    cuts = [number for number in range(1, len(spans)) if spans[number][0] - spans[number - 1][1] > _GAP]
    for first, last in zip([0, *cuts], [*cuts, len(spans)], strict=True):
        origin = stream.seek(spans[first][0])
        block = memoryview(stream.read(spans[last - 1][1] - origin))
        for begin, end in spans[first:last]:
            piece = block[begin - origin : end - origin]
            space[filled : filled + len(piece)] = piece
            filled += len(piece)
    return filled


def flat_values(column: pa.ChunkedArray) -> tuple[Indices, memoryview]:
    """View the values of a column of strings or bytes: the length of each, 0 for a null, and all one after another."""
    known = column.fill_null(pa.scalar("", column.type)) if column.null_count else column
    whole = known.combine_chunks()
    _, ends, values = whole.buffers()
    if not len(whole) or values is None:
        return np.zeros(len(whole), np.int64), memoryview(b"")
    bounds = np.frombuffer(ends, np.int32)[whole.offset : whole.offset + len(whole) + 1].astype(np.int64)
    return np.diff(bounds), memoryview(values)[bounds[0] : bounds[-1]]


def signatures_of(column: pa.ChunkedArray) -> Words32:
    """View a column of signatures as numbers, shape (rows, num_perm)."""
    if not len(column):
        return np.empty((0, 0), np.uint32)
    return np.frombuffer(flat_values(column)[1], "<u4").astype(np.uint32, copy=False).reshape(len(column), -1)
