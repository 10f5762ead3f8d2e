"""Harvest as Beam transforms, and the writing of records in shards that every stage shares: wiring only.

The rules are functions in `webtext.reddit.dumps`, `webtext.reddit.links` and `webtext.tables`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, BinaryIO, NamedTuple

import apache_beam as beam
import msgspec
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from webtext import storage
from webtext.errors import UsageError
from webtext.hashing import bucket_of
from webtext.inputs import InputTally
from webtext.records import Link, Rejection
from webtext.reddit.dumps import Dump, Posted, Refused, merge_submissions, read_dump
from webtext.reddit.layout import Layout
from webtext.reddit.links import STAGE, SelectConfig, select_link
from webtext.tables import REJECTIONS, ROW_GROUP_ROWS, SCHEMAS, open_writer, to_table, write_records

_POSTED = msgspec.msgpack.Decoder(Posted)
_BATCH_ROWS = 10 * ROW_GROUP_ROWS  # rows are held until there are so many

# ------------------------------------------------------------------------------------------------ records in shards


@dataclass
class WriteRecords(beam.PTransform):
    """Write records of one kind as `<name>-NNNNN-of-NNNNN.parquet`, and give the names of the files.

    A record's shard is the bucket of its `key`'s hash, and its place there the order of its key and then of its other
    fields: neither knows of workers or of the order of arrival. Empty shards are written too.
    """

    directory: str
    name: str
    kind: type
    shards: int
    key: str = "url"

    def __post_init__(self) -> None:
        super().__init__(f"Write {self.name}")

    def _place(self, record: Any) -> tuple[int, bytes]:
        return bucket_of(getattr(record, self.key), self.shards), msgspec.msgpack.encode(record)

    def _write(self, shard: int, encoded: Iterable[bytes]) -> str:
        decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(self.kind)
        return self._write_shard(shard, (decoder.decode(each) for each in encoded if each))

    def _write_shard(self, shard: int, records: Iterable[Any]) -> str:
        name = f"{self.name}-{shard:05d}-of-{self.shards:05d}.parquet"
        with storage.create_file(storage.join(self.directory, name)) as stream:
            write_records(stream, in_order(records, self.kind, self.key), self.kind)
        return name

    def write_all(self, records: Iterable[Any]) -> None:
        """Write records that are all at hand."""
        shards: list[list[Any]] = [[] for _ in range(self.shards)]
        for record in records:
            shards[bucket_of(getattr(record, self.key), self.shards)].append(record)
        for shard, own in enumerate(shards):
            self._write_shard(shard, own)

    def expand(self, records: PCollection) -> PCollection:
        every_shard = records.pipeline | "Every shard" >> beam.Create([(shard, b"") for shard in range(self.shards)])
        placed = records | "Place" >> beam.Map(self._place)
        return (placed, every_shard) | beam.Flatten() | beam.GroupByKey() | "Write" >> beam.MapTuple(self._write)


@contextmanager
def writing(path: str, kind: type) -> Iterator[Callable[[Any], None]]:
    """Give what writes one record after another to a file, in the bytes of `write_records`, few in memory at a time."""
    schema, rows, written = SCHEMAS[kind], list[Any](), 0
    with storage.create_file(path) as stream, open_writer(stream, schema) as writer:

        def flush() -> None:
            nonlocal written
            if rows or not written:  # a file without a row has a row group all the same, as `write_records` has it
                writer.write_table(to_table(rows, schema), row_group_size=ROW_GROUP_ROWS)
                written += 1
                rows.clear()

        def write(record: Any) -> None:
            rows.append(record)
            if len(rows) == _BATCH_ROWS:
                flush()

        yield write
        flush()


def in_order(records: Iterable[Any], kind: type, key: str) -> list[Any]:
    """Sort records by their key, and where it is equal by all their fields, absent ones first."""
    value = attrgetter(key)
    names = SCHEMAS[kind].names
    ordered: list[Any] = []
    for _, group in groupby(sorted(records, key=value), value):
        equal = list(group)
        if len(equal) > 1:
            equal.sort(
                key=lambda record: [(getattr(record, name) is not None, getattr(record, name)) for name in names]
            )
        ordered += equal
    return ordered


# ---------------------------------------------------------------------------------------------------------- harvest


@dataclass
class ReadDumps(beam.PTransform):
    """Read files of submissions, each by one task, to (URL, `Posted` in MessagePack).

    What a file holds besides goes straight to its side files in `directory`: `rejections-lines-*.parquet`, in the
    order of the lines; `malformed-*.txt`, lines that could not be read, byte for byte behind their place; and
    `inputs-*.json`, the counts that the ledger is checked against.
    """

    dumps: Sequence[Dump]
    directory: str
    config: SelectConfig
    self_posts: bool = False
    skip_unreadable: bool = False  # whether a file of which nothing can be read is counted instead of ending the run

    def __post_init__(self) -> None:
        super().__init__("ReadDumps")

    def read(self, dump: Dump) -> Iterator[tuple[str, bytes]]:
        """Read one file, and write its side files."""
        tally, posted = InputTally(dump.name), 0
        with ExitStack() as stack:
            stream = stack.enter_context(storage.open_file(dump.path))
            refusals = _RefusalWriter(stack, self.directory, dump.suffix)
            for found in self._found(stream, dump):
                if isinstance(found, Refused):
                    tally.count(found.rejection.reason)
                    if found.rejection.reason == "damaged_frame":
                        tally.note_damage(found.rejection.detail)
                    refusals.write(found)
                elif isinstance(found, Layout):
                    tally.read_as = "" if found.is_dump else found.meaning
                else:
                    posted += 1
                    yield found.url, msgspec.msgpack.encode(found)
            refusals.flush()
        # Counters are told once: one costs as much as the reading of a line.
        for reason, number in tally.counts.items():
            Metrics.counter(STAGE, reason).inc(number)
        if posted:
            tally.counts["posted"] = posted
        tally.write(self.directory, dump.suffix)

    def _found(self, stream: BinaryIO, dump: Dump) -> Iterator[Posted | Refused | Layout]:
        try:
            yield from read_dump(stream, dump, self.config, self_posts=self.self_posts)
        except UsageError as error:
            if not self.skip_unreadable:
                raise
            yield Refused(Rejection("", STAGE, "damaged_frame", f"{dump.name}: {error}"))

    def expand(self, root: Any) -> PCollection:
        return (
            root
            | beam.Create(list(self.dumps))
            | beam.Reshuffle()
            | beam.FlatMap(self.read).with_output_types(tuple[str, bytes])
        )


class _RefusalWriter:
    """The side files of one input, written as it is read."""

    def __init__(self, stack: ExitStack, directory: str, suffix: str) -> None:
        self._stack, self._directory, self._suffix = stack, directory, suffix
        path = storage.join(directory, f"rejections-lines-{suffix}.parquet")
        self._table = stack.enter_context(open_writer(stack.enter_context(storage.create_file(path)), REJECTIONS))
        self._rows: list[Rejection] = []
        self._malformed: Any = None

    def write(self, refused: Refused) -> None:
        self._rows.append(refused.rejection)
        if refused.line is not None:
            if self._malformed is None:
                path = storage.join(self._directory, f"malformed-{self._suffix}.txt")
                self._malformed = self._stack.enter_context(storage.create_file(path))
            self._malformed.write(refused.rejection.detail.encode() + b"\t" + refused.line + b"\n")
        if len(self._rows) == _BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        self._table.write_table(to_table(self._rows, REJECTIONS))
        self._rows = []


class Selected(NamedTuple):
    """The links that were selected, and the rejections of what was not."""

    kept: PCollection
    rejected: PCollection


def select(url: str, encoded: Iterable[bytes], config: SelectConfig) -> Iterator[Link | Rejection]:
    """Give the link that the submissions of a URL come to, if any, and the rejections of what does not."""
    postings, repeated = merge_submissions([_POSTED.decode(each) for each in encoded])
    selected = select_link(url, postings, config)
    if isinstance(selected, Rejection):
        repeated.append(selected)
    else:
        Metrics.counter(STAGE, "kept").inc()
        yield selected
    for rejection in repeated:
        Metrics.counter(STAGE, rejection.reason).inc()
        yield rejection


@dataclass
class SelectLinks(beam.PTransform):
    """Gather the submissions of each canonical URL into one link, or reject the URL; one submission counts once.

    All that was read of a URL is in memory at once, some 200 bytes a submission: even a URL that was posted a million
    times fits.
    """

    config: SelectConfig

    def __post_init__(self) -> None:
        super().__init__("SelectLinks")

    def _select(self, url: str, encoded: Iterable[bytes]) -> Iterator[Any]:
        for found in select(url, encoded, self.config):
            yield TaggedOutput("rejected", found) if isinstance(found, Rejection) else found

    def expand(self, posted: PCollection) -> "Selected":
        selected = (
            posted
            | beam.GroupByKey()
            | beam.FlatMapTuple(self._select)
            .with_output_types(Link, rejected=Rejection)
            .with_outputs("rejected", main="kept")
        )
        return Selected(selected.kept, selected.rejected)
