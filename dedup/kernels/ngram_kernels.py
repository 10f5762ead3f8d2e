"""The blocked Bloom filter under `dedup.overlap.bloom`: adding keys and looking them up, compiled where that pays.

A key is a 64-bit n-gram hash. Its high bits choose a block of 16 words of 64 bits, and 96 bits mixed from it choose
one bit in each of the words (split blocks as in Apache Parquet's Bloom filter, with 16 words in place of 8, which need
a fifth less memory at a rate of 1e-8). `block_of` and `bits_of` define it; tests hold both fast forms equal to them.
"""

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.hashes import Hashes, mix64
from dedup.kernels.numba_or_numpy import Kernel

BLOCK_WORDS = 16
BLOCK_BYTES = 8 * BLOCK_WORDS
MOST_BLOCKS = 1 << 28  # 32 GiB: the 36 bits that choose a block leave it uniform to .4 %
SALTS = (0x9E3779B97F4A7C15, 0x3C6EF372FE94F82A)  # the golden ratio times 2^64, and twice it
FROM_FIRST = 10  # bits of 6 in a 64-bit number
_CHUNK = 1 << 18  # keys at a time in numpy
_MASK = 2**64 - 1


def block_of(key: int, blocks: int) -> int:
    """Choose a key's block. The definition, not the fast way."""
    return ((key >> 28) * blocks) >> 36


def bits_of(key: int) -> list[int]:
    """Choose a key's bit, 0 to 63, in each word of its block. The definition, not the fast way."""
    mixed = [int(mix64(np.array([(key + salt) & _MASK], np.uint64))[0]) for salt in SALTS]
    counts = (FROM_FIRST, BLOCK_WORDS - FROM_FIRST)
    return [(bits >> (6 * place)) & 63 for bits, count in zip(mixed, counts, strict=True) for place in range(count)]


def add(table: Hashes, keys: Hashes) -> None:
    """Add keys to a table, shape (blocks * BLOCK_WORDS,), in place."""
    _add(table, len(table) // BLOCK_WORDS, keys)


def contains(table: Hashes, keys: Hashes) -> NDArray[np.bool_]:
    """Tell of each key, shape (keys,), whether the table may hold it; False is certain."""
    return _contains(table, len(table) // BLOCK_WORDS, keys)


def _places(blocks: int, keys: Hashes) -> tuple[NDArray[np.int64], list[Hashes]]:
    """Where each key's block starts in the table, and its bit in each word as a mask."""
    starts = (((keys >> np.uint64(28)) * np.uint64(blocks)) >> np.uint64(36)).astype(np.int64) * BLOCK_WORDS
    first, second = (mix64(keys + np.uint64(salt)) for salt in SALTS)
    shifted = [first >> np.uint64(6 * place) for place in range(FROM_FIRST)]
    shifted += [second >> np.uint64(6 * place) for place in range(BLOCK_WORDS - FROM_FIRST)]
    return starts, [np.uint64(1) << (bits & np.uint64(63)) for bits in shifted]


def add_in_numpy(table: Hashes, blocks: int, keys: Hashes) -> None:
    """Add keys, a chunk at a time, word by word."""
    for begin in range(0, len(keys), _CHUNK):
        starts, masks = _places(blocks, keys[begin : begin + _CHUNK])
        for word, mask in enumerate(masks):
            np.bitwise_or.at(table, starts + word, mask)


def contains_in_numpy(table: Hashes, blocks: int, keys: Hashes) -> NDArray[np.bool_]:
    """Look keys up, a chunk at a time, word by word."""
    found = np.ones(len(keys), np.bool_)
    for begin in range(0, len(keys), _CHUNK):
        starts, masks = _places(blocks, keys[begin : begin + _CHUNK])
        for word, mask in enumerate(masks):
            found[begin : begin + _CHUNK] &= (table[starts + word] & mask) != 0
    return found


_add = Kernel(add_in_numpy, "dedup.kernels.ngram_compiled.add", lambda _, __, keys: len(keys), 170)
_contains = Kernel(contains_in_numpy, "dedup.kernels.ngram_compiled.contains", lambda _, __, keys: len(keys), 50)
