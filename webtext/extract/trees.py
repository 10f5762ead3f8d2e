"""Gradient-boosted trees that judge blocks, evaluated in whole numbers: the same sums on every machine.

Thresholds are 32-bit floats, compared and nothing else; a leaf holds its value times 2^16, rounded. So no order of
summation and no library of mathematics has a say in what is chosen.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SCALE = 1 << 16  # the unit of a leaf's value
CERTAIN = 1 << 13  # a chance of 1
_STEP = SCALE >> 5  # log-odds are looked up in steps of 1/32
_PART = 64  # blocks at a time: what is looked up for them stays near the processor
_STEPS = 512  # the steps on each side of even
# Far from where a chance is rounded up or down, so that any library's exp gives the same table.
_CHANCES = np.rint(CERTAIN / (1 + np.exp(-np.arange(-_STEPS, _STEPS + 1) * _STEP / SCALE))).astype(np.int64)


def chances_of(odds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn log-odds times `SCALE` into chances times `CERTAIN`."""
    chances: NDArray[np.int64] = _CHANCES[np.clip(odds // _STEP, -_STEPS, _STEPS) + _STEPS]
    return chances


@dataclass(frozen=True, slots=True)
class Trees:
    """A sum of decision trees, each laid out as a full one: after node n of a tree come 2n + 1 (left) and 2n + 2.

    Attributes:
        names: of the features that the trees ask for, in the order of their numbers.
        feature, limit: of each inner node, shape (trees, 2^depth - 1): which feature it asks for, and up to which
            number the way is to the left.
        value: of each leaf, shape (trees, 2^depth): what it adds.
    """

    names: tuple[str, ...]
    feature: NDArray[np.int32]
    limit: NDArray[np.float32]
    value: NDArray[np.int32]

    @classmethod
    def load(cls, path: Path) -> "Trees":
        """Load a model that benchmarks/train_block_model.py wrote."""
        with np.load(path, allow_pickle=False) as stored:
            feature, code, left, right = stored["nodes"].astype(np.int64)
            ends = np.cumsum(stored["counts"])
            limit = stored["thresholds"][(ends - stored["counts"])[feature] + code]
            inner, size = left != np.arange(len(left)), (1 << int(stored["depth"])) - 1
            node = stored["roots"].astype(np.int64)[:, None]
            nodes = np.empty((len(node), 0), np.int64)
            while nodes.shape[1] < size:
                nodes = np.concatenate([nodes, node], 1)
                node = np.stack([left[node], right[node]], 2).reshape(len(node), -1)  # a leaf leads to itself
            is_inner = inner[nodes]
            return cls(
                tuple(stored["names"].tolist()),
                np.where(is_inner, feature[nodes], 0).astype(np.int32),
                np.where(is_inner, limit[nodes], 0).astype(np.float32),
                stored["value"][node],
            )

    def __call__(self, table: NDArray[np.float32]) -> NDArray[np.int64]:
        """Sum the trees for each block.

        Args:
            table: shape (features, blocks), in the order of `names`.

        Returns:
            log-odds times `SCALE`, shape (blocks,).
        """
        rows = np.ascontiguousarray(table.T)
        return np.concatenate([self._sum(rows[start : start + _PART]) for start in range(0, len(rows), _PART)])

    def _sum(self, rows: NDArray[np.float32]) -> NDArray[np.int64]:
        trees, size = self.feature.shape
        first = (np.arange(len(rows), dtype=np.int32) * np.int32(rows.shape[1]))[:, None]
        flat, root = rows.ravel(), np.arange(trees, dtype=np.int32) * np.int32(size)
        down = 1 - root
        node = root + 1 + (rows.take(self.feature[:, 0], axis=1) > self.limit[:, 0])
        for _ in range(size.bit_length() - 1):
            to_right = flat.take(first + self.feature.take(node)) > self.limit.take(node)
            node += node
            node += down
            node += to_right
        leaf = node - root - size + np.arange(trees, dtype=np.int32) * np.int32(size + 1)
        total: NDArray[np.int64] = self.value.take(leaf).sum(axis=1, dtype=np.int64)
        return total
