"""Near-duplicates on any Beam runner: blocks of numbers are shuffled, all else is read where it lies.

A pair of Python objects costs a local runner some 285 bytes; a key and a place in a packed block cost 16. So each step
sends few, large elements: a number that says who reads it, and bytes. What a step computes is in `dedup.near.search`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PBegin, PCollection, TaggedOutput
from apache_beam.utils.shared import Shared

from dedup.kernels.numba_or_numpy import compile_from_now_on
from dedup.near.alarms import Tally, add_up, summarize
from dedup.near.choose import MEMBERS, STAGE, VERDICTS, cluster_rows, rejection_rows
from dedup.near.clusters import connected_components
from dedup.near.packed import (
    Grouped,
    Packed,
    divide,
    pack,
    pack_keys,
    pack_table,
    unpack,
    unpack_keys,
    unpack_tables,
)
from dedup.near.parts import ROW_BITS, PartReader
from dedup.near.search import Plan, Search, at_once
from webtext import storage
from webtext.tables import write_table

WORTH_COMPILING = 30_000  # documents from which compiled kernels save more than they take to load
SUMMARY = "summary.json"


@dataclass
class FindDuplicates(beam.PTransform):
    """Find the clusters of the documents in a plan's catalog and write what becomes of their members.

    Writes `clusters-*.parquet` and `rejections-*.parquet` for each part that is not of an earlier corpus, and
    `summary.json`, into `output`; gives the names of the files.
    """

    plan: Plan
    output: str

    def __post_init__(self) -> None:
        super().__init__("FindDuplicates")

    def expand(self, root: PBegin) -> PCollection:
        task = self.plan, Shared()
        runs = root | "Runs" >> beam.Create(range(self.plan.runs)) | "Spread" >> beam.Reshuffle()
        edges = (
            runs
            | beam.ParDo(ReadKeys(*task))
            | "ByRange" >> beam.GroupByKey()
            | beam.ParDo(ProposePairs(*task))
            | "ByRun" >> beam.GroupByKey()
            | beam.ParDo(VerifyPairs(*task))
        )
        judged = (
            edges
            | "Together" >> beam.GroupByKey()
            | beam.ParDo(ConnectPairs(*task))
            | "MembersByRun" >> beam.GroupByKey()
            | beam.ParDo(DescribeMembers(*task))
            | "ByCluster" >> beam.GroupByKey()
            | beam.ParDo(JudgeClusters(*task))
            .with_output_types(Packed, tallies=Tally)
            .with_outputs("tallies", main="verdicts")
        )
        every_run = runs | beam.Map(lambda run: (run, b"")).with_output_types(Packed)
        parts = (
            (judged.verdicts, every_run)
            | beam.Flatten()
            | "VerdictsByRun" >> beam.GroupByKey()
            | beam.ParDo(WriteVerdicts(*task, self.output))
        )
        summary = (
            (judged.tallies, root | "NoTally" >> beam.Create([Tally()]))
            | "Tallies" >> beam.Flatten()
            | beam.WithKeys(0)
            | "OneSummary" >> beam.GroupByKey()
            | beam.Values()
            | beam.Map(write_summary, self.plan, self.output)
        )
        return (parts, summary) | "Files" >> beam.Flatten()


class Step(beam.DoFn):
    """A step of a plan. All steps that a process runs share one reader of the plan's parts."""

    def __init__(self, plan: Plan, reader: Shared) -> None:
        self.plan, self._reader = plan, reader

    def setup(self) -> None:
        self.search = _search(self.plan, self._reader.acquire(partial(_reader, self.plan)))

    def process(self, element: Any) -> Iterator[Any]:
        yield from self.sent(element)
        _tell(self.search)

    def sent(self, element: Any) -> Iterator[Any]:
        """Give what is to be sent for an element."""
        raise NotImplementedError


class ReadKeys(Step):
    """A run → the keys of its documents, divided by range."""

    def sent(self, element: int) -> Iterator[Packed]:
        made = self.search.keys(element)
        for owner, own in divide(self.plan.ranges_of(made.keys)):
            yield owner, pack_keys(made.parts, made.keys[own], made.numbers[own])


class ProposePairs(Step):
    """All keys of a range → the pairs and large buckets to verify, divided by run."""

    def sent(self, element: Grouped) -> Iterator[Packed]:
        proposed = self.search.propose(*unpack_keys(element[1]), element[0])
        for owner, own in divide(proposed.runs):
            yield owner, pack(proposed.rows[own])


class VerifyPairs(Step):
    """Pairs and large buckets of a run → the pairs that are duplicates, as few as connect them."""

    def sent(self, element: Grouped) -> Iterator[Packed]:
        edges = self.search.verify([unpack(element[1])])
        if len(edges):
            yield 0, pack(edges)


class ConnectPairs(Step):
    """All verified edges, contracted → each member with the root of its cluster, divided by run.

    The one step that is a single task: 16 bytes an edge, and at most one edge for each member and each run.
    """

    def sent(self, element: Grouped) -> Iterator[Packed]:
        nodes, roots = connected_components(unpack(element[1]))
        for owner, own in divide(self.plan.runs_of(nodes)):
            yield owner, pack(np.stack([nodes[own], roots[own]], axis=1))


class DescribeMembers(Step):
    """The members of a run → what the choice needs to know of them, divided by cluster."""

    def sent(self, element: Grouped) -> Iterator[Packed]:
        members = self.search.describe(*unpack(element[1]).T)
        for owner, own in divide(self.plan.runs_by_hash(members.column("root").to_numpy())):
            yield owner, pack_table(members.take(pa.array(own)))


class JudgeClusters(Step):
    """Whole clusters → which member stays and why the others do not, divided by run; and a tally."""

    def sent(self, element: Grouped) -> Iterator[Any]:
        verdicts, told = self.search.judge(unpack_tables(element[1], MEMBERS))
        yield TaggedOutput("tallies", told)
        for owner, own in divide(self.plan.runs_of(verdicts.column("place").to_numpy())):
            yield owner, pack_table(verdicts.take(pa.array(own)))


class WriteVerdicts(Step):
    """The verdicts of a run → two files for each of its parts that is not of an earlier corpus."""

    def __init__(self, plan: Plan, reader: Shared, output: str) -> None:
        super().__init__(plan, reader)
        self.output = output

    def sent(self, element: Grouped) -> Iterator[str]:
        verdicts = unpack_tables(filter(None, element[1]), VERDICTS)
        yield from write_verdicts(self.plan, self.plan.parts_of(element[0]), verdicts, self.output)


def find_at_once(plan: Plan, output: str) -> list[str]:
    """Do in one task what `FindDuplicates` does: the same bytes, in less time and memory than a shuffle takes."""
    search = _search(plan, _reader(plan))
    verdicts, told = at_once(search)
    names = [*write_verdicts(plan, range(plan.catalog.parts), verdicts, output), write_summary([told], plan, output)]
    _tell(search)
    return names


def _reader(plan: Plan) -> PartReader:
    return PartReader(plan.catalog, storage.open_file)


def _search(plan: Plan, reader: PartReader) -> Search:
    if plan.documents >= WORTH_COMPILING:
        compile_from_now_on()
    return Search(plan, reader)


def _tell(search: Search) -> None:
    """Count for Beam what a search has done since it was asked last."""
    for name, number in search.counts.items():
        Metrics.counter(STAGE, name).inc(number)
    search.counts.clear()


def write_verdicts(plan: Plan, parts: Iterable[int], verdicts: pa.Table, output: str) -> Iterator[str]:
    """Write the verdicts on the documents of some parts; yields the names of the files."""
    verdicts = verdicts.sort_by("place")
    owners = verdicts.column("place").to_numpy() >> ROW_BITS  # ascending
    for part in parts:
        source, suffix = plan.catalog.locate(part)
        if source.earlier:
            continue
        first, last = np.searchsorted(owners, (part, part + 1)).tolist()
        own = verdicts.slice(first, last - first)
        for reason, number in Counter(own.column("reason").to_pylist()).items():
            if reason:  # "" stays
                Metrics.counter(STAGE, reason).inc(number)
        for kind, table in (("clusters", cluster_rows(own)), ("rejections", rejection_rows(own))):
            name = f"{kind}-{suffix}.parquet"
            with storage.create_file(storage.join(output, name)) as stream:
                write_table(stream, table)
            yield name


def write_summary(tallies: Iterable[Tally], plan: Plan, output: str) -> str:
    """Write what all tallies together say; gives the name of the file."""
    summary = summarize(add_up(tallies), plan.documents - plan.earlier, plan.earlier)
    with storage.create_file(storage.join(output, SUMMARY)) as stream:
        stream.write((json.dumps(summary, indent=1, ensure_ascii=False) + "\n").encode())
    return SUMMARY
