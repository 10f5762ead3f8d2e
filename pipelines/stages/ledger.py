"""The sums: counted from the files that stages wrote, never from counters that a retried bundle adds to twice."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

from pipelines.stages.output import FUNNEL, Output
from pipelines.stages.stage import find_manifest
from webtext import storage
from webtext.errors import UnbalancedError
from webtext.manifest import Manifest
from webtext.tables import read_columns

Counted = TypeVar("Counted")


def once_a_file(count: Callable[[str], Counted]) -> Callable[[str], Counted]:
    """Have a local file counted once, for as long as it is the same one: who watches a stage counts again and again."""
    kept = lru_cache(maxsize=1 << 14)(lambda path, _: count(path))

    def counted(path: str) -> Counted:
        try:
            found = Path(path).stat()
        except OSError:  # It lies elsewhere, or is gone, which its reader tells.
            return count(path)
        return kept(path, (found.st_ino, found.st_size, found.st_mtime_ns))

    return counted


def count_rows(directory: str, pattern: str) -> int:
    """Sum the rows of the Parquet files below a directory; only their footers are read."""
    return sum(_rows(storage.join(directory, name)) for name in storage.list_tree(directory, pattern))


@once_a_file
def _rows(path: str) -> int:
    with storage.open_file(path) as stream:
        return int(pq.ParquetFile(stream).metadata.num_rows)


def count_rejections(directory: str) -> dict[str, int]:
    """Count a stage's rejections by reason, most frequent first."""
    reasons: Counter[str] = Counter()
    for name in storage.list_files(directory, "rejections-*.parquet"):
        reasons.update(_reasons(storage.join(directory, name)))
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


@once_a_file
def _reasons(path: str) -> dict[str, int]:
    with storage.open_file(path) as stream:
        column = read_columns(stream, ["reason"]).column("reason")
    return {entry["values"].as_py(): entry["counts"].as_py() for entry in column.value_counts()}


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
