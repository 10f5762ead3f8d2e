"""Gradient-boosted trees that judge blocks, evaluated in whole numbers: the same sums on every machine.

Thresholds are 32-bit floats, compared and nothing else; a leaf holds its value times 2^16, rounded. So no order of
summation and no library of mathematics has a say in what is chosen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SCALE = 1 << 16  # the unit of a leaf's value
CERTAIN = 1 << 13  # a chance of 1
_STEP = SCALE >> 5  # log-odds are looked up in steps of 1/32
_PART = 256  # blocks at a time: what is looked up for them stays near the processor
_STEPS = 512  # the steps on each side of even
# Far from where a chance is rounded up or down, so that any library's exp gives the same table.
_CHANCES = np.rint(CERTAIN / (1 + np.exp(-np.arange(-_STEPS, _STEPS + 1) * _STEP / SCALE))).astype(np.int64)


def chances_of(odds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn log-odds times `SCALE` into chances times `CERTAIN`."""
    chances: NDArray[np.int64] = _CHANCES[np.clip(odds // _STEP, -_STEPS, _STEPS) + _STEPS]
    return chances


@dataclass(frozen=True, slots=True)
class Trees:
    """A sum of decision trees.

    Attributes:
        names: of the features that the trees ask for, in the order of their numbers.
        thresholds: of each feature, ascending: a number is coded as how many of them it exceeds.
        feature, limit: of each node, which feature it asks for and up to which code the way is to the left.
        children: of each node, where to go, left and right; a leaf leads to itself.
        value: of each node, what it adds (0 where it is no leaf).
        roots: the first node of each tree.
        depth: steps from a root to the farthest leaf.
    """

    names: tuple[str, ...]
    thresholds: tuple[NDArray[np.float32], ...]
    feature: NDArray[np.int32]
    limit: NDArray[np.int16]
    children: NDArray[np.int32]
    value: NDArray[np.int32]
    roots: NDArray[np.int32]
    depth: int

    @classmethod
    def load(cls, path: Path) -> "Trees":
        """Load a model that benchmarks/train_block_model.py wrote."""
        with np.load(path, allow_pickle=False) as stored:
            feature, limit, left, right = stored["nodes"].astype(np.int32)
            return cls(
                tuple(stored["names"].tolist()),
                tuple(np.split(stored["thresholds"], np.cumsum(stored["counts"])[:-1])),
                feature,
                limit.astype(np.int16),
                np.stack([left, right], 1).ravel(),
                stored["value"],
                stored["roots"].astype(np.int32),
                int(stored["depth"]),
            )

    def __call__(self, columns: Mapping[str, NDArray[np.float32]]) -> NDArray[np.int64]:
        """Sum the trees for each block: log-odds times `SCALE`, shape (blocks,)."""
        pairs = zip(self.names, self.thresholds, strict=True)
        codes = np.stack([np.searchsorted(limits, columns[name]) for name, limits in pairs], 1).astype(np.int16)
        parts = [self._sum(codes[start : start + _PART]) for start in range(0, len(codes), _PART)]
        return np.concatenate(parts)

    def _sum(self, codes: NDArray[np.int16]) -> NDArray[np.int64]:
        blocks, features = codes.shape
        flat, first = codes.ravel(), (np.arange(blocks, dtype=np.int32) * np.int32(features))[:, None]
        node = np.broadcast_to(self.roots, (blocks, len(self.roots)))
        for _ in range(self.depth):
            to_right = flat.take(first + self.feature.take(node)) > self.limit.take(node)
            node = self.children.take(2 * node + to_right)
        total: NDArray[np.int64] = self.value.take(node).sum(axis=1, dtype=np.int64)
        return total
