"""The rows of a page index by bucket, at a cost that does not grow with the file that they lie in.

A bucket is some hundred rows of a file of perhaps hundreds of thousands, and a worker does many buckets of one file:
without this the whole file would become Python objects again for each, and the cost of a page would grow with the
number of pages. So a worker keeps the files that it read last as Arrow tables, beside the bucket of each row.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext import storage
from webtext.hashing import bucket_of
from webtext.tables import read_columns

MOST_ROWS = 1 << 19  # the most that are kept: some 100 MB


@dataclass(frozen=True, slots=True)
class _File:
    fetched: pa.Table  # the rows whose page came
    buckets: np.ndarray[tuple[int], np.dtype[np.int32]]  # the bucket of each of them


class PageIndex:
    """Reads rows of index files by bucket, and keeps the files that it read last."""

    def __init__(self, most_rows: int = MOST_ROWS) -> None:
        """Keep nothing yet, and later so many rows, or one file."""
        self._most_rows = most_rows
        self._files: dict[tuple[str, int], _File] = {}  # oldest first

    def fetched(self, index_file: str, bucket: int, buckets: int) -> pa.Table:
        """Give the rows of pages that came and whose URLs hash into one of `buckets` buckets."""
        found = self._files.pop((index_file, buckets), None) or _read(index_file, buckets)
        self._files[index_file, buckets] = found
        while len(self._files) > 1 and sum(len(kept.buckets) for kept in self._files.values()) > self._most_rows:
            del self._files[next(iter(self._files))]
        return found.fetched.take(pa.array(np.flatnonzero(found.buckets == bucket)))


def _read(index_file: str, buckets: int) -> _File:
    with storage.open_file(index_file) as stream:
        table = read_columns(stream)
    fetched = table.filter(pc.equal(table.column("outcome"), "ok"))
    urls = fetched.column("url").to_pylist()
    return _File(fetched, np.fromiter((bucket_of(url, buckets) for url in urls), np.int32, len(urls)))
