"""Records in Parquet: one schema a kind of record, one set of writer settings, so that equal rows are equal bytes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext.records import Document, Link, Page, Rejection

ROW_GROUP_ROWS = 1000  # sizes from 1,000 to 16,000 compress alike; small ones let a reader touch little
_BATCH_ROWS = 4096  # So many rows of a file are in memory at a time.
_TIME = pa.timestamp("s", tz="UTC")
_NAMES = pa.list_(pa.string())

_LINK_FACTS = [
    ("karma", pa.int32()),
    ("submissions", pa.int32()),
    ("subreddits", _NAMES),
    ("first_posted", _TIME),
]
_TEXT = pa.string()

LINKS = pa.schema([("url", _TEXT), ("fetch_url", _TEXT), ("host", _TEXT), *_LINK_FACTS])
PAGES = pa.schema(
    [
        ("url", _TEXT),
        ("fetch_url", _TEXT),
        ("final_url", _TEXT),
        ("host", _TEXT),
        ("status", pa.int16()),
        ("outcome", _TEXT),
        ("detail", _TEXT),
        ("fetched_at", _TIME),
        ("content_type", _TEXT),
        ("warc_file", _TEXT),
        ("warc_offset", pa.int64()),
        ("warc_length", pa.int64()),
        ("digest", _TEXT),
        ("robots", _TEXT),
        ("opt_out", _TEXT),
        *_LINK_FACTS,
    ]
)
DOCUMENTS = pa.schema(
    [
        ("id", _TEXT),
        ("url", _TEXT),
        ("final_url", _TEXT),
        ("host", _TEXT),
        ("title", _TEXT),
        ("author", _TEXT),
        ("date", _TEXT),
        ("text", _TEXT),
        ("language", _TEXT),
        ("language_probability", pa.float32()),
        *_LINK_FACTS,
        ("n_words", pa.int32()),
        ("body_digest", _TEXT),
        ("site_name", _TEXT),
        ("declared_language", _TEXT),
    ]
)
REJECTIONS = pa.schema(
    [
        ("url", _TEXT),
        ("stage", _TEXT),
        ("reason", _TEXT),
        ("detail", _TEXT),
        ("kept_url", _TEXT),
        ("similarity", pa.float32()),
        ("cluster", _TEXT),
        ("cluster_size", pa.int32()),
        ("excerpt", _TEXT),
    ]
)
SCHEMAS: dict[type, pa.Schema] = {Link: LINKS, Page: PAGES, Document: DOCUMENTS, Rejection: REJECTIONS}

Record = TypeVar("Record")


def to_table(records: Sequence[Any], schema: pa.Schema) -> pa.Table:
    """Lay records (with the schema's names as attributes) out as columns, in their order."""
    columns = [pa.array([getattr(record, field.name) for record in records], type=field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def from_table(table: pa.Table, kind: type[Record]) -> Iterator[Record]:
    """Read records of a kind back from a table with at least its fields; times become seconds, lists tuples."""
    names = SCHEMAS[kind].names
    columns = []
    for name in names:
        column = table.column(name)
        if pa.types.is_timestamp(column.type):
            column = column.cast(_TIME).cast(pa.int64())
        values = column.to_pylist()
        if pa.types.is_list(column.type):
            values = [tuple(value or ()) for value in values]
        columns.append(values)
    for row in zip(*columns, strict=True):
        yield kind(*row)


def write_table(stream: BinaryIO, table: pa.Table) -> None:
    """Write a table as Parquet with pinned settings: zstd level 3, no dictionary for text, no pandas metadata."""
    with open_writer(stream, table.schema) as writer:
        writer.write_table(table, row_group_size=ROW_GROUP_ROWS)


def open_writer(stream: BinaryIO, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a Parquet writer with the pinned settings, for tables that are written in pieces."""
    plain = {"text", "url", "final_url", "fetch_url", "id", "title", "detail", "excerpt", "signature"}
    return pq.ParquetWriter(
        stream,
        schema,
        version="2.6",
        compression="zstd",
        compression_level=3,
        use_dictionary=[name for name in schema.names if name not in plain],
        write_statistics=[name for name in schema.names if name not in {"text", "signature", "excerpt"}],
        store_schema=True,
    )


def read_columns(stream: BinaryIO, names: Sequence[str] | None = None) -> pa.Table:
    """Read columns of a Parquet file, in the order of their names; all of them where no name is given.

    By the file and in one thread: `pyarrow.parquet.read_table` scans in threads of its own, which takes twice the CPU
    time for files of a thousand rows, and aborted a process that ended while one of them still held the stream.

    Raises:
        KeyError: a column is not there.
    """
    table = pq.ParquetFile(stream).read(columns=None if names is None else list(names), use_threads=False)
    return table if names is None else table.select(list(names))


def read_matching(stream: BinaryIO, names: Sequence[str], key: str, values: Iterable[str]) -> pa.Table:
    """Read columns of the rows whose `key` is one of some values, a batch of the file in memory at a time."""
    file, wanted = pq.ParquetFile(stream), pa.array(sorted(values), pa.string())
    every = list(dict.fromkeys([*names, key]))
    batches = file.iter_batches(_BATCH_ROWS, columns=every, use_threads=False)
    found = [batch.filter(pc.is_in(batch.column(key).cast(pa.string()), value_set=wanted)) for batch in batches]
    schema = pa.schema([file.schema_arrow.field(name) for name in every])
    return pa.Table.from_batches([batch.select(every) for batch in found], schema).select(list(names))


def write_records(stream: BinaryIO, records: Iterable[Any], kind: type) -> None:
    """Write records of one kind as Parquet, in their order."""
    write_table(stream, to_table(list(records), SCHEMAS[kind]))


def read_records(stream: BinaryIO, kind: type[Record]) -> Iterator[Record]:
    """Read records of one kind from a Parquet file, a batch in memory at a time."""
    names = SCHEMAS[kind].names
    for batch in pq.ParquetFile(stream).iter_batches(batch_size=_BATCH_ROWS, columns=names):
        yield from from_table(pa.Table.from_batches([batch]), kind)
