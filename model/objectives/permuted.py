"""XLNet's permutation language model (Yang et al. 2019, sections 2.2 and 2.3): which place may look at which.

Tokens are predicted in a random order of their places; a place sees all that come before it in that order. Only the
last sixth of the order is predicted (K = 6, section 2.3), in spans of 1 to 5 tokens (appendix A.3), so the others are
context that everybody sees.
"""

from typing import NamedTuple

import numpy as np

from model.objectives.documents import IGNORED, Flags, Ids, Special
from model.objectives.masked import is_text

LEAST_SPAN, MOST_SPAN = 1, 5  # tokens (Yang et al. 2019, appendix A.3)
PARTS = 6  # one token of so many is predicted (K, ibid., section 2.3)


class Permuted(NamedTuple):
    """One sequence in a random order of prediction, as transformers' XLNetLMHeadModel reads it."""

    inputs: Ids  # shape (length,): the ids, unchanged
    hidden: Flags  # shape (length, length): [i, j] says that place i must not look at place j (`perm_mask`)
    labels: Ids  # shape (length,): the id where a place is predicted, else IGNORED


def permute(ids: Ids, special: Special, random: np.random.Generator) -> Permuted:
    """Draw what is predicted and in which order.

    Args:
        ids: shape (length,).
        special: the special ids, which are context and never predicted.
        random: a seeded generator.
    """
    predicted = _spans(len(ids), random) & is_text(ids, special)
    order = random.permutation(len(ids))
    order = np.where(predicted, order, -1)  # context comes first
    hidden = predicted[None, :] & (order[:, None] <= order[None, :])
    return Permuted(ids, hidden, np.where(predicted, ids, IGNORED))


def _spans(length: int, random: np.random.Generator) -> Flags:
    """Draw spans: each within a stretch of six times its length, at a random place of it."""
    chosen = np.zeros(length, bool)
    place = 0
    while place < length:
        span = int(random.integers(LEAST_SPAN, MOST_SPAN + 1))
        start = place + int(random.integers(0, span * PARTS - span + 1))
        chosen[start : start + span] = True
        place += span * PARTS
    return chosen


def order_of(permuted: Permuted) -> Ids:
    """Read the order back out of the mask: the places that are predicted, first to last."""
    predicted = np.flatnonzero(permuted.labels != IGNORED)
    seen = (~permuted.hidden[np.ix_(predicted, predicted)]).sum(axis=1)
    return predicted[np.argsort(seen, kind="stable")]
