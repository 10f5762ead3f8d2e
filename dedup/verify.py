"""The decision: the true Jaccard similarity of two shingle sets, read by reference, a bounded number at a time.

Signatures only propose. Peers that remove what bands propose fuse unrelated texts; here every edge of a cluster has a
similarity that was computed from the sets themselves.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from dedup.kernels import Floats, Hashes, Indices, jaccard_similarities
from dedup.shingles import MOST_SHINGLES

HASHES_AT_ONCE = 1 << 22  # read for one batch of pairs: 32 MiB


class ShingleStore(Protocol):
    """Where the shingles of documents lie; a document is named by its place, a 64-bit number."""

    def sizes(self, places: Indices) -> Indices:
        """Tell how many shingles each document has."""

    def shingles(self, places: Indices) -> Hashes:
        """Read the shingles of documents, one after another in the order given."""


def jaccard(first: Hashes, second: Hashes) -> float:
    """Compute the Jaccard similarity of two ascending sets of hashes; 0 if both are empty.

    >>> jaccard(np.array([1, 2, 3], np.uint64), np.array([2, 3, 4], np.uint64))
    0.5
    """
    lengths = np.array([len(first), len(second)], np.int64)
    starts = np.array([0, len(first)], np.int64)
    pair = np.array([[0, 1]], np.int64)
    return float(jaccard_similarities(np.concatenate([first, second]), starts, lengths, pair, MOST_SHINGLES)[0])


def similarities(pairs: Indices, store: ShingleStore, at_least: float = 0.0) -> Floats:
    """Compute the Jaccard similarity of each pair of documents.

    Args:
        pairs: places, shape (pairs, 2); sorted pairs are read fastest.
        store: where the shingles lie.
        at_least: pairs that cannot be this similar, by their sizes alone, may be given as 0 without being read.

    Returns:
        Shape (pairs,).
    """
    found = np.zeros(len(pairs))
    sizes = store.sizes(pairs.ravel()).reshape(-1, 2)
    smaller, larger = sizes.min(axis=1), sizes.max(axis=1)
    promising = np.flatnonzero((smaller > 0) & (smaller >= at_least * larger))
    for batch in _batches(promising, sizes[promising].sum(axis=1)):
        places, numbers = np.unique(pairs[batch], return_inverse=True)
        lengths = store.sizes(places)
        starts = np.cumsum(lengths) - lengths
        numbered = numbers.reshape(-1, 2).astype(np.int64)
        found[batch] = jaccard_similarities(store.shingles(places), starts, lengths, numbered, MOST_SHINGLES)
    return found


def _batches(items: Indices, weights: Indices) -> Iterator[Indices]:
    """Cut items into runs of about `HASHES_AT_ONCE` together; never fewer than one item a run."""
    cuts = np.flatnonzero(np.diff(np.cumsum(weights) // HASHES_AT_ONCE)) + 1
    return (batch for batch in np.split(items, cuts) if len(batch))
