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
_PART = 128  # blocks at a time: what is looked up for them stays near the processor
_STEPS = 512  # the steps on each side of even
# Far from where a chance is rounded up or down, so that any library's exp gives the same table.
_CHANCES = np.rint(CERTAIN / (1 + np.exp(-np.arange(-_STEPS, _STEPS + 1) * _STEP / SCALE))).astype(np.int64)


def chances_of(odds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn log-odds times `SCALE` into chances times `CERTAIN`."""
    chances: NDArray[np.int64] = _CHANCES[np.clip(odds // _STEP, -_STEPS, _STEPS) + _STEPS]
    return chances


@dataclass(frozen=True, slots=True)
class Trees:
    """A sum of symmetric decision trees: on each level of a tree, all its nodes ask the same question.

    Attributes:
        names: of the features that the questions ask for, in the order of their numbers.
        feature, limit: of each question: is that feature's number above the limit?
        questions: shape (levels, trees): which are asked; the answer on level n is bit n of the leaf's number.
        value: shape (trees, 2^levels): what each leaf adds.
    """

    names: tuple[str, ...]
    feature: NDArray[np.intp]
    limit: NDArray[np.float32]
    questions: NDArray[np.intp]
    value: NDArray[np.int32]

    @classmethod
    def load(cls, path: Path) -> "Trees":
        """Load a model that benchmarks/train_block_model.py wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(
                tuple(stored["names"].tolist()),
                stored["feature"].astype(np.intp),
                stored["limit"],
                stored["questions"].astype(np.intp),
                stored["value"].astype(np.int32),
            )

    def __call__(self, table: NDArray[np.float32]) -> NDArray[np.int64]:
        """Sum the trees for each block.

        Args:
            table: shape (features, blocks), in the order of `names`.

        Returns:
            log-odds times `SCALE`, shape (blocks,).
        """
        parts = range(0, table.shape[1], _PART)
        return np.concatenate([self._sum(table[:, start : start + _PART]) for start in parts])

    def _sum(self, table: NDArray[np.float32]) -> NDArray[np.int64]:
        answers = (table.take(self.feature, axis=0) > self.limit[:, None]).view(np.uint8)
        leaf = np.zeros((self.questions.shape[1], table.shape[1]), np.uint8)
        for question in reversed(self.questions):  # doubled by adding: processors shift octets one at a time
            leaf += leaf
            leaf |= answers.take(question, axis=0)
        first = np.arange(0, self.value.size, self.value.shape[1])[:, None]
        # The greatest leaves of all trees sum to 2^25, far from 2^31, and 32 bits are added in half the time of 64.
        total: NDArray[np.int32] = self.value.take(first + leaf).sum(axis=0, dtype=np.int32)
        return total.astype(np.int64)
