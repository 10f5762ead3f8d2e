"""All that one pass over a corpus looks for, laid out from the benchmarks: the same in each process that scans."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, BinaryIO

from dedup.overlap.benchmarks import Benchmark
from dedup.overlap.clean_subsets import item_grams
from dedup.overlap.exact_ngrams import ItemGrams, build_index
from dedup.overlap.ngrams import Grams
from dedup.overlap.scan import Scan


@dataclass(frozen=True)
class OverlapConfig:
    """What is measured."""

    grams: Grams
    removal: Grams | None = None  # n-grams that removal will go by, where it is another kind


class Lookup:
    """The n-grams of some benchmarks, of every kind that a report needs."""

    def __init__(self, benchmarks: Sequence[Benchmark], config: OverlapConfig) -> None:
        """Normalise and hash all items."""
        self.config = config
        self.tables = [ItemGrams(benchmark, config.grams) for benchmark in benchmarks]
        self.clean = [item_grams(benchmark) for benchmark in benchmarks]
        removal = [ItemGrams(benchmark, config.removal) for benchmark in benchmarks] if config.removal else []
        self.index = build_index(self.tables, [*self.clean, *removal])

    def scan(self) -> Scan:
        """Start a scan."""
        return Scan(self.index, self.config.grams, sum(len(table.benchmark.items) for table in self.tables))


def write_benchmarks(stream: BinaryIO, benchmarks: Sequence[Benchmark]) -> None:
    """Write benchmarks for the processes that scan."""
    stream.write(json.dumps([asdict(benchmark) for benchmark in benchmarks]).encode())


def read_benchmarks(stream: BinaryIO) -> list[Benchmark]:
    """Read them back."""
    rows: list[dict[str, Any]] = json.loads(stream.read())
    return [Benchmark(row["name"], tuple(row["items"]), row["stream"]) for row in rows]


def digest(benchmark: Benchmark | None) -> str | None:
    """Identify the content of a set, wherever it came from."""
    if benchmark is None:
        return None
    return sha256(json.dumps(asdict(benchmark), sort_keys=True).encode()).hexdigest()
