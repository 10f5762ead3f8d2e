"""The kernels of `dedup.kernels.hashes` as loops that numba compiles; imported only where numba is installed.

The machine code is cached beside this file, or in the user's cache; where neither can be written, a process compiles
for itself. Numbers are kept in one width by hand: numba widens mixed integers to floats without a word.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from webtext.code_points import LETTER, MARK, OTHER, SPACELESS

_WORD = np.uint64(6364136223846793005)  # dedup.kernels.hashes.WORD_MULTIPLIER
_NGRAM = np.uint64(2862933555777941757)  # dedup.kernels.hashes.NGRAM_MULTIPLIER
_FMIX64 = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_SHIFT64 = np.uint64(33)
_ONE = np.uint64(1)


def _compile(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel that releases the interpreter's lock, with a cache on disk where one can be written."""
    try:
        compiled: Callable[..., Any] = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba found no folder that it may write its cache to
        compiled = njit(nogil=True)(function)
    return compiled


@_compile
def _mix64(value: Any) -> Any:
    value = (value ^ (value >> _SHIFT64)) * _FMIX64[0]
    value = (value ^ (value >> _SHIFT64)) * _FMIX64[1]
    return value ^ (value >> _SHIFT64)


@_compile
def word_hashes(codes: NDArray[Any], classes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash the words of an array of code points in one pass; a word ends where no letter or mark goes on with it."""
    hashes = np.empty(len(codes), np.uint64)
    count = 0
    value = np.uint64(0)
    last = OTHER  # what the word that is being read is made of
    for code in codes:
        found = classes[code]
        if last != OTHER and found != MARK and (found != LETTER or last != LETTER):
            hashes[count] = _mix64(value)
            count += 1
            value = np.uint64(0)
            last = OTHER
        if found in (LETTER, SPACELESS):
            last = found
        if last != OTHER:
            value = value * _WORD + np.uint64(code) + _ONE
    if last != OTHER:
        hashes[count] = _mix64(value)
        count += 1
    return hashes[:count].copy()


@_compile
def ngram_hashes(hashes: NDArray[np.uint64], n: int) -> NDArray[np.uint64]:
    """Hash each n-gram of a sequence of word hashes."""
    count = len(hashes) - n + 1
    grams = np.empty(count, np.uint64)
    for start in range(count):
        value = np.uint64(n)
        for word in range(start, start + n):
            value = value * _NGRAM + hashes[word]
        grams[start] = _mix64(value)
    return grams


@_compile
def minhash(
    hashes: NDArray[np.uint64], multipliers: NDArray[np.uint32], offsets: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """Take the least value of each affine permutation over the pre-mixed low halves of the hashes."""
    num_perm = len(multipliers)
    signature = np.full(num_perm, 0xFFFFFFFF, np.uint32)
    for hashed in hashes:
        low = np.uint32(hashed & np.uint64(0xFFFFFFFF))
        low = np.uint32((low ^ (low >> np.uint32(16))) * np.uint32(0x85EBCA6B))
        low = np.uint32((low ^ (low >> np.uint32(13))) * np.uint32(0xC2B2AE35))
        low = np.uint32(low ^ (low >> np.uint32(16)))
        for place in range(num_perm):
            value = np.uint32(multipliers[place] * low + offsets[place])
            signature[place] = min(signature[place], value)
    return signature


@_compile
def _least_common(sizes: int, at_least: float) -> int:
    """Tell how many common elements two sets of `sizes` together need for a similarity."""
    need = int(at_least * sizes / (1.0 + at_least))
    while need > 0 and need / max(1, sizes - need) >= at_least:
        need -= 1
    while need < sizes and need / max(1, sizes - need) < at_least:
        need += 1
    return need


@_compile
def _jaccard(first: NDArray[np.uint64], second: NDArray[np.uint64], at_least: float) -> float:
    sizes = len(first) + len(second)
    need = _least_common(sizes, at_least)
    left = right = common = 0
    while left < len(first) and right < len(second):
        if common + min(len(first) - left, len(second) - right) < need:
            return 0.0
        one, other = first[left], second[right]
        left += one <= other
        right += other <= one
        common += one == other
    similarity = common / max(1, sizes - common)
    return similarity if similarity >= at_least else 0.0


@_compile
def _cut(ordered: NDArray[np.uint64], last: Any) -> NDArray[np.uint64]:
    return ordered[: np.searchsorted(ordered, last, side="right")]


@_compile
def _cut_pair(first: NDArray[np.uint64], second: NDArray[np.uint64], bound: int) -> Any:
    """Cut both of two sets at the largest hash of one that was cut."""
    if len(first) >= bound:
        second = _cut(second, first[-1])
    if len(second) >= bound:
        first = _cut(first, second[-1])
    return first, second


@_compile
def jaccard_similarities(  # noqa: PLR0913, PLR0917 - numba knows no data classes
    first_values: NDArray[np.uint64],
    first_starts: NDArray[np.int64],
    first_lengths: NDArray[np.int64],
    second_values: NDArray[np.uint64],
    second_starts: NDArray[np.int64],
    second_lengths: NDArray[np.int64],
    pairs: NDArray[np.int64],
    bound: int,
    at_least: float,
) -> NDArray[np.float64]:
    """Compare pairs of ascending sets by merging them, for as long as they may be similar enough."""
    found = np.empty(len(pairs), np.float64)
    for number in range(len(pairs)):
        left, right = pairs[number]
        first = first_values[first_starts[left] : first_starts[left] + first_lengths[left]]
        second = second_values[second_starts[right] : second_starts[right] + second_lengths[right]]
        first, second = _cut_pair(first, second, bound)
        found[number] = _jaccard(first, second, at_least)
    return found


@_compile
def _find(parents: NDArray[np.int64], node: int) -> int:
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@_compile
def roots(edges: NDArray[np.int64], nodes: int) -> NDArray[np.int64]:
    """Find the smallest node of each component."""
    parents = np.arange(nodes)
    for number in range(len(edges)):
        first, second = _find(parents, edges[number, 0]), _find(parents, edges[number, 1])
        parents[max(first, second)] = min(first, second)
    for node in range(nodes):
        parents[node] = _find(parents, node)
    return parents
