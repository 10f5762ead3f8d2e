"""GPT-3's clean and dirty subsets of a benchmark (paper, appendix C), as lists of items for `webtext evaluate`.

An item is dirty if one of its N-grams is in the corpus, where N is the 5th percentile of the set's item lengths in
words, at least 8 and at most 13, and words are GPT-3's. An item shorter than N is dirty if all of it is in the corpus:
the paper does not say what became of those.
"""

from dataclasses import dataclass

import numpy as np

from dedup.kernels.hashes import Indices
from dedup.overlap.benchmarks import Benchmark
from dedup.overlap.exact_ngrams import Index, ItemGrams
from dedup.overlap.ngrams import Grams

LEAST_N, MOST_N, PERCENTILE = 8, 13, 5  # GPT-3 paper, appendix C
NORMALIZER = "gpt3"


@dataclass(frozen=True)
class Subsets:
    """Which items of a set the corpus holds, by position."""

    n: int
    clean: tuple[int, ...]
    dirty: tuple[int, ...]


def clean_n(lengths: Indices) -> int:
    """Choose N from the items' lengths in words; items without words do not count.

    >>> clean_n(np.array([3, 9, 9, 9, 9])), clean_n(np.array([10, 10])), clean_n(np.array([500]))
    (8, 10, 13)
    """
    percentile = np.percentile(lengths[lengths > 0], PERCENTILE, method="lower")
    return int(np.clip(percentile, LEAST_N, MOST_N))


def item_grams(benchmark: Benchmark) -> ItemGrams:
    """The N-grams of a set's items: of each item alone, also where the set is a stream."""
    apart = Benchmark(benchmark.name, benchmark.items)
    lengths = ItemGrams(apart, Grams(1, NORMALIZER)).n_words
    return ItemGrams(apart, Grams(clean_n(lengths), NORMALIZER))


def split_items(table: ItemGrams, index: Index, counts: dict[Grams, Indices]) -> Subsets:
    """Divide a set by what was found in the corpus.

    Args:
        table: the items, as `item_grams` lays them out.
        index: the n-grams that were looked for.
        counts: documents that hold each, as `dedup.overlap.scan.Scan` counts them.
    """
    dirty = items_found(table, index, counts)[1] > 0
    dirty |= short_items_found(table, index, counts)
    return Subsets(table.grams.n, *(tuple(np.flatnonzero(chosen).tolist()) for chosen in (~dirty, dirty)))


def items_found(table: ItemGrams, index: Index, counts: dict[Grams, Indices]) -> tuple[Indices, Indices]:
    """Tell which n-grams of a set the corpus holds, shape (n-grams,) as 0 and 1, and how many of each item."""
    found = (counts[table.grams][index[table.grams].numbers(table.hashes)] > 0).astype(np.int64)
    running = np.concatenate([[0], np.cumsum(found)])
    return found, running[table.stops] - running[table.starts]


def short_items_found(table: ItemGrams, index: Index, counts: dict[Grams, Indices]) -> np.typing.NDArray[np.bool_]:
    """Tell of each item whether it is too short for an n-gram and all its words are in the corpus, in a row."""
    found = np.zeros(len(table.n_words), np.bool_)
    for item in np.flatnonzero(table.short):
        kind = table.grams.shorter(int(table.n_words[item]))
        number = index[kind].numbers(np.array([table.short_hash(int(item))], np.uint64))
        found[item] = counts[kind][number[0]] > 0
    return found
