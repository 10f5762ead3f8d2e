"""An earlier corpus as parts to compare with: any Parquet with a text column, read once, never rewritten.

Its documents are sketched as a build's own are; `dedup.near.parts.Source(..., earlier=True)` then says that they may
cause a rejection and never suffer one. What that gives, and where it differs from building all together, is in
`docs/dedup.md`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.near.minhash import MinHashConfig
from dedup.near.sketch import Sketch, sketch
from webtext.code_points import count_words
from webtext.errors import UsageError
from webtext.hashing import document_id
from webtext.tables import open_writer

SKETCHES = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("karma", pa.int32()),
        ("n_words", pa.int32()),
        ("first_posted", pa.timestamp("s", tz="UTC")),
        ("body_digest", pa.string()),
        ("text_digest", pa.string()),
        ("signature", pa.binary()),
        ("shingles_offset", pa.int64()),
        ("n_shingles", pa.int32()),
    ]
)
_FACTS = ("id", "url", "karma", "n_words", "first_posted", "body_digest")
_BATCH_ROWS = 1000


@dataclass(frozen=True)
class Columns:
    """How the columns of somebody's Parquet are called; all but the text may be missing."""

    text: str = "text"
    url: str = "url"


def read_texts(stream: BinaryIO, name: str, columns: Columns) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read the texts of a Parquet file, and what it tells of each: the facts of `SKETCHES` that it has in their types.

    A document without a URL is called by its file's name and row. A null text is skipped.

    Raises:
        UsageError: the file has no such text column, or is no Parquet.
    """
    file = open_texts(stream, name, columns)
    named = {fact: fact for fact in _FACTS if fact in file.schema_arrow.names and fact != "url"}
    wanted = {fact: column for fact, column in named.items() if _fits(file.schema_arrow.field(column).type, fact)}
    if columns.url in file.schema_arrow.names:
        wanted["url"] = columns.url
    row = 0
    for batch in file.iter_batches(_BATCH_ROWS, columns=[columns.text, *wanted.values()]):
        for text, *values in zip(*(batch.column(index).to_pylist() for index in range(batch.num_columns)), strict=True):
            facts = dict(zip(wanted, values, strict=True))
            facts["url"] = str(facts.get("url") or f"{name}#{row}")
            facts["id"] = facts["id"] if _is_id(facts.get("id")) else document_id(facts["url"])
            row += 1
            if text is not None:
                yield str(text), facts


def open_texts(stream: BinaryIO, name: str, columns: Columns) -> pq.ParquetFile:
    """Open a Parquet file and see that it has texts; only its footer is read.

    Raises:
        UsageError: the file has no such text column, or is no Parquet.
    """
    try:
        file = pq.ParquetFile(stream)
    except pa.ArrowInvalid as error:
        raise UsageError(f"{name} is not a Parquet file: {str(error).splitlines()[0]}") from error
    present = file.schema_arrow.names
    if columns.text not in present:
        raise UsageError(
            f"{name} has no column {columns.text!r} but {', '.join(sorted(present))}: name the text column"
        )
    kind = file.schema_arrow.field(columns.text).type
    if not _is_text(kind):
        raise UsageError(f"{name}: the column {columns.text!r} holds {kind}, not text: name the text column")
    return file


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _fits(kind: pa.DataType, fact: str) -> bool:
    """Tell whether somebody's column of a fact's name holds what ours does."""
    own = SKETCHES.field(fact).type
    return bool(kind == own or (_is_text(kind) and _is_text(own)))


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 16


def write_sketches(
    part: BinaryIO, shingles: BinaryIO, texts: Iterable[tuple[str, dict[str, Any]]], config: MinHashConfig
) -> int:
    """Sketch texts and write them as a part, a thousand in memory at a time.

    Args:
        part: gets the Parquet file of `SKETCHES`.
        shingles: gets the shingle hashes, little-endian, 64 bits each.
        texts: texts and their facts, as `read_texts` gives them.
        config: how to sketch.

    Returns:
        How many documents were written.
    """
    rows: list[dict[str, Any]] = []
    written = offset = 0
    with open_writer(part, SKETCHES) as writer:
        for text, facts in texts:
            sketched = sketch(text, config)
            shingles.write(sketched.shingles.astype("<u8").tobytes())
            rows.append(_row(text, facts, sketched, offset))
            offset += len(sketched.shingles)
            if len(rows) == _BATCH_ROWS:
                writer.write_table(pa.Table.from_pylist(rows, schema=SKETCHES))
                written, rows = written + len(rows), []
        writer.write_table(pa.Table.from_pylist(rows, schema=SKETCHES))
    return written + len(rows)


def _row(text: str, facts: dict[str, Any], sketched: Sketch, offset: int) -> dict[str, Any]:
    n_words = facts.get("n_words")
    return {
        "body_digest": "",
        **facts,
        "n_words": count_words(text) if n_words is None else int(np.int32(n_words)),
        "text_digest": sketched.text_digest,
        "signature": sketched.signature,
        "shingles_offset": offset,
        "n_shingles": len(sketched.shingles),
    }
