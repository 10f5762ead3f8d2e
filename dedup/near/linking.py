"""Which documents belong together: what is known of it, and the comparisons that are still needed to know the rest.

No pair is compared that cannot change a cluster: whoever is connected by then is passed over. Documents are numbered
once, in the order of their places; their shingles are read a shelf at a time, and all else is arrays.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from dedup.kernels.hashes import Indices, Sets, distinct, roots
from dedup.kernels.link_kernels import connect
from dedup.kernels.numba_or_numpy import pays
from dedup.near.bands import FEWEST_CENTRES, MOST_COMPARISONS, Similar, similar_pairs
from dedup.near.clusters import numbered
from dedup.near.packed import divide
from dedup.near.shingles import MOST_SHINGLES
from dedup.near.verify import LEFT_HASHES, RIGHT_HASHES, Shelf, ShingleStore, similarities


class Links:
    """Documents by number, and what connects them: a union-find whose roots are the smallest of their trees."""

    def __init__(self, places: Indices, store: ShingleStore, threshold: float) -> None:
        """Take documents, in any order and with repeats; `numbers` tells the number of each, in that order."""
        self.places, self.numbers = numbered(places)
        self.compared = 0  # pairs, so far
        self._store, self._threshold = store, threshold
        self._sizes = store.sizes(self.places)
        self._parents = np.arange(len(self.places))

    def forest(self) -> Indices:
        """Give what is connected as places: a star for each component, (smallest, other), shape (others, 2)."""
        self._flatten()
        others = np.flatnonzero(self._parents != np.arange(len(self._parents)))
        return np.stack([self.places[self._parents[others]], self.places[others]], axis=1)

    def join(self, pairs: Indices) -> None:
        """Connect pairs of numbers that are known to belong together."""
        own = np.stack([self._parents, np.arange(len(self._parents))], axis=1)
        self._parents = roots(np.concatenate([own, pairs]), len(self._parents))

    def connect(self, pairs: Indices) -> None:
        """Connect the similar ones of some pairs of numbers, which are distinct and in order."""
        sizes = self._sizes[pairs]
        pairs = self._apart(pairs[sizes.min(axis=1) >= self._threshold * sizes.max(axis=1)])
        members = distinct(pairs.ravel())
        if self._fits(members):
            sets = self._read(members)
            self._connect(pairs, sets, sets)
            return
        for left, of_left in self._batches(pairs, 0, LEFT_HASHES):
            first = self._read(left)
            for right, batch in self._batches(of_left, 1, RIGHT_HASHES):
                apart = self._apart(batch)
                self._connect(apart, first, self._read(right[np.isin(right, apart[:, 1])]))

    def explore(self, buckets: Iterable[Indices]) -> None:
        """Connect what is similar in large buckets, given as ascending numbers (`dedup.near.bands.similar_pairs`)."""
        large = sorted(buckets, key=lambda bucket: int(bucket[0]))  # those of one cluster side by side
        filled = np.cumsum(np.array([self._sizes[bucket].sum() for bucket in large], np.int64))
        for _, group in divide(filled // LEFT_HASHES):
            members = distinct(np.concatenate([large[number] for number in group]))
            if pays(0) and self._fits(members):
                from dedup.kernels.link_compiled import explore  # noqa: PLC0415 - numba, which is loaded where it pays

                sets = self._read(members)
                limits = MOST_SHINGLES, self._threshold, MOST_COMPARISONS, FEWEST_CENTRES
                self.compared += sum(explore(self._parents, large[number], *sets, *limits) for number in group)
                continue
            similar = self._similar(members)
            for number in group:
                self._flatten()
                linked = self._parents[large[number]]
                self.join(similar_pairs(large[number], similar, linked, MOST_COMPARISONS))

    def _flatten(self) -> None:
        self.join(np.empty((0, 2), np.int64))

    def _apart(self, pairs: Indices) -> Indices:
        """Leave out the pairs that are connected."""
        self._flatten()
        ends = self._parents[pairs]
        apart: Indices = pairs[ends[:, 0] != ends[:, 1]]
        return apart

    def _connect(self, pairs: Indices, first: Sets, second: Sets) -> None:
        self.compared += connect(self._parents, pairs, first, second, MOST_SHINGLES, self._threshold)

    def _fits(self, members: Indices) -> bool:
        """Tell whether the shingles of some documents fit into memory at once."""
        return bool(self._sizes[members].sum() <= 2 * LEFT_HASHES)

    def _read(self, members: Indices) -> Sets:
        """Read the shingles of some documents, ascending; of all others the sets mean nothing."""
        starts = np.zeros(len(self.places), np.int64)
        starts[members] = np.cumsum(self._sizes[members]) - self._sizes[members]
        values = self._store.shingles(self.places[members]) if len(members) else np.empty(0, np.uint64)
        return Sets(values, starts, self._sizes)

    def _batches(self, pairs: Indices, side: int, most: int) -> Iterator[tuple[Indices, Indices]]:
        """Divide pairs by the documents on one side, about `most` hashes at a time: those documents, and the pairs."""
        wanted = distinct(pairs[:, side])
        filled = np.cumsum(self._sizes[wanted]) // most
        for group in np.split(wanted, np.flatnonzero(np.diff(filled)) + 1):
            yield group, pairs[(pairs[:, side] >= group[0]) & (pairs[:, side] <= group[-1])]

    def _similar(self, members: Indices) -> Similar:
        """Ask whether pairs of some documents are similar; where their shingles fit, they are read once for all."""
        shelf = Shelf.read(self.places[members], self._store) if self._fits(members) else None

        def similar(pairs: Indices) -> np.typing.NDArray[np.bool_]:
            self.compared += len(pairs)
            places = self.places[pairs]
            if shelf is None:
                return similarities(places, self._store, self._threshold) >= self._threshold
            return shelf.similarities(shelf, places, self._threshold) >= self._threshold

        return similar
