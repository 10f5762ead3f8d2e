"""From band keys to candidate pairs: documents that share a key, all of them, and giant buckets within limits.

A bucket is the documents of one key. In a small one every pair is a candidate. In a large one that would be quadratic,
and a star around one centre would lose a cluster that the centre is not part of; so a large bucket is explored by
comparing centre after centre with whatever is not yet connected to it. A bucket of one large cluster takes one centre;
what costs is a bucket of many texts that are alike in one band and nowhere else, and only that is cut short.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dedup.kernels.hashes import Hashes, Indices
from dedup.kernels.link_kernels import repeated
from dedup.near.clusters import distinct_pairs

SMALL_BUCKET = 32  # documents; up to 496 pairs
GIANT_BUCKET = 1 << 12  # documents; a larger one stays where it was found
MOST_COMPARISONS = 1 << 20  # A bucket of up to 1,448 documents has no more pairs than that.
FEWEST_CENTRES = 64  # In a larger bucket so many centres are tried nonetheless.

Similar = Callable[[Indices], np.typing.NDArray[np.bool_]]  # pairs, shape (n, 2) -> whether each is similar


@dataclass(frozen=True)
class Buckets:
    """Buckets in the order of their keys. A bucket is the documents that have one key: two or more, ascending."""

    places: Indices  # bucket after bucket
    starts: Indices  # the place in `places` where each bucket begins
    sizes: Indices

    def stars(self) -> Indices:
        """Pair the first document of each bucket with each other one of it, shape (documents - buckets, 2)."""
        first = np.repeat(self.places[self.starts], self.sizes)
        others = np.ones(len(self.places), np.bool_)
        others[self.starts] = False
        return np.stack([first[others], self.places[others]], axis=1)

    def small_pairs(self, largest: int = SMALL_BUCKET) -> Indices:
        """Pair all documents of each bucket of at most `largest`, shape (pairs, 2)."""
        left_in_bucket = np.repeat(self.starts + self.sizes, self.sizes) - np.arange(len(self.places))
        left_in_bucket[np.repeat(self.sizes > largest, self.sizes)] = 0
        found, first = [np.empty((0, 2), np.int64)], np.arange(len(self.places))
        for apart in range(1, largest):
            first = first[left_in_bucket[first] > apart]
            found.append(np.stack([self.places[first], self.places[first + apart]], axis=1))
        return np.concatenate(found)

    def between(self, largest_small: int, largest: int) -> tuple[Indices, Indices]:
        """Give bucket and document of each place in a bucket of more than so many documents, and up to so many."""
        chosen = np.repeat((self.sizes > largest_small) & (self.sizes <= largest), self.sizes)
        return np.repeat(np.arange(len(self.sizes)), self.sizes)[chosen], self.places[chosen]

    def large(self, largest: int = SMALL_BUCKET) -> Iterator[Indices]:
        """Yield the documents of each bucket of more than `largest`."""
        for bucket in np.flatnonzero(self.sizes > largest):
            yield self.places[self.starts[bucket] : self.starts[bucket] + self.sizes[bucket]]


def buckets(keys: Hashes, places: Indices) -> Buckets:
    """Group documents by key.

    Args:
        keys: shape (n,), any order.
        places: the document of each key, shape (n,).
    """
    sifted = repeated(keys)
    keys, places = keys[sifted], places[sifted]
    order = np.argsort(keys)
    ordered = keys[order]
    shared = np.zeros(len(keys), np.bool_)
    shared[1:] = ordered[1:] == ordered[:-1]
    shared[:-1] |= shared[1:]
    ordered, places = ordered[shared], places[order[shared]]
    numbers = np.cumsum(np.append(False, ordered[1:] != ordered[:-1])[: len(ordered)])
    rows = distinct_pairs(np.stack([numbers, places], axis=1))
    numbers, places = rows[:, 0], rows[:, 1]
    starts = np.flatnonzero(np.append(np.ones(min(1, len(rows)), np.bool_), numbers[1:] != numbers[:-1]))
    sizes = np.diff(np.append(starts, len(rows)))
    crowded = sizes > 1
    within = np.repeat(crowded, sizes)
    return Buckets(places[within], np.cumsum(sizes[crowded]) - sizes[crowded], sizes[crowded])


def similar_pairs(
    bucket: Indices, similar: Similar, linked: Indices, most_comparisons: int = MOST_COMPARISONS
) -> Indices:
    """Find similar pairs that connect a bucket as all of its similar pairs would, comparing as few as may be.

    A centre is compared with every document not yet connected to it. The first centres are those that nothing was
    found similar to, so each cluster gets one early; then come the others. With `most_comparisons` spent, and at
    least `FEWEST_CENTRES` centres tried, the rest is left to the documents' other bands.

    Args:
        bucket: documents, ascending.
        similar: tells which of some pairs are similar.
        linked: a number for each document; those of equal numbers are known to be connected already.
        most_comparisons: when to stop.

    Returns:
        Similar pairs, shape (pairs, 2).
    """
    _, first, numbers = np.unique(linked, return_index=True, return_inverse=True)
    cluster = first[numbers]  # smallest position of each document's component so far
    tried = np.zeros(len(bucket), np.bool_)
    found, compared = [np.empty((0, 2), np.int64)], 0
    for first_round in (True, False):
        for centre in range(len(bucket)):
            if tried[centre] or (first_round and cluster[centre] != centre):
                continue
            if compared >= most_comparisons and tried.sum() >= FEWEST_CENTRES:
                return np.concatenate(found)
            tried[centre] = True
            others = np.flatnonzero((cluster != cluster[centre]) & ~tried)
            if not len(others):
                continue
            pairs = np.stack([np.full(len(others), bucket[centre]), bucket[others]], axis=1)
            joined = similar(pairs)
            compared += len(pairs)
            if joined.any():
                merged = np.append(cluster[others[joined]], cluster[centre])
                renamed = np.arange(len(bucket))
                renamed[merged] = merged.min()
                cluster = renamed[cluster]
                found.append(np.sort(pairs[joined], axis=1))
    return np.concatenate(found)
