"""The sums: counted from the files that stages wrote, never from counters that a retried bundle adds to twice."""

from collections import Counter
from dataclasses import dataclass

import pyarrow.parquet as pq

from pipelines.stages.output import FUNNEL, Output
from pipelines.stages.stage import find_manifest
from webtext import storage
from webtext.errors import UnbalancedError
from webtext.manifest import Manifest
from webtext.tables import read_columns


def count_rows(directory: str, pattern: str) -> int:
    """Sum the rows of the Parquet files below a directory; only their footers are read."""
    total = 0
    for name in storage.list_tree(directory, pattern):
        with storage.open_file(storage.join(directory, name)) as stream:
            total += pq.ParquetFile(stream).metadata.num_rows
    return total


def count_rejections(directory: str) -> dict[str, int]:
    """Count a stage's rejections by reason, most frequent first."""
    reasons: Counter[str] = Counter()
    for name in storage.list_files(directory, "rejections-*.parquet"):
        with storage.open_file(storage.join(directory, name)) as stream:
            column = read_columns(stream, ["reason"]).column("reason")
        for entry in column.value_counts():
            reasons[entry["values"].as_py()] += entry["counts"].as_py()
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True)
class Funnel:
    """What went in at the top of an output, what came out, and what each finished stage took away."""

    stages: tuple[tuple[str, Manifest], ...]

    @classmethod
    def of(cls, output: str) -> "Funnel":
        """Read the manifests of the finished stages of an output, in order."""
        found = ((kind.name, find_manifest(Output(output).directory(kind.name))) for kind in FUNNEL)
        return cls(tuple((name, manifest) for name, manifest in found if manifest is not None))

    @classmethod
    def of_one(cls, name: str, directory: str) -> "Funnel":
        """Read the manifest of one stage, if it is finished."""
        found = find_manifest(directory)
        return cls(() if found is None else ((name, found),))

    def check(self) -> None:
        """Raise `UnbalancedError` unless each stage was given exactly what the one before it kept."""
        for (name, manifest), (following, next_manifest) in zip(self.stages, self.stages[1:], strict=False):
            if manifest.counts.kept != next_manifest.counts.given:
                raise UnbalancedError(
                    f"{name} kept {manifest.counts.kept:,}, but {following} was given {next_manifest.counts.given:,}"
                )

    def lines(self) -> list[str]:
        """Draw the funnel as text: a stage with what it was given and kept, then its reasons."""
        drawn = []
        for name, manifest in self.stages:
            counts = manifest.counts
            share = f"{counts.kept / counts.given:7.1%}" if counts.given else ""
            drawn.append(f"{name:<12}{counts.given:>12,} {counts.unit:<12} kept {counts.kept:>12,} {share}")
            reasons = sorted(counts.rejected.items(), key=lambda item: (-item[1], item[0]))
            drawn += [f"{'':<14}- {reason:<28}{number:>12,}" for reason, number in reasons]
        return drawn
