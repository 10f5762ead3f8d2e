"""What the report, `stats` and the card count: one pass over each kind of file, a batch of rows in memory at a time.

Memory grows with the number of distinct hosts, lengths and karma, not with rows; texts are measured and let go.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext import storage
from webtext.shards import SPLITS, list_shards

_BATCH_ROWS = 1 << 16
_TEXT_BATCH_ROWS = 1 << 11  # a row of text may be megabytes
_HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?P<host>\[[^\]]*\]|[^/:?#]*)"


def batches(directory: str, pattern: str, columns: Sequence[str], rows: int = _BATCH_ROWS) -> Iterator[pa.RecordBatch]:
    """Yield columns of the Parquet files below a directory that match a pattern, file by file in the order of names."""
    for name in storage.list_tree(directory, pattern):
        yield from batches_of(storage.join(directory, name), columns, rows)


def batches_of(path: str, columns: Sequence[str], rows: int = _BATCH_ROWS) -> Iterator[pa.RecordBatch]:
    """Yield columns of one Parquet file."""
    with storage.open_file(path) as stream:
        yield from pq.ParquetFile(stream).iter_batches(batch_size=rows, columns=list(columns))


def batches_of_split(
    directory: str, split: str, columns: Sequence[str], rows: int = _BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Yield columns of a split of a corpus directory, shard by shard."""
    for shard in list_shards(directory, split):
        yield from batches_of(storage.join(directory, shard), columns, rows)


def hosts_of(urls: pa.Array) -> pa.Array:
    """Cut the host out of each URL, in lower case; "" where there is none (a line that is no URL)."""
    found = pc.struct_field(pc.extract_regex(urls, _HOST), "host")
    return pc.utf8_lower(pc.fill_null(found, ""))


def count_into(counter: Counter, values: pa.Array) -> None:
    """Add the values of an array to a counter; nulls are counted as None."""
    counted = pc.value_counts(values)
    for value, count in zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True):
        counter[value] += count


@dataclass
class Spread:
    """The exact distribution of a whole number over rows; None counts the rows that have none."""

    counts: Counter[int | None] = field(default_factory=Counter)

    @property
    def known(self) -> int:
        """Rows that have a value."""
        return self.counts.total() - self.unknown

    @property
    def unknown(self) -> int:
        """Rows that have none."""
        return self.counts.get(None, 0)

    @property
    def total(self) -> int:
        """Sum of the values."""
        return sum(value * count for value, count in self.counts.items() if value is not None)

    def quantile(self, share: float) -> int | None:
        """Give the smallest value with at least `share` of the rows at or below it; None without any."""
        wanted, seen = share * self.known, 0
        for value in sorted(value for value in self.counts if value is not None):
            seen += self.counts[value]
            if seen >= wanted:
                return value
        return None

    def within(self, low: int, high: int) -> int:
        """Count the rows from `low` to below `high`."""
        return sum(count for value, count in self.counts.items() if value is not None and low <= value < high)


@dataclass
class LinkTally:
    """What the links, or an archive's pages, are like."""

    rows: int = 0
    hosts: Counter[str] = field(default_factory=Counter)  # the URLs' hosts
    karma: Spread = field(default_factory=Spread)
    posted: Counter[int | None] = field(default_factory=Counter)  # months of submission: year * 100 + month

    @classmethod
    def of(cls, directory: str, pattern: str) -> "LinkTally":
        """Count the files of a directory whose rows have `url`, `karma` and `first_posted`."""
        tally = cls()
        for batch in batches(directory, pattern, ("url", "karma", "first_posted")):
            tally.add(batch)
        return tally

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch."""
        self.rows += batch.num_rows
        count_into(self.hosts, hosts_of(batch.column("url")))
        count_into(self.karma.counts, batch.column("karma"))
        posted = batch.column("first_posted")
        count_into(self.posted, pc.add(pc.multiply(pc.year(posted), 100), pc.month(posted)))


@dataclass
class SplitTally:
    """How much a split holds."""

    documents: int = 0
    words: int = 0
    characters: int = 0
    bytes: int = 0  # the texts' size in UTF-8


@dataclass
class CorpusTally(LinkTally):
    """What the documents of a corpus are like."""

    splits: dict[str, SplitTally] = field(default_factory=dict)
    languages: Counter[str] = field(default_factory=Counter)
    words_by_language: Counter[str] = field(default_factory=Counter)
    in_tables: int = 0  # characters of lines with a tab, which are rows of tables
    words: Spread = field(default_factory=Spread)  # the documents' lengths
    dated: Counter[str] = field(default_factory=Counter)  # the years that pages declare, "" for none

    @classmethod
    def of_corpus(cls, directory: str) -> "CorpusTally":
        """Count the shards of a corpus directory."""
        tally = cls()
        columns = ("url", "karma", "first_posted", "language", "n_words", "date", "text")
        for split in SPLITS:
            tally.splits[split] = SplitTally()
            for batch in batches_of_split(directory, split, columns, _TEXT_BATCH_ROWS):
                tally.add(batch)
                tally.add_documents(split, batch)
        return tally

    def add_documents(self, split: str, batch: pa.RecordBatch) -> None:
        """Count what only documents have."""
        text, part = batch.column("text"), self.splits[split]
        part.documents += batch.num_rows
        part.words += pc.sum(batch.column("n_words")).as_py() or 0
        part.characters += pc.sum(pc.utf8_length(text)).as_py() or 0
        part.bytes += pc.sum(pc.binary_length(text)).as_py() or 0
        count_into(self.languages, batch.column("language"))
        for language, words in zip(
            batch.column("language").to_pylist(), batch.column("n_words").to_pylist(), strict=True
        ):
            self.words_by_language[language] += words
        rows = pc.list_flatten(pc.split_pattern(text.filter(pc.match_substring(text, "\t")), "\n"))
        self.in_tables += pc.sum(pc.utf8_length(rows.filter(pc.match_substring(rows, "\t")))).as_py() or 0
        count_into(self.words.counts, batch.column("n_words"))
        count_into(self.dated, pc.utf8_slice_codeunits(batch.column("date"), 0, 4))

    @property
    def all(self) -> SplitTally:
        """All splits together."""
        parts = self.splits.values()
        return SplitTally(
            sum(part.documents for part in parts),
            sum(part.words for part in parts),
            sum(part.characters for part in parts),
            sum(part.bytes for part in parts),
        )


def ranked(counter: Counter, most: int | None = None) -> list[tuple]:
    """Give a counter's items, most frequent first, equal ones by name: never in the order of insertion."""
    return sorted(counter.items(), key=lambda item: (-item[1], str(item[0])))[:most]
