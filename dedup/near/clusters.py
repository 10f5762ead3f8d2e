"""Clusters are the connected components of verified edges, found with a union-find whose root is the smallest node.

So the result is a function of the set of edges: no order, no ranks. Edges are two columns of 64-bit numbers, 16 bytes
an edge; a forest of at most one edge a node says the same as all of them, so whoever has edges contracts them first.
"""

import re
from dataclasses import dataclass

import numpy as np

from dedup.kernels.hashes import Indices, distinct, roots


def connected_components(edges: Indices) -> tuple[Indices, Indices]:
    """Find the components of a graph.

    Args:
        edges: any numbers as nodes, shape (edges, 2).

    Returns:
        The nodes that have an edge, ascending, and the smallest node of the component of each; both of shape (nodes,).

    >>> connected_components(np.array([[7, 3], [9, 7], [4, 5]]))
    (array([3, 4, 5, 7, 9]), array([3, 4, 4, 3, 3]))
    """
    nodes, numbers = numbered(edges.ravel())
    return nodes, nodes[roots(numbers.reshape(-1, 2), len(nodes))]


def numbered(values: Indices) -> tuple[Indices, Indices]:
    """Sort numbers, leave out repeats, and tell where each of them is then: shapes (distinct,) and (values,)."""
    order = np.argsort(values)
    ordered = values[order]
    new = np.append(np.zeros(min(1, len(values)), np.bool_), ordered[1:] != ordered[:-1])
    numbers = np.empty(len(values), np.int64)
    numbers[order] = np.cumsum(new)
    return ordered[new | (np.arange(len(new)) == 0)], numbers


def distinct_pairs(pairs: Indices) -> Indices:
    """Sort pairs of numbers, 0 or more, and leave out repeats, shape (distinct, 2)."""
    packing = _Packing.of(pairs)
    if packing is None:
        ordered = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        new = np.append(np.ones(min(1, len(pairs)), np.bool_), (ordered[1:] != ordered[:-1]).any(axis=1))
        found: Indices = ordered[new]
        return found
    return packing.unpack(distinct(packing.pack(pairs)))


def common_pairs(first: Indices, second: Indices) -> Indices:
    """Sort the pairs that two tables of distinct pairs both hold, shape (common, 2)."""
    both = np.concatenate([first, second])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    twice = np.flatnonzero((both[1:] == both[:-1]).all(axis=1))
    return both[twice]


@dataclass(frozen=True)
class _Squeeze:
    """Numbers without the bits that none of them has; their order stays. Places and flags leave most bits unused."""

    runs: tuple[tuple[int, int, int], ...]  # each run of used bits: first bit, first bit when squeezed, and how many
    bits: int

    @classmethod
    def of(cls, numbers: Indices) -> "_Squeeze":
        used, runs, bits = int(np.bitwise_or.reduce(numbers, initial=0)), [], 0
        for run in re.finditer("1+", f"{used:b}"[::-1]):
            runs.append((run.start(), bits, len(run.group())))
            bits += len(run.group())
        return cls(tuple(runs), bits)

    def squeeze(self, numbers: Indices) -> Indices:
        squeezed = np.zeros(len(numbers), np.int64)
        for first, to, count in self.runs:
            squeezed |= (numbers >> first & (1 << count) - 1) << to
        return squeezed

    def restore(self, squeezed: Indices) -> Indices:
        numbers = np.zeros(len(squeezed), np.int64)
        for first, to, count in self.runs:
            numbers |= (squeezed >> to & (1 << count) - 1) << first
        return numbers


@dataclass(frozen=True)
class _Packing:
    """Pairs as single numbers of the same order: sorting those takes a tenth of the time."""

    left: _Squeeze
    right: _Squeeze

    @classmethod
    def of(cls, pairs: Indices) -> "_Packing | None":
        """Find how to pack some pairs; None where 63 bits do not hold them."""
        left, right = _Squeeze.of(pairs[:, 0]), _Squeeze.of(pairs[:, 1])
        return cls(left, right) if left.bits + right.bits < 64 else None

    def pack(self, pairs: Indices) -> Indices:
        return self.left.squeeze(pairs[:, 0]) << self.right.bits | self.right.squeeze(pairs[:, 1])

    def unpack(self, packed: Indices) -> Indices:
        right = packed & (1 << self.right.bits) - 1
        return np.stack([self.left.restore(packed >> self.right.bits), self.right.restore(right)], axis=1)
