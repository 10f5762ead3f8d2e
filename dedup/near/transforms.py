"""Near-duplicates on any Beam runner: blocks of numbers are shuffled, all else is read where it lies.

A pair of Python objects costs a local runner some 285 bytes; a key and a place in a packed block cost 16. So each step
(`dedup.near.search_transforms`) sends few, large elements: a number that says who reads it, and bytes. Where all
documents lie on a local disk and one process is enough for them, not even those are shuffled: the steps are one task.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection, TaggedOutput

from dedup.near.alarms import Tally
from dedup.near.packed import pack, unpack
from dedup.near.search_transforms import (
    ConnectPairs,
    DescribeMembers,
    Grouped,
    JudgeClusters,
    Packed,
    Plan,
    ProposePairs,
    ReadKeys,
    Step,
    VerifyPairs,
    WriteVerdicts,
    write_summary,
)

Blocks = dict[int, list[bytes]]


@dataclass
class FindDuplicates(beam.PTransform):
    """Find the clusters of the documents in a plan's catalog and write what becomes of their members.

    Writes `clusters-*.parquet` and `rejections-*.parquet` for each part that is not of an earlier corpus, and
    `summary.json`, into `output`; gives the names of the files. `at_once` makes it one task, which writes the same
    bytes, in less time and memory than the shuffle takes in one process (docs/dedup.md).
    """

    plan: Plan
    output: str
    at_once: bool = False

    def __post_init__(self) -> None:
        super().__init__("FindDuplicates")

    def expand(self, root: PBegin) -> PCollection:
        plan = self.plan
        if self.at_once:
            return root | beam.Create([0]) | beam.ParDo(SearchAtOnce(plan, self.output))
        runs = root | "Runs" >> beam.Create(range(plan.runs)) | "Spread" >> beam.Reshuffle()
        edges = (
            runs
            | beam.ParDo(ReadKeys(plan))
            | "ByRange" >> beam.GroupByKey()
            | beam.ParDo(ProposePairs(plan))
            | "ByRun" >> beam.GroupByKey()
            | beam.ParDo(VerifyPairs(plan))
        )
        judged = (
            edges
            | "Together" >> beam.GroupByKey()
            | beam.ParDo(ConnectPairs(plan))
            | "MembersByRun" >> beam.GroupByKey()
            | beam.ParDo(DescribeMembers(plan))
            | "ByCluster" >> beam.GroupByKey()
            | beam.ParDo(JudgeClusters(plan))
            .with_output_types(Packed, tallies=Tally)
            .with_outputs("tallies", main="verdicts")
        )
        every_run = runs | beam.Map(lambda run: (run, b"")).with_output_types(Packed)
        parts = (
            (judged.verdicts, every_run)
            | beam.Flatten()
            | "VerdictsByRun" >> beam.GroupByKey()
            | beam.ParDo(WriteVerdicts(plan, self.output))
        )
        summary = (
            (judged.tallies, root | "NoTally" >> beam.Create([Tally()]))
            | "Tallies" >> beam.Flatten()
            | beam.WithKeys(0)
            | "OneSummary" >> beam.GroupByKey()
            | beam.Map(write_summary, plan, self.output)
        )
        return (parts, summary) | "Files" >> beam.Flatten()


class SearchAtOnce(Step):
    """Anything → the names of all files: the steps one after another, each with all that the one before it sent."""

    def __init__(self, plan: Plan, output: str) -> None:
        super().__init__(plan)
        self.output = output

    def process(self, _: Any) -> Iterator[str]:
        plan, tallies = self.plan, [Tally()]
        blocks = _through(ReadKeys(plan), range(plan.runs), tallies)
        blocks = _through(ProposePairs(plan), _taken(blocks), tallies)
        blocks = {0: [self._verified(blocks)]}
        for step in (ConnectPairs, DescribeMembers, JudgeClusters):
            blocks = _through(step(plan), _taken(blocks), tallies)
        write = WriteVerdicts(plan, self.output)
        write.setup()
        for run in range(plan.runs):
            yield from write.process((run, blocks.get(run, [])))
        yield write_summary((0, tallies), plan, self.output)

    def _verified(self, proposed: Blocks) -> bytes:
        """Verify what was proposed to all runs at once: in one run after another, a document is read twice."""
        verify = VerifyPairs(self.plan)
        verify.setup()
        return pack(verify.verify([unpack(blocks) for _, blocks in _taken(proposed)]))


def _through(step: Step, elements: Iterable[Any], tallies: list[Tally]) -> Blocks:
    """Give a step its elements, and group what it sends; what it tells aside goes to `tallies`."""
    step.setup()
    sent: Blocks = defaultdict(list)
    for element in elements:
        for told in step.process(element):
            if isinstance(told, TaggedOutput):
                tallies.append(told.value)
            else:
                owner, block = told
                sent[owner].append(block)
    return sent


def _taken(blocks: Blocks) -> Iterator[Grouped]:
    """Yield each owner with its blocks, which are forgotten here."""
    for owner in sorted(blocks):
        yield owner, blocks.pop(owner)
