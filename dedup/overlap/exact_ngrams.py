"""The benchmarks' n-grams as an exact set, past which the corpus streams.

It says which documents hold which item, checks every hit of the Bloom filter, and is what removal goes by. A hit is by
64-bit hash; the first of each n-gram is confirmed word by word, so a figure never rests on a hash alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dedup.kernels import ngram_kernels
from dedup.kernels.hashes import Hashes, Indices, ngram_hashes
from dedup.overlap.benchmarks import Benchmark
from dedup.overlap.ngrams import Grams, item_offsets, text_word_hashes, text_words

_KEYS_A_BLOCK = 48  # The filter before the set has 2.7 bytes a key, a rate below 1e-4, and stays in the cache.
NOBODY = -1  # the owner of an n-gram that runs across the items of a stream


@dataclass(frozen=True)
class Occurrences:
    """N-grams of one kind as they occur in a set, repeats included."""

    hashes: Hashes  # shape (occurrences,)
    owners: Indices  # the item that each lies in, numbered over all sets; NOBODY for none
    words: Callable[[int], Sequence[str]]  # the words of an occurrence


class ItemGrams:
    """The n-grams of a set's items: those of item i are `hashes[starts[i]:stops[i]]`, none where it is too short."""

    def __init__(self, benchmark: Benchmark, grams: Grams) -> None:
        """Normalise and hash all items of a set."""
        self.benchmark, self.grams = benchmark, grams
        hashed = [text_word_hashes(item, grams.normalizer) for item in benchmark.items]
        self.n_words = np.array([len(item) for item in hashed], np.int64)
        before = np.concatenate([[0], np.cumsum(self.n_words)])
        self._word_hashes = np.concatenate(hashed)
        enough = np.maximum(self.n_words - grams.n + 1, 0)
        if benchmark.stream:
            self.hashes = ngram_hashes(self._word_hashes, grams.n)
            self.starts = np.minimum(before[:-1], len(self.hashes))  # the last items may be too short for one
        else:
            self.hashes = np.concatenate([ngram_hashes(item, grams.n) for item in hashed])
            self.starts = np.cumsum(enough) - enough
        self.stops = self.starts + enough
        self._before = before

    @property
    def short(self) -> NDArray[np.bool_]:
        """Items of one word or more, but too few for an n-gram: found when all their words are, in a row."""
        return (self.n_words > 0) & (self.n_words < self.grams.n)

    def short_hash(self, item: int) -> np.uint64:
        """Hash all words of a short item as the one n-gram that they are."""
        begin, end = self._before[item], self._before[item + 1]
        return np.uint64(ngram_hashes(self._word_hashes[begin:end], int(end - begin))[0])

    def occurrences(self, first_item: int = 0) -> Occurrences:
        """Lay out the n-grams with their items, which are numbered from `first_item`."""
        owners = np.full(len(self.hashes), NOBODY, np.int64)
        lengths = self.stops - self.starts
        within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        owners[np.repeat(self.starts, lengths) + within] = np.repeat(np.arange(len(lengths)) + first_item, lengths)
        return Occurrences(self.hashes, owners, self._words_at)

    def short_occurrences(self) -> dict[Grams, Occurrences]:
        """Lay out the short items, each as one n-gram of its own length."""
        found = {}
        for n in sorted(set(self.n_words[self.short].tolist())):
            items = np.flatnonzero(self.n_words == n)
            hashes = np.array([self.short_hash(int(item)) for item in items], np.uint64)
            found[self.grams.shorter(n)] = Occurrences(
                hashes,
                np.full(len(items), NOBODY, np.int64),
                _Words(self.benchmark.items, items, self.grams.normalizer),
            )
        return found

    def _words_at(self, place: int) -> Sequence[str]:
        n, items = self.grams.n, self.benchmark.items
        if self.benchmark.stream:
            item = int(np.searchsorted(self._before, place, side="right")) - 1
            skipped = place - int(self._before[item])
            listed: list[str] = []
            while len(listed) < skipped + n:
                listed += _words_of(items[item], self.grams.normalizer)
                item += 1
            return listed[skipped : skipped + n]
        item = int(np.searchsorted(self.stops, place, side="right"))
        start = place - int(self.starts[item])
        return _words_of(items[item], self.grams.normalizer)[start : start + n]


@dataclass(frozen=True)
class _Words:
    """Gives the words of a numbered item."""

    items: Sequence[str]
    numbers: Indices
    normalizer: str

    def __call__(self, place: int) -> Sequence[str]:
        return _words_of(self.items[int(self.numbers[place])], self.normalizer)


@lru_cache(maxsize=4096)
def _words_of(text: str, normalizer: str) -> list[str]:
    return text_words(text, normalizer)


@dataclass(frozen=True)
class ExactSet:
    """The distinct n-grams of a kind, numbered in the order of their hashes."""

    hashes: Hashes  # shape (grams,), ascending
    starts: Indices  # shape (grams + 1,): whose owners are whose
    owners: Indices  # shape (occurrences,)
    first: Indices  # an occurrence of each, numbered over all parts
    parts: tuple[Occurrences, ...]
    table: Hashes = field(repr=False)  # a filter that turns most look-ups away

    @classmethod
    def of(cls, parts: Iterable[Occurrences]) -> "ExactSet":
        """Gather occurrences of one kind."""
        parts = tuple(parts)
        hashes = np.concatenate([np.empty(0, np.uint64), *(part.hashes for part in parts)])
        owners = np.concatenate([np.empty(0, np.int64), *(part.owners for part in parts)])
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        new = np.ones(len(ordered), np.bool_)
        np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
        begins = np.flatnonzero(new)
        distinct = ordered[begins]
        blocks = max(1, len(distinct) // _KEYS_A_BLOCK)
        table = np.zeros(blocks * ngram_kernels.BLOCK_WORDS, np.uint64)
        ngram_kernels.add(table, distinct)
        return cls(distinct, np.append(begins, len(ordered)), owners[order], order[begins], parts, table)

    def __len__(self) -> int:
        return len(self.hashes)

    def find(self, hashes: Hashes) -> tuple[Indices, Indices]:
        """Find which of some hashes are in the set: their places, ascending, and their numbers here."""
        places = np.flatnonzero(ngram_kernels.contains(self.table, hashes))
        numbers = np.searchsorted(self.hashes, hashes[places])
        numbers[numbers == len(self)] = 0
        there = self.hashes[numbers] == hashes[places] if len(self) else np.zeros(len(places), np.bool_)
        return places[there], numbers[there]

    def numbers(self, hashes: Hashes) -> Indices:
        """Number hashes that are known to be in the set."""
        return np.searchsorted(self.hashes, hashes)

    def words(self, number: int) -> Sequence[str]:
        """List the words of a numbered n-gram."""
        place = int(self.first[number])
        for part in self.parts:
            if place < len(part.hashes):
                return part.words(place)
            place -= len(part.hashes)
        raise IndexError(number)

    def owners_of(self, numbers: Indices) -> tuple[Indices, Indices]:
        """Pair numbered n-grams with the items that they occur in: (numbers, items), once for each occurrence."""
        lengths = self.starts[numbers + 1] - self.starts[numbers]
        within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        items = self.owners[np.repeat(self.starts[numbers], lengths) + within]
        owned = items != NOBODY
        return np.repeat(numbers, lengths)[owned], items[owned]


Index = dict[Grams, ExactSet]


def build_index(tables: Iterable[ItemGrams], others: Iterable[ItemGrams] = ()) -> Index:
    """Gather the n-grams of sets, and of their short items, by kind.

    Args:
        tables: those whose items are to be told; items are numbered over them, in order.
        others: those of which only the n-grams count.
    """
    tables = list(tables)
    firsts = item_offsets([len(table.benchmark.items) for table in tables])
    parts: dict[Grams, list[Occurrences]] = {}
    for table, first in zip(tables, firsts, strict=False):
        parts.setdefault(table.grams, []).append(table.occurrences(first))
    for table in others:
        own = table.occurrences()
        hidden = Occurrences(own.hashes, np.full(len(own.hashes), NOBODY, np.int64), own.words)
        parts.setdefault(table.grams, []).append(hidden)
    for table in (*tables, *others):
        for grams, short in table.short_occurrences().items():
            parts.setdefault(grams, []).append(short)
    return {grams: ExactSet.of(found) for grams, found in sorted(parts.items())}
