"""The loops of `dedup.kernels.link_kernels`, compiled by numba; imported only where numba is installed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.compiled import _NGRAM, _compile, _cut_pair, _find, _jaccard, _least_common, _mix64

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # Knuth's multiplicative hashing (The Art of Computer Programming, 6.4)
# Marks that say what hashes the left set of a pair may hold, by their low 15 bits: 32 KiB stay in the fastest cache.
_MARKS = 1 << 15
_MARK = np.uint64(_MARKS - 1)


@_compile
def repeated(keys: NDArray[np.uint64], bits: int) -> NDArray[np.bool_]:
    """Mark the keys that share one of 2^bits slots with another key."""
    shift = np.uint64(64 - bits)
    seen = np.zeros(1 << bits, np.uint8)
    for key in keys:
        slot = (key * _GOLDEN) >> shift
        seen[slot] = min(2, seen[slot] + 1)
    marked = np.empty(len(keys), np.bool_)
    for number in range(len(keys)):
        marked[number] = seen[(keys[number] * _GOLDEN) >> shift] > 1
    return marked


@_compile
def hash_bands(signatures: NDArray[np.uint32], bands: int, rows: int) -> NDArray[np.uint64]:
    """Hash each band of each signature."""
    keys = np.empty((len(signatures), bands), np.uint64)
    for number in range(len(signatures)):
        for band in range(bands):
            key = np.uint64(band)
            for row in range(band * rows, (band + 1) * rows):
                key = _mix64(key * _NGRAM + np.uint64(signatures[number, row]))
            keys[number, band] = key
    return keys


@_compile
def _similar(first: Any, second: Any, marks: NDArray[np.uint8], bound: int, at_least: float) -> bool:
    """Tell whether two sets, of which the first is marked, are as similar as wanted."""
    if len(first) >= bound or len(second) >= bound:
        first, second = _cut_pair(first, second, bound)
    else:
        need = _least_common(len(first) + len(second), at_least)
        common = 0  # an upper bound: all that are in both are marked
        for value in second:
            common += marks[value & _MARK]
        if common < need:
            return False
    return bool(_jaccard(first, second, at_least) >= at_least)


@_compile
def _set_marks(marks: NDArray[np.uint8], values: NDArray[np.uint64], mark: int) -> None:
    for value in values:
        marks[value & _MARK] = mark


@_compile
def connect(  # noqa: PLR0913, PLR0917 - numba knows no data classes
    parents: NDArray[np.int64],
    pairs: NDArray[np.int64],
    first_values: NDArray[np.uint64],
    first_starts: NDArray[np.int64],
    second_values: NDArray[np.uint64],
    second_starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    bound: int,
    at_least: float,
) -> int:
    """Compare the pairs that nothing connects yet, in order, and connect those that are similar."""
    marks = np.zeros(_MARKS, np.uint8)
    marked, begin, end, compared = -1, 0, 0, 0  # the left node that has marks, and where its set lies
    for number in range(len(pairs)):
        left, right = pairs[number]
        one, other = _find(parents, left), _find(parents, right)
        if one == other:
            continue
        first = first_values[first_starts[left] : first_starts[left] + lengths[left]]
        second = second_values[second_starts[right] : second_starts[right] + lengths[right]]
        if left != marked:
            _set_marks(marks, first_values[begin:end], 0)
            _set_marks(marks, first, 1)
            marked, begin = left, first_starts[left]
            end = begin + lengths[left]
        compared += 1
        if _similar(first, second, marks, bound, at_least):
            parents[max(one, other)] = min(one, other)
    return compared


@_compile
def explore(  # noqa: PLR0913, PLR0917, C901
    parents: NDArray[np.int64],
    bucket: NDArray[np.int64],
    values: NDArray[np.uint64],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    bound: int,
    at_least: float,
    most: int,
    fewest: int,
) -> int:
    """Connect what is similar in a bucket, as `dedup.near.bands.similar_pairs` does.

    All documents not connected to a centre when its turn comes count as comparisons; those that are connected to it in
    the course of its turn are not compared. Gives how many were.
    """
    size = len(bucket)
    firsts, clusters = np.full(len(parents), -1), np.empty(size, np.int64)  # a union-find of positions
    for position in range(size):
        root = _find(parents, bucket[position])
        if firsts[root] < 0:
            firsts[root] = position
        clusters[position] = firsts[root]
    tried, marks = np.zeros(size, np.bool_), np.zeros(_MARKS, np.uint8)
    others = np.empty(size, np.int64)
    counted = compared = centres = 0
    for turn in range(2):
        for centre in range(size):
            if tried[centre] or (turn == 0 and _find(clusters, centre) != centre):
                continue
            if counted >= most and centres >= fewest:
                return compared
            tried[centre] = True
            centres += 1
            home, count = _find(clusters, centre), 0
            for other in range(size):
                if not tried[other] and _find(clusters, other) != home:
                    others[count] = other
                    count += 1
            if count == 0:
                continue
            counted += count
            first = values[starts[bucket[centre]] : starts[bucket[centre]] + lengths[bucket[centre]]]
            marks[:] = 0
            _set_marks(marks, first, 1)
            for other in others[:count]:
                mine, its = _find(clusters, centre), _find(clusters, other)
                if mine == its:  # They are connected by now, through another of the cluster.
                    continue
                compared += 1
                second = values[starts[bucket[other]] : starts[bucket[other]] + lengths[bucket[other]]]
                if _similar(first, second, marks, bound, at_least):
                    clusters[max(mine, its)] = min(mine, its)
                    one, another = _find(parents, bucket[centre]), _find(parents, bucket[other])
                    parents[max(one, another)] = min(one, another)
    return compared
