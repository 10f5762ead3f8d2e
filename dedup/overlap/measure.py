"""GPT-2's Table 6 for any corpus and any benchmark: what share of a set's n-grams the corpus holds.

Set by set and item by item, from the Bloom filter and, beside it, exactly. The share of a set is over its n-grams as
they occur, repeats included (GPT-2 paper, section 4).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dedup.kernels.hashes import Indices, distinct
from dedup.overlap.benchmarks import Benchmark
from dedup.overlap.bloom import NgramFilter
from dedup.overlap.clean_subsets import items_found, short_items_found
from dedup.overlap.exact_ngrams import ItemGrams
from dedup.overlap.ngrams import text_ngram_hashes
from dedup.overlap.scan import Scan, Sighting

_TEXT = 1000  # characters of an item that are quoted


@dataclass(frozen=True, slots=True)
class SetOverlap:
    """A row of the table. Shares are from 0 to 1; None stands where there is nothing to take a share of."""

    name: str
    items: int
    words: int
    ngrams: int  # repeated ones count each time; a stream's run across its items too
    found: int  # the filter says so; Table 6's figure is found / ngrams
    share: float | None
    exact_found: int | None  # the pass over the corpus says so; None where there was only a filter
    exact_share: float | None
    distinct_ngrams: int
    distinct_found: int  # the filter says so
    false_hits: int | None  # distinct n-grams that the filter found and the corpus has not
    missed: int | None  # distinct n-grams of the corpus that the filter has not: 0, or it is broken
    short_items: int  # items of fewer than n words, but at least one: no n-gram
    short_found: int | None  # those whose words are all in the corpus, in a row
    empty_items: int  # items without a word
    items_with_overlap: int  # counted among those with n-grams
    mean_share: float | None  # over the items with n-grams
    median_share: float | None
    own_train_share: float | None  # n-grams that the set's own training split holds; None where it was not given


@dataclass(frozen=True, slots=True)
class ItemOverlap:
    """An item of a set, by its position from 0."""

    name: str
    position: int
    n_words: int
    ngrams: int
    found: int  # the filter's hits without those that the pass over the corpus denied
    share: float | None  # None for an item too short for an n-gram
    short_found: bool | None  # whether all words of a short item are in the corpus, in a row
    text: str  # its first 1,000 characters


@dataclass(frozen=True, slots=True)
class Evidence:
    """A document of the corpus that holds an item, or a part of it."""

    name: str
    position: int
    rank: int  # 1: the document that holds the most of the item
    document: str
    url: str
    ngrams_found: int
    share: float  # how many n-grams of the item are in the document, 0 to 1
    excerpt: str


@dataclass(frozen=True)
class Measured:
    """All figures of one set."""

    row: SetOverlap
    items: tuple[ItemOverlap, ...]


def measure(
    table: ItemGrams, ngram_filter: NgramFilter, scan: Scan | None, own_train: Benchmark | None = None
) -> Measured:
    """Measure a set.

    Args:
        table: its n-grams, of the filter's kind.
        ngram_filter: holds the corpus's n-grams.
        scan: of the same corpus, with this set in its index; None where there is no corpus any more.
        own_train: the set's own training split.
    """
    unique, where = np.unique(table.hashes, return_inverse=True)
    in_filter = ngram_filter.contains(unique)
    in_corpus = None
    exact, short = None, np.zeros(len(table.n_words), np.bool_)
    if scan is not None:
        exact = items_found(table, scan.index, scan.counts)[0]
        short = short_items_found(table, scan.index, scan.counts)
        in_corpus = np.zeros(len(unique), np.bool_)
        in_corpus[where] = exact > 0
    believed = in_filter if in_corpus is None else in_filter & in_corpus
    by_item = _of_items(table, believed[where].astype(np.int64))
    items = tuple(_items(table, by_item, short if scan is not None else None))
    shares = np.array([item.share for item in items if item.share is not None])
    total, found = len(table.hashes), int(in_filter[where].sum())
    row = SetOverlap(
        name=table.benchmark.name,
        items=len(items),
        words=int(table.n_words.sum()),
        ngrams=total,
        found=found,
        share=_share(found, total),
        exact_found=None if exact is None else int(exact.sum()),
        exact_share=None if exact is None else _share(int(exact.sum()), total),
        distinct_ngrams=len(unique),
        distinct_found=int(in_filter.sum()),
        false_hits=None if in_corpus is None else int((in_filter & ~in_corpus).sum()),
        missed=None if in_corpus is None else int((in_corpus & ~in_filter).sum()),
        short_items=int(table.short.sum()),
        short_found=None if scan is None else int(short.sum()),
        empty_items=int((table.n_words == 0).sum()),
        items_with_overlap=int((shares > 0).sum()),
        mean_share=float(shares.mean()) if len(shares) else None,
        median_share=float(np.median(shares)) if len(shares) else None,
        own_train_share=None if own_train is None else own_overlap(table, own_train),
    )
    return Measured(row, items)


def _share(found: int, total: int) -> float | None:
    return found / total if total else None


def _of_items(table: ItemGrams, found: Indices) -> Indices:
    running = np.concatenate([[0], np.cumsum(found)])
    counted: Indices = running[table.stops] - running[table.starts]
    return counted


def _items(table: ItemGrams, found: Indices, short: np.typing.NDArray[np.bool_] | None) -> Iterator[ItemOverlap]:
    ngrams, too_short = table.stops - table.starts, table.short
    for position, text in enumerate(table.benchmark.items):
        total = int(ngrams[position])
        yield ItemOverlap(
            name=table.benchmark.name,
            position=position,
            n_words=int(table.n_words[position]),
            ngrams=total,
            found=int(found[position]),
            share=_share(int(found[position]), total),
            short_found=bool(short[position]) if short is not None and too_short[position] else None,
            text=text[:_TEXT],
        )


def own_overlap(table: ItemGrams, own_train: Benchmark) -> float | None:
    """The share of a set's n-grams that its own training split holds: the first row of Table 6. Exact."""
    known = distinct(ItemGrams(own_train, table.grams).hashes)
    return _share(int(np.isin(table.hashes, known).sum()), len(table.hashes))


def ngram_overlap(text: str, ngram_filter: NgramFilter) -> float | None:
    """The share of a text's n-grams that a filter holds; None for a text too short for one."""
    hashes = text_ngram_hashes(text, ngram_filter.info.grams)
    return float(ngram_filter.contains(hashes).mean()) if len(hashes) else None


def evidence(tables: Sequence[ItemGrams], sightings: dict[int, list[Sighting]]) -> Iterator[Evidence]:
    """Tell of each item, in order, in which documents it was found, the fullest first."""
    first = 0
    for table in tables:
        for position in range(len(table.benchmark.items)):
            ngrams = int(table.stops[position] - table.starts[position])
            for rank, seen in enumerate(sightings.get(first + position, ()), 1):
                held, name = -seen.missing, table.benchmark.name
                yield Evidence(name, position, rank, seen.document, seen.url, held, held / ngrams, seen.excerpt)
        first += len(table.benchmark.items)
