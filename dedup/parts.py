"""Documents by reference: what a place is, and how facts, digests and shingles are read from the files of a part.

A place is one 64-bit number, the part's number times 2^32 plus the row. Places, keys and pairs are all that the search
for duplicates shuffles; whatever else it needs it reads here, part by part, in order. The files are those that the
documents stage writes: `part-*.parquet` and, beside each, `shingles-*.bin` (little-endian 64-bit hashes).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.kernels import Hashes, Indices, Words32

ROW_BITS = 32
DOCUMENTS_REMEMBERED = 1 << 22  # whose offsets and sizes a reader keeps: 64 MiB
_GAP = 1 << 13  # hashes between two wanted sets that are read rather than skipped: 64 KiB

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
        """Read columns of a part."""
        source, suffix = self.catalog.locate(part)
        with self._open(f"{source.directory}/part-{suffix}.parquet") as stream:
            return pq.read_table(stream, columns=names)

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
        """Read the shingles of the documents at ascending places without repeats, one after another."""
        read = bytearray(8 * int(self.sizes(places).sum()))
        filled, space = 0, memoryview(read)
        for part, rows, _ in by_part(places):
            offsets, sizes = self._extent(part)
            for piece in self._pieces(part, offsets[rows], sizes[rows]):
                space[filled : filled + len(piece)] = piece
                filled += len(piece)
        return np.frombuffer(read, "<u8").astype(np.uint64, copy=False)

    def _extent(self, part: int) -> tuple[Indices, Indices]:
        """Tell the offset and the size of each document's shingles in a part, in hashes."""
        found = self._extents.get(part)
        if found is None:
            table = self.columns(part, ["shingles_offset", "n_shingles"])
            if self._remembered + len(table) > DOCUMENTS_REMEMBERED:
                self._extents, self._remembered = {}, 0
            offsets, sizes = (table.column(name).to_numpy().astype(np.int64) for name in table.column_names)
            found = self._extents[part] = offsets, sizes
            self._remembered += len(table)
        return found

    def _pieces(self, part: int, offsets: Indices, sizes: Indices) -> Iterator[memoryview]:
        """Read sets at ascending offsets of a part's sidecar; sets that lie near one another are read together."""
        source, suffix = self.catalog.locate(part)
        gaps = offsets[1:] - (offsets + sizes)[:-1]
        starts, ends = offsets[np.append(True, gaps > 0)], (offsets + sizes)[np.append(gaps > 0, True)]
        first = np.flatnonzero(np.append(True, starts[1:] - ends[:-1] > _GAP)).tolist()
        runs = list(zip((8 * starts).tolist(), (8 * ends).tolist(), strict=True))
        with self._open(f"{source.directory}/shingles-{suffix}.bin") as stream:
            for one, other in zip(first, [*first[1:], len(runs)], strict=True):
                begin, end = runs[one][0], runs[other - 1][1]
                stream.seek(begin)
                block = memoryview(stream.read(end - begin))
                yield from (block[start - begin : stop - begin] for start, stop in runs[one:other])


def signatures_of(column: pa.ChunkedArray) -> Words32:
    """View a column of signatures as numbers, shape (rows, num_perm)."""
    if not len(column):
        return np.empty((0, 0), np.uint32)
    values = b"".join(column.to_pylist())
    return np.frombuffer(values, "<u4").astype(np.uint32, copy=False).reshape(len(column), -1)
