"""The inner loops of the search for near-duplicates, compiled where that pays (`dedup.kernels.numba_or_numpy`).

They make the keys of bands, find those that more than one document has, and connect documents by comparing them. Each
has a form in numpy or plain Python to which tests hold the compiled one equal.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.hashes import (
    NGRAM_MULTIPLIER,
    Hashes,
    Indices,
    Sets,
    Words32,
    find_root,
    jaccard_similarities_in_numpy,
    mix64,
)
from dedup.kernels.numba_or_numpy import Kernel

_SLOTS_A_KEY = 3  # powers of two: eight slots for each key, so that few meet by chance


def repeated(keys: Hashes) -> NDArray[np.bool_]:
    """Mark the keys that more than one have, and perhaps a few others; shape (keys,)."""
    return _repeated(keys, max(1, len(keys)).bit_length() + _SLOTS_A_KEY)


def hash_bands(signatures: Words32, bands: int, rows: int) -> Hashes:
    """Hash each band of each signature to 64 bits; the number of the band enters, so bands never meet one another.

    Args:
        signatures: shape (n, num_perm).
        bands: how many.
        rows: values of a band; the first `bands * rows` values are used.

    Returns:
        Shape (n, bands).
    """
    return _hash_bands(signatures, bands, rows)


def connect(parents: Indices, pairs: Indices, first: Sets, second: Sets, bound: int, at_least: float) -> int:
    """Compare pairs of sets in their order, and connect those that are similar; not those that are connected by then.

    Args:
        parents: of each node, as a union-find has them, roots being the smallest of their trees; changed in place.
        pairs: nodes, shape (pairs, 2).
        first: the sets of the left nodes, by number of the node.
        second: those of the right ones; equal lengths.
        bound: size at which sets were cut (`dedup.kernels.hashes.jaccard_similarities`).
        at_least: the similarity to connect at, above 0.

    Returns:
        How many pairs were compared.
    """
    sets = first.values, first.starts, second.values, second.starts, first.lengths
    return int(_connect(parents, pairs, *sets, bound, at_least))


def repeated_in_numpy(keys: Hashes, bits: int) -> NDArray[np.bool_]:
    """Mark all: sorting finds the repeated ones as fast as numpy could sift them."""
    del bits
    return np.ones(len(keys), np.bool_)


def hash_bands_in_numpy(signatures: Words32, bands: int, rows: int) -> Hashes:
    """Hash row after row of all bands at once."""
    values = signatures[:, : bands * rows].reshape(len(signatures), bands, rows)
    keys = np.broadcast_to(np.arange(bands, dtype=np.uint64), values.shape[:-1])
    for row in range(rows):
        keys = mix64(keys * np.uint64(NGRAM_MULTIPLIER) + values[..., row])
    return keys


def connect_in_python(parents: Indices, pairs: Indices, *sets: Any) -> int:
    """Compare pair by pair; `sets` is values and starts of both sides, lengths, bound and at_least."""
    first_values, first_starts, second_values, second_starts, lengths, bound, at_least = sets
    compared = 0
    for number, (left, right) in enumerate(pairs.tolist()):
        one, other = find_root(parents, left), find_root(parents, right)
        if one == other:
            continue
        compared += 1
        sides = first_values, first_starts, lengths, second_values, second_starts, lengths
        if jaccard_similarities_in_numpy(*sides, pairs[number : number + 1], bound, at_least)[0] >= at_least:
            parents[max(one, other)] = min(one, other)
    return compared


_repeated = Kernel(repeated_in_numpy, "dedup.kernels.link_compiled.repeated", lambda keys, _: len(keys), 36)
_hash_bands = Kernel(
    hash_bands_in_numpy, "dedup.kernels.link_compiled.hash_bands", lambda signatures, *_: len(signatures), 125
)
_connect = Kernel(connect_in_python, "dedup.kernels.link_compiled.connect", lambda _, pairs, *__: len(pairs), 56_000)
