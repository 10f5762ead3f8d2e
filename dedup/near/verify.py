"""The decision: the true Jaccard similarity of two shingle sets, read by reference, a bounded number at a time.

Signatures only propose. Peers that remove what bands propose fuse unrelated texts; here every edge of a cluster has a
similarity that was computed from the sets themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dedup.kernels.hashes import Floats, Hashes, Indices, Sets, distinct, jaccard_similarities
from dedup.near.shingles import MOST_SHINGLES

LEFT_HASHES = 1 << 23  # the size of the shelf of left documents: 64 MiB
RIGHT_HASHES = 1 << 21  # the size of the shelf of right documents: 16 MiB


class ShingleStore(Protocol):
    """Where the shingles of documents lie; a document is named by its place, a 64-bit number."""

    def sizes(self, places: Indices) -> Indices:
        """Tell how many shingles each document has."""

    def shingles(self, places: Indices) -> Hashes:
        """Read the shingles of documents, given by ascending places without repeats, one after another."""


def jaccard(first: Hashes, second: Hashes) -> float:
    """Compute the Jaccard similarity of two ascending sets of hashes; 0 if both are empty.

    >>> jaccard(np.array([1, 2, 3], np.uint64), np.array([2, 3, 4], np.uint64))
    0.5
    """
    one, other = (Sets(shingles, np.zeros(1, np.int64), np.array([len(shingles)])) for shingles in (first, second))
    return float(jaccard_similarities(one, other, np.zeros((1, 2), np.int64), MOST_SHINGLES)[0])


@dataclass(frozen=True)
class Shelf:
    """The shingles of some documents, in memory."""

    places: Indices  # ascending
    sets: Sets

    @classmethod
    def read(cls, places: Indices, store: ShingleStore) -> "Shelf":
        """Read the shingles of documents, given by ascending places."""
        lengths = store.sizes(places)
        return cls(places, Sets(store.shingles(places), np.cumsum(lengths) - lengths, lengths))

    def similarities(self, other: "Shelf", pairs: Indices, at_least: float = 0.0) -> Floats:
        """Compute the similarity of pairs of places, the left ones here, the right ones on the other shelf."""
        numbers = np.stack(
            [np.searchsorted(self.places, pairs[:, 0]), np.searchsorted(other.places, pairs[:, 1])], axis=1
        )
        return jaccard_similarities(self.sets, other.sets, numbers, MOST_SHINGLES, at_least)


def similarities(pairs: Indices, store: ShingleStore, at_least: float = 0.0) -> Floats:
    """Compute the Jaccard similarity of each pair of documents.

    What fits on one shelf is read once. Of more, the left documents are read a shelf at a time, and past each shelf go
    the right ones in their order, so each is read once a shelf; choose sides accordingly.

    Args:
        pairs: places, shape (pairs, 2).
        store: where the shingles lie.
        at_least: a similarity below this is given as 0; pairs too different in size are not read for it.

    Returns:
        Shape (pairs,).
    """
    found = np.zeros(len(pairs))
    sizes = store.sizes(pairs.ravel()).reshape(-1, 2)
    smaller, larger = sizes.min(axis=1), sizes.max(axis=1)
    promising = np.flatnonzero((smaller > 0) & (smaller >= at_least * larger))
    wanted = distinct(pairs[promising].ravel())
    if len(wanted) and store.sizes(wanted).sum() <= LEFT_HASHES:
        shelf = Shelf.read(wanted, store)
        found[promising] = shelf.similarities(shelf, pairs[promising], at_least)
        return found
    for shelf, of_shelf in _shelves(pairs[:, 0], promising, LEFT_HASHES, store):
        for passing, batch in _shelves(pairs[:, 1], of_shelf, RIGHT_HASHES, store):
            found[batch] = shelf.similarities(passing, pairs[batch], at_least)
    return found


def _shelves(places: Indices, rows: Indices, most: int, store: ShingleStore) -> Iterator[tuple[Shelf, Indices]]:
    """Read the places of some rows in order, about `most` hashes at a time, each time with the rows that want them."""
    wanted = distinct(places[rows])
    filled = np.cumsum(store.sizes(wanted)) // most
    for group in np.split(wanted, np.flatnonzero(np.diff(filled)) + 1):
        if len(group):
            own = rows[(places[rows] >= group[0]) & (places[rows] <= group[-1])]
            yield Shelf.read(group, store), own
