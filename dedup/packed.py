"""Blocks of numbers and tables as bytes: what the search for duplicates sends through a shuffle.

A row is mostly two 64-bit numbers: a key and a place, the two places of a pair, a place and the root of its cluster.
The order in which blocks arrive means nothing, so whoever unpacks them sorts.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from dedup.kernels import Indices

_FEW = 1 << 16  # owners; so few are sorted by counting, a tenth of the time


def pack(rows: Indices) -> bytes:
    """Pack rows, shape (n, columns)."""
    return rows.astype("<i8").tobytes()


def unpack(blocks: Iterable[bytes], columns: int = 2) -> Indices:
    """Unpack blocks of rows, one after another, shape (n, columns)."""
    return np.frombuffer(b"".join(blocks), "<i8").astype(np.int64, copy=False).reshape(-1, columns)


def pack_table(table: pa.Table) -> bytes:
    """Pack a table with its schema."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def unpack_tables(blocks: Iterable[bytes], schema: pa.Schema) -> pa.Table:
    """Unpack tables, one after another; none gives an empty table."""
    tables = [pa.ipc.open_stream(block).read_all() for block in blocks]
    return pa.concat_tables([schema.empty_table(), *tables])


def divide(owners: Indices) -> Iterator[tuple[int, Indices]]:
    """Yield each owner, ascending, with the positions that are its own."""
    few = bool(len(owners)) and owners.min() >= 0 and owners.max() < _FEW
    order = np.argsort(owners.astype(np.uint16) if few else owners, kind="stable")
    cuts = np.flatnonzero(np.diff(owners[order])) + 1
    for positions in np.split(order, cuts):
        if len(positions):
            yield int(owners[positions[0]]), positions
