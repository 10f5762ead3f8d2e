"""Repeated lines and passages on any Beam runner: text is read where it lies, only hashes and counts are shuffled.

Two passes. The first counts lines, 16 bytes for each line and host of a run; the list of those that are repeated is
small, and every worker of the second pass holds it. The second shuffles, where passages are asked for, 24 bytes for
each word; a range of hashes is looked through in one place, and each run gets back what its own documents share. Then
each part's cuts are written.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import PBegin, PCollection

from dedup.kernels.hashes import Hashes, Indices
from dedup.near.packed import Grouped, Packed, divide, pack, unpack
from dedup.near.parts import PartReader, places_of
from dedup.near.search import Plan
from dedup.repeats.cuts import RepeatCut, Windows, line_cuts, repeat_cuts, without
from dedup.repeats.find import RepeatsConfig, line_hashes, repeated_lines, shared_windows, tally_lines, window_hashes
from webtext import storage
from webtext.code_points import count_words
from webtext.records import MOST_EXCERPT, Rejection
from webtext.tables import read_columns, write_records, write_table

STAGE = "repeats"
MOSTLY_REPEATED = "mostly_repeated"
LINES_FILE = "lines.parquet"
LINES = pa.schema([("hash", pa.uint64()), ("documents", pa.int64()), ("hosts", pa.int64())])
CUTS = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("start", pa.int32()),  # characters of the text in documents/
        ("stop", pa.int32()),
        ("why", pa.string()),  # "line" or "passage"
        ("documents", pa.int32()),  # how many have it
        ("text", pa.string()),
    ]
)
DOCUMENTS_A_RUN = 1 << 11  # 48 MiB of windows, where a document has 1,000 words
_DOCUMENTS_A_RANGE = 1 << 14  # the lines of so many are counted in one place: some 20 MiB
_WORDS_A_RANGE = 1 << 20  # the windows of so many are: 24 MiB, and four times that to sort them
_COLUMNS = ["id", "url", "host", "text"]


class _Row(NamedTuple):
    place: int
    id: str
    url: str
    host: str
    text: str


@dataclass(frozen=True)
class Repeats:
    """What is looked through, and for what."""

    plan: Plan
    words: int  # the words of all documents together
    dropped: Callable[[str], set[str]]  # name of a part → ids of its documents that do not stay
    config: RepeatsConfig

    def rows(self, reader: PartReader, part: int) -> Iterator[_Row]:
        """Read the documents of a part that stay."""
        table = reader.columns(part, _COLUMNS)
        _, suffix = self.plan.catalog.locate(part)
        dropped = self.dropped(f"part-{suffix}.parquet")
        columns = (table.column(name).to_pylist() for name in _COLUMNS)
        for row in zip(places_of(part, len(table)).tolist(), *columns, strict=True):
            found = _Row(*row)
            if found.id not in dropped:
                yield found

    def run_rows(self, run: int) -> Iterator[_Row]:
        """Read the documents of a run that stay, a part in memory at a time."""
        reader = PartReader(self.plan.catalog, storage.open_file)
        for part in self.plan.parts_of(run):
            yield from self.rows(reader, part)


@dataclass
class FindLines(beam.PTransform):
    """Find the lines that enough documents of enough hosts have, and write them as `lines.parquet`, by hash."""

    repeats: Repeats
    output: str

    def __post_init__(self) -> None:
        super().__init__("FindLines")

    def expand(self, root: PBegin) -> PCollection:
        return (
            root
            | "LineRuns" >> beam.Create(range(self.repeats.plan.runs))
            | beam.Reshuffle()
            | "TallyLines" >> beam.FlatMap(self._tally).with_output_types(Packed)
            | "LinesByRange" >> beam.GroupByKey()
            | "SumLines" >> beam.Map(self._sum).with_output_types(Packed)
            | "AllLines" >> beam.GroupByKey()
            | "WriteLines" >> beam.Map(self._write)
        )

    def _tally(self, run: int) -> Iterator[Packed]:
        config = self.repeats.config
        rows = tally_lines((row.host, line_hashes(row.text, config.min_words)) for row in self.repeats.run_rows(run))
        yield 0, b""  # something must be there to sum and to write
        for owner, positions in divide(_owners(rows[:, 0], self.repeats.plan.documents // _DOCUMENTS_A_RANGE + 1)):
            yield owner, pack(rows[positions])

    def _sum(self, grouped: Grouped) -> Packed:
        config = self.repeats.config
        found, documents, hosts = repeated_lines(unpack(grouped[1]), config.min_documents, config.min_hosts)
        return 0, pack(np.stack([found.view(np.int64), documents, hosts], axis=1))

    def _write(self, grouped: Grouped) -> str:
        rows = unpack(grouped[1], 3)
        hashes = rows[:, 0].copy().view(np.uint64)
        order = np.argsort(hashes)
        columns = [pa.array(hashes[order]), pa.array(rows[order, 1]), pa.array(rows[order, 2])]
        with storage.create_file(storage.join(self.output, LINES_FILE)) as stream:
            write_table(stream, pa.Table.from_arrays(columns, schema=LINES))
        return LINES_FILE


@dataclass
class CutRepeats(beam.PTransform):
    """Write what goes from each document as `cuts-*.parquet`, and as `rejections-*` those of which too little is left.

    `lines.parquet` lies in `output` already where lines are asked for. Gives the names of the parts.
    """

    repeats: Repeats
    output: str

    def __post_init__(self) -> None:
        super().__init__("CutRepeats")

    def expand(self, root: PBegin) -> PCollection:
        runs = root | "CutRuns" >> beam.Create(range(self.repeats.plan.runs)) | beam.Reshuffle()
        every_run = runs | beam.Map(lambda run: (run, b"")).with_output_types(Packed)
        windows = every_run
        if self.repeats.config.passage_words:
            found = (
                runs
                | beam.ParDo(_ReadWindows(self.repeats, self.output))
                | "WindowsByRange" >> beam.GroupByKey()
                | "ShareWindows" >> beam.FlatMap(self._share).with_output_types(Packed)
            )
            windows = (found, every_run) | beam.Flatten()
        return windows | "WindowsByRun" >> beam.GroupByKey() | beam.ParDo(_WriteCuts(self.repeats, self.output))

    def _share(self, grouped: Grouped) -> Iterator[Packed]:
        rows = shared_windows(unpack(grouped[1], 3))
        for owner, positions in divide(self.repeats.plan.runs_of(rows[:, 0])):
            yield owner, pack(rows[positions])


class _Step(beam.DoFn):
    """A step that knows which lines go."""

    def __init__(self, repeats: Repeats, output: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.repeats, self.output, self.config = repeats, output, repeats.config

    def setup(self) -> None:
        self.lines: dict[int, int] = {}
        if self.config.min_documents:
            with storage.open_file(storage.join(self.output, LINES_FILE)) as stream:
                table = read_columns(stream, ["hash", "documents"])
            self.lines = dict(zip(*(column.to_pylist() for column in table.columns), strict=True))


class _ReadWindows(_Step):
    """A run → the windows of what its lines leave, divided by range."""

    def process(self, run: int) -> Iterator[Packed]:
        found = [np.empty((0, 3), np.int64)]
        for row in self.repeats.run_rows(run):
            left = without(row.text, ((cut.start, cut.stop) for cut in line_cuts(row.text, self.lines, self.config)))
            first, second = window_hashes(left, self.config.passage_words)
            found.append(
                np.stack([first.view(np.int64), second.view(np.int64), np.full(len(first), row.place)], axis=1)
            )
        rows = np.concatenate(found)
        for owner, positions in divide(_owners(rows[:, 0], self.repeats.words // _WORDS_A_RANGE + 1)):
            yield owner, pack(rows[positions])


class _WriteCuts(_Step):
    """The shared windows of a run → two files for each of its parts."""

    def process(self, grouped: Grouped) -> Iterator[str]:
        rows = unpack(grouped[1], 3)
        rows = rows[np.lexsort((rows[:, 1].view(np.uint64), rows[:, 0]))]
        reader = PartReader(self.repeats.plan.catalog, storage.open_file)
        for part in self.repeats.plan.parts_of(grouped[0]):
            cuts: list[tuple[_Row, RepeatCut]] = []
            rejections: list[Rejection] = []
            for row in self.repeats.rows(reader, part):
                own = rows[slice(*np.searchsorted(rows[:, 0], [row.place, row.place + 1]))]
                found = repeat_cuts(row.text, self.lines, _windows(own), self.config)
                cuts += ((row, cut) for cut in found)
                rejections += _too_little(row, found, self.config) if found else ()
            yield self._write(part, cuts, rejections)

    def _write(self, part: int, cuts: list[tuple[_Row, RepeatCut]], rejections: list[Rejection]) -> str:
        _, suffix = self.repeats.plan.catalog.locate(part)
        rejected = {rejection.url for rejection in rejections}
        rows = [
            (row.id, row.url, cut.start, cut.stop, cut.why, cut.documents, row.text[cut.start : cut.stop])
            for row, cut in cuts
            if row.url not in rejected
        ]
        columns = [pa.array([row[number] for row in rows], kind.type) for number, kind in enumerate(CUTS)]
        with storage.create_file(storage.join(self.output, f"cuts-{suffix}.parquet")) as stream:
            write_table(stream, pa.Table.from_arrays(columns, schema=CUTS))
        with storage.create_file(storage.join(self.output, f"rejections-{suffix}.parquet")) as stream:
            write_records(stream, sorted(rejections, key=lambda rejection: rejection.url), Rejection)
        return suffix


def _windows(rows: Indices) -> Windows:
    """Lay out the windows of one document, given as (place, hash, documents) by hash."""
    hashes: Hashes = rows[:, 1].copy().view(np.uint64)
    return Windows(hashes, rows[:, 2])


def _too_little(row: _Row, found: list[RepeatCut], config: RepeatsConfig) -> Iterator[Rejection]:
    left = count_words(without(row.text, ((cut.start, cut.stop) for cut in found)))
    if left < config.words_left:
        kinds = " and ".join(f"{why}s" for why in sorted({cut.why for cut in found}))
        before = count_words(row.text)
        detail = f"{left:,} of {before:,} words left without repeated {kinds}, at least {config.words_left:,}"
        yield Rejection(row.url, STAGE, MOSTLY_REPEATED, detail, excerpt=row.text[:MOST_EXCERPT])


def _owners(hashes: Indices, ranges: int) -> Indices:
    """Divide hashes into so many ranges."""
    return ((hashes.view(np.uint64) >> np.uint64(32)).astype(np.int64) * ranges) >> 32
