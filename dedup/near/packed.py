"""Blocks of numbers and tables as bytes: what the search for duplicates sends through a shuffle.

A row is mostly two 64-bit numbers: the two places of a pair, a place and the root of its cluster. A key goes with the
number of its document in the run, 32 bits, since keys are most of what is sent. The order in which blocks arrive means
nothing, so whoever unpacks them sorts.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from dedup.kernels.hashes import Hashes, Indices
from dedup.near.parts import places_of

Packed = tuple[int, bytes]  # who reads a block, and the block
Grouped = tuple[int, Iterable[bytes]]

_FEW = 1 << 16  # owners; so few are sorted by counting, a tenth of the time


def pack(rows: Indices) -> bytes:
    """Pack rows, shape (n, columns)."""
    return rows.astype("<i8", copy=False).tobytes()


def unpack(blocks: Iterable[bytes], columns: int = 2) -> Indices:
    """Unpack blocks of rows, one after another, shape (n, columns)."""
    return np.frombuffer(b"".join(blocks), "<i8").astype(np.int64, copy=False).reshape(-1, columns)


def pack_keys(parts: Sequence[tuple[int, int]], keys: Hashes, numbers: Indices) -> bytes:
    """Pack keys of documents, 12 bytes each.

    Args:
        parts: number and rows of each part of a run.
        keys: shape (n,).
        numbers: the document of each key, counted through those parts; shape (n,).
    """
    head = np.array([[len(parts), len(keys)], *parts], "<i8")
    return b"".join([head.tobytes(), keys.astype("<u8", copy=False).tobytes(), numbers.astype("<u4").tobytes()])


def unpack_keys(blocks: Iterable[bytes]) -> tuple[Hashes, Indices]:
    """Unpack keys and the places of their documents, block after block; both of shape (n,)."""
    keys, places = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for block in blocks:
        parts, count = np.frombuffer(block, "<i8", 2).tolist()
        rows = np.frombuffer(block, "<i8", 2 * parts, 16).reshape(-1, 2).tolist()
        begin = 16 * (parts + 1)
        keys.append(np.frombuffer(block, "<u8", count, begin))
        own = np.concatenate([places_of(part, length) for part, length in rows])
        places.append(own[np.frombuffer(block, "<u4", count, begin + 8 * count)])
    return np.concatenate(keys), np.concatenate(places)


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
    if not len(owners):
        return
    if owners.min() >= 0 and owners.max() < _FEW:
        order = np.argsort(owners.astype(np.uint16), kind="stable")
        counts = np.bincount(owners)
        ends = np.cumsum(counts)[counts > 0]
    else:
        order = np.argsort(owners, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(owners[order])) + 1, len(order))
    for positions in np.split(order, ends[:-1]):
        yield int(owners[positions[0]]), positions
