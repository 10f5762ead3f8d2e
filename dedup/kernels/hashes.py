"""The inner loops of de-duplication and overlap, compiled where that pays, else vectorised.

Each kernel has a definition a few lines long in plain Python (`word_hash`, `ngram_hash`, sets), to which
tests hold both forms equal, bit for bit: a corpus must not depend on whether an optional package was there.
"""

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.numba_or_numpy import Kernel
from webtext.code_points import OTHER, SPACELESS, Classes, code_points, word_starts
from webtext.text import comparable

Hashes = NDArray[np.uint64]
Words32 = NDArray[np.uint32]
Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Number = TypeVar("Number", np.uint64, np.int64)

# Multipliers of the two polynomial hashes modulo 2^64: the 64-bit constants of PCG (O'Neill 2014, section 6.1) and of
# Knuth's MMIX generator. Any odd number of random bits serves; these are known ones.
WORD_MULTIPLIER = 6364136223846793005
NGRAM_MULTIPLIER = 2862933555777941757
# MurmurHash3's finalizers (Appleby, 2011): bijections that spread every input bit over all output bits.
_FMIX64 = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
_MASK = 2**64 - 1
_CHARS_AT_ONCE = 1 << 15  # With so many, what numpy makes in between fits a processor's cache.


def word_hash(word: str) -> int:
    """Hash one normalised word: a polynomial in its code points, mixed. The definition, not the fast way."""
    value = 0
    for character in word:
        value = (value * WORD_MULTIPLIER + ord(character) + 1) & _MASK
    return _mix(value)


def ngram_hash(hashes: list[int]) -> int:
    """Hash an n-gram, given the hashes of its words; n itself enters, so no 3-gram meets a 5-gram by design."""
    value = len(hashes)
    for hashed in hashes:
        value = (value * NGRAM_MULTIPLIER + hashed) & _MASK
    return _mix(value)


def _mix(value: int) -> int:
    value = ((value ^ (value >> 33)) * _FMIX64[0]) & _MASK
    value = ((value ^ (value >> 33)) * _FMIX64[1]) & _MASK
    return value ^ (value >> 33)


def word_hashes(text: str) -> Hashes:
    """Hash each word of `webtext.text.words(text)`, in order, without making the words.

    >>> word_hashes("Don't!").tolist() == [word_hash("don"), word_hash("t")]
    True
    """
    return _word_hashes(*code_points(comparable(text).lower()))


def ngram_hashes(hashes: Hashes, n: int) -> Hashes:
    """Hash each n-gram of a sequence of word hashes, in order: `max(0, len(hashes) - n + 1)` of them.

    Raises:
        ValueError: n is below 1.
    """
    if n < 1:
        raise ValueError(f"n must be 1 or more words, not {n}")
    if len(hashes) < n:
        return np.empty(0, np.uint64)
    return _ngram_hashes(hashes, n)


class Sets(NamedTuple):
    """Sets of hashes, one after another in one array, each ascending and without repeats."""

    values: Hashes
    starts: Indices  # the place in `values` where each set begins
    lengths: Indices


def jaccard_similarities(first: Sets, second: Sets, pairs: Indices, bound: int, at_least: float = 0.0) -> Floats:
    """Compute the Jaccard similarity of pairs of sets.

    A set of `bound` hashes may be only the smallest ones of a larger set; then both sets are cut at its largest hash,
    and what is left is a uniform sample of the union (the k-minimum-values sketch of Beyer et al., SIGMOD 2007).

    Args:
        first: sets that the left numbers of `pairs` count.
        second: sets that the right numbers count.
        pairs: numbers of sets, shape (pairs, 2).
        bound: size at which sets were cut.
        at_least: a similarity below this is given as 0; the comparison ends as soon as that is certain.

    Returns:
        Similarities from 0 to 1, shape (pairs,); 0 where both sets are empty.
    """
    return _jaccard_similarities(*first, *second, pairs, bound, at_least)


def roots(edges: Indices, nodes: int) -> Indices:
    """Find the smallest node of each node's connected component.

    Args:
        edges: nodes numbered from 0, shape (edges, 2).
        nodes: how many there are.

    Returns:
        The root of each node, shape (nodes,).
    """
    return _roots(edges, nodes)


def distinct(values: NDArray[Number]) -> NDArray[Number]:
    """Sort numbers and leave out repeats (`numpy.unique` takes eight times as long for the hashes of a page)."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def word_hashes_in_numpy(codes: NDArray[Any], classes: Classes) -> Hashes:
    """Hash the words of an array of code points, many characters at once."""
    begin, found = 0, [np.empty(0, np.uint64)]
    while begin < len(codes):
        end = _end_of_word(codes, classes, begin + _CHARS_AT_ONCE)
        found.append(_hash_all_words(codes[begin:end], classes))
        begin = end
    return np.concatenate(found)


def _end_of_word(codes: NDArray[Any], classes: Classes, at_least: int) -> int:
    """Find the first place from one on at which no word goes on."""
    for begin in range(at_least, len(codes), _CHARS_AT_ONCE):
        ahead = classes[codes[begin : begin + _CHARS_AT_ONCE]]
        gaps = np.flatnonzero((ahead == OTHER) | (ahead == SPACELESS))
        if len(gaps):
            return begin + int(gaps[0])
    return len(codes)


def _hash_all_words(codes: NDArray[Any], classes: Classes) -> Hashes:
    starts, inside = word_starts(classes[codes])
    places = np.flatnonzero(inside)
    firsts = np.flatnonzero(starts[places])
    if not len(firsts):
        return np.empty(0, np.uint64)
    lengths = np.diff(firsts, append=len(places))
    powers = np.full(int(lengths.max()), WORD_MULTIPLIER, np.uint64)
    powers[0] = 1
    following = np.repeat(firsts + lengths, lengths) - np.arange(len(places)) - 1  # characters of the word behind each
    terms = (codes[places].astype(np.uint64) + np.uint64(1)) * np.cumprod(powers)[following]
    return mix64(np.add.reduceat(terms, firsts))


def ngram_hashes_in_numpy(hashes: Hashes, n: int) -> Hashes:
    """Hash n-grams, all at once, word by word."""
    count = len(hashes) - n + 1
    sums = np.full(count, n, np.uint64)
    for start in range(n):
        sums = sums * np.uint64(NGRAM_MULTIPLIER) + hashes[start : start + count]
    return mix64(sums)


def mix64(values: Hashes) -> Hashes:
    """Mix each number with MurmurHash3's 64-bit finalizer."""
    shift = np.uint64(33)
    values = (values ^ (values >> shift)) * np.uint64(_FMIX64[0])
    values = (values ^ (values >> shift)) * np.uint64(_FMIX64[1])
    return values ^ (values >> shift)


def jaccard_similarities_in_numpy(
    first_values: Hashes,
    first_starts: Indices,
    first_lengths: Indices,
    second_values: Hashes,
    second_starts: Indices,
    second_lengths: Indices,
    *how: Any,
) -> Floats:
    """Compare pairs of sets one after another; `how` is pairs, bound and at_least."""
    pairs, bound, at_least = how
    found = np.zeros(len(pairs))
    for number, (left, right) in enumerate(pairs):
        first = first_values[first_starts[left] : first_starts[left] + first_lengths[left]]
        second = second_values[second_starts[right] : second_starts[right] + second_lengths[right]]
        for cut in [ordered[-1] for ordered in (first, second) if len(ordered) >= bound]:
            first, second = first[first <= cut], second[second <= cut]
        common = len(np.intersect1d(first, second, assume_unique=True))
        found[number] = common / max(1, len(first) + len(second) - common)
    return np.where(found >= at_least, found, 0.0)


def roots_in_python(edges: Indices, nodes: int) -> Indices:
    """Find components one edge after another.

    For 300,000 nodes and 150,000 edges this takes 285 ms, and the compiled form 4. scipy would take 34, but its import
    takes 120 ms and 25 MB, which no build of a few thousand documents gets back.
    """
    parents = list(range(nodes))
    for edge in edges.tolist():
        first, second = (find_root(parents, node) for node in edge)
        parents[max(first, second)] = min(first, second)
    return np.array([find_root(parents, node) for node in range(nodes)], np.int64)


def find_root(parents: Any, node: int) -> int:
    """Find the root of a node of a union-find, and shorten the way to it."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]  # path halving
        node = parents[node]
    return node


_word_hashes = Kernel(word_hashes_in_numpy, "dedup.kernels.compiled.word_hashes", lambda codes, _: len(codes), 14)
_ngram_hashes = Kernel(ngram_hashes_in_numpy, "dedup.kernels.compiled.ngram_hashes", lambda hashes, _: len(hashes), 9)
_jaccard_similarities = Kernel(
    jaccard_similarities_in_numpy, "dedup.kernels.compiled.jaccard_similarities", lambda *sets: len(sets[6]), 45_000
)
_roots = Kernel(roots_in_python, "dedup.kernels.compiled.roots", lambda edges, nodes: len(edges) + nodes, 620)
