"""Records from the tasks that read them to the shards that they belong to, over files instead of memory.

A local run of Beam keeps all that is grouped in the memory of one process, over a kilobyte a link. Here each task
writes what it reads to one file, sorted into shards piece by piece, and then each shard is read from all those files.
So memory is that of a piece or a shard, and both steps are lists of tasks that any engine does (`Engine.each`).
Where a runner of Beam's is named, its own shuffle does this, to the same bytes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.engine.runner import Engine
from pipelines.engine.tasks import Worker
from webtext import storage
from webtext.hashing import bucket_of

_PIECE = 16 << 20  # bytes of records that a task holds before it writes them: a tenth of what it then takes
_A_RECORD = 150  # bytes of Python objects around a record
_BATCH_ROWS = 4096
_SPILLED = pa.schema([("shard", pa.int32()), ("url", pa.string()), ("record", pa.binary())])

Read = Callable[[Any], Iterator[tuple[str, bytes]]]  # a task to (URL, record)
Shard = Callable[[str], int]  # a URL to the shard that it belongs to
Write = Callable[[int, Iterable[tuple[str, list[bytes]]]], None]  # a shard's number, and its records by URL, in order


def spills(engine: Engine, directory: str) -> bool:
    """Tell whether a run groups over files: one that names no runner of Beam's, and writes to a disk."""
    return not engine.names_runner and storage.is_local(directory)


def group_over_files(
    engine: Engine, tasks: list[tuple[str, Any]], directory: str, shards: int, read: Read, write: Write
) -> None:
    """Read tasks, group what they hold by shard and URL, and write each shard.

    Args:
        engine: who does it.
        tasks: each with a name of its own.
        directory: where the files lie in between; they are removed in the end.
        shards: of which a record's is `bucket_of` its URL.
        read: reads a task.
        write: writes a shard; in the worker that has it, so it must be picklable.
    """
    remove_spilled(directory)  # A run that was killed may have left files of tasks that are no longer given.
    engine.each(tasks, SpillRecords(directory, partial(bucket_of, buckets=shards), read))
    engine.each(list(range(shards)), MergeRecords(directory, write))
    remove_spilled(directory)


def remove_spilled(directory: str, tasks: str = "") -> None:
    """Remove what tasks whose names begin so have spilled."""
    for name in storage.list_files(directory, f"spill-{tasks}*.parquet"):
        storage.remove_file(storage.join(directory, name))


def shards_spilled(directory: str, tasks: str = "") -> list[int]:
    """List the shards of which tasks whose names begin so have spilled records."""
    return sorted({shard for _, _, shard in _groups(directory, tasks)})


def read_spilled(directory: str, shard: int, tasks: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield the records of a shard, with their URLs, that tasks whose names begin so have spilled; few in memory."""
    for piece in _pieces(directory, shard, tasks):
        for batch in piece.to_batches(max_chunksize=_BATCH_ROWS):
            yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)


@dataclass
class SpillRecords(Worker):
    """Writes what a task reads to a file of its own, in pieces, each of which is sorted into shards."""

    directory: str
    shard_of: Shard
    read: Read

    def do(self, task: tuple[str, Any]) -> None:
        name, given = task
        path = storage.join(self.directory, f"spill-{name}.parquet")
        records = iter(self.read(given))
        ahead = list(islice(records, 1))  # What is read may be a crawl: no file stays open over days on a remote store.
        with storage.create_file(path) as stream, pq.ParquetWriter(stream, _SPILLED, compression="zstd") as writer:
            piece: list[tuple[int, str, bytes]] = []
            held = 0
            for url, record in chain(ahead, records):
                piece.append((self.shard_of(url), url, record))
                held += len(url) + len(record) + _A_RECORD
                if held > _PIECE:
                    _write_piece(writer, piece)
                    piece, held = [], 0
            _write_piece(writer, piece)


def _write_piece(writer: pq.ParquetWriter, piece: list[tuple[int, str, bytes]]) -> None:
    """Write a piece with a row group for each shard, so that a shard is found by the statistics of the groups."""
    piece.sort(key=itemgetter(0))
    for _, rows in groupby(piece, itemgetter(0)):
        columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), _SPILLED.types, strict=True)]
        writer.write_table(pa.Table.from_arrays(columns, schema=_SPILLED))


@dataclass
class MergeRecords(Worker):
    """Writes a shard from what was spilled for it."""

    directory: str
    write: Write

    def do(self, task: int) -> None:
        pieces = list(_pieces(self.directory, task))
        table = pa.concat_tables(pieces) if pieces else _SPILLED.empty_table().drop_columns(["shard"])
        # Code points are in the order of their UTF-8 bytes, so this is the order of Python's strings.
        self.write(task, _by_url(table.take(pc.sort_indices(table, [("url", "ascending")]))))


def _pieces(directory: str, shard: int, tasks: str = "") -> Iterator[pa.Table]:
    for file, group, of_shard in _groups(directory, tasks):
        if of_shard == shard:
            yield file.read_row_group(group, columns=["url", "record"], use_threads=False)


def _groups(directory: str, tasks: str) -> Iterator[tuple[pq.ParquetFile, int, int]]:
    """Yield the row groups of spilled files, each with its shard."""
    for name in storage.list_files(directory, f"spill-{tasks}*.parquet"):
        with storage.open_file(storage.join(directory, name)) as stream:
            file = pq.ParquetFile(stream)
            for group in range(file.num_row_groups):
                yield file, group, file.metadata.row_group(group).column(0).statistics.min


def _by_url(table: pa.Table) -> Iterator[tuple[str, list[bytes]]]:
    rows = (
        (url, record)
        for batch in table.to_batches(max_chunksize=_BATCH_ROWS)
        for url, record in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)
    )
    for url, group in groupby(rows, itemgetter(0)):
        yield url, [record for _, record in group]
