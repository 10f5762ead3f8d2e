"""How much a corpus is worth in tokens of another: the data-efficiency ratio, a unit that needs no feeling for bits.

Loss falls with the logarithm of the tokens read, along a curve that half of the tokens, a quarter of them and so on
trace for the same model. A million tokens of the worse corpus teach as much as fewer of the better one: as many as that
needs for the loss at which the worse one ends. The number is read off the curve between two measured points, and has an
interval because each point has replicates (model/verdict/compare.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.verdict.compare import Floats, PanelScores, spread_of

_STEP = 1e-6  # bits per byte, of a numeric derivative: the function is piecewise linear


@dataclass(frozen=True)
class Efficiency:
    """What a token of B is worth in tokens of A; below 1 speaks for A."""

    ratio: float
    interval: tuple[float, float]
    is_bound: bool
    """The worse corpus ends above the better one's first point: the ratio is a bound, and has no interval."""
    budgets: tuple[float, ...]
    """Tokens at which losses were measured, ascending."""
    losses: tuple[tuple[float, ...], tuple[float, ...]]
    """Bits per byte of A and of B at each budget, the mean over the text sets that decide."""


def efficiency(
    budgets: Floats, panels: Sequence[Sequence[PanelScores]], *, jackknife: bool = True
) -> Efficiency | None:
    """The ratio of two corpora, with its 95 % interval over documents or seeds trained on and documents scored.

    Args:
        budgets: (K, 1 + R) tokens that A and B each taught, ascending, by the whole sample and by each replicate.
        panels: the text sets that decide, for each budget.
        jackknife: replicates lack a group of documents each (model/verdict/compare.py); else they are seeds.

    Returns:
        None where there are no two budgets, or a curve does not fall.
    """
    if len(budgets) < 2:
        return None
    losses = np.stack(
        [[np.mean([_losses(panel, side) for panel in at], axis=0) for at in panels] for side in ("bits_a", "bits_b")]
    )  # (2, K, 1 + R)
    better = int(losses[0, -1, 0] > losses[1, -1, 0])
    if (np.diff(losses[better, :, 0]) >= 0.0).any():
        return None
    logs = np.log(budgets)
    if losses[1 - better, -1, 0] > losses[better, 0, 0]:
        bound = math.exp((logs[0, 0] - logs[-1, 0]) * (1.0 if better == 0 else -1.0))
        return Efficiency(bound, (bound, bound), True, *_measured(budgets, losses))
    shifts = np.array([_shift(logs[:, r], losses[:, :, r], better) for r in range(losses.shape[2])])
    weights = _derivative(logs[:, 0], losses[:, :, 0], better) / len(panels[0])  # (2, K)
    residuals = [
        sum((panel.residuals(*weights[:, k]) for k, panel in enumerate(own)), np.zeros_like(own[0].bits_a))
        for own in zip(*panels, strict=True)
    ]
    spread = spread_of(shifts[1:], residuals, jackknife=jackknife)
    low, high = shifts[0] - spread.reach, shifts[0] + spread.reach
    interval = (math.exp(low), math.exp(high))
    return Efficiency(math.exp(shifts[0]), interval, False, *_measured(budgets, losses))


def _measured(budgets: Floats, losses: Floats) -> tuple[tuple[float, ...], tuple[tuple[float, ...], tuple[float, ...]]]:
    of_a, of_b = (tuple(side[:, 0].tolist()) for side in losses)
    return tuple(budgets[:, 0].tolist()), (of_a, of_b)


def _losses(panel: PanelScores, side: str) -> Floats:
    bits: Floats = getattr(panel, side)
    losses: Floats = bits.sum(axis=1) / panel.n_bytes.sum()
    return losses


def _shift(logs: Floats, losses: Floats, better: int) -> float:
    """Log of what B's tokens are worth in A's: where the better curve has the loss at which the worse one ends."""
    curve, wanted = losses[better], losses[1 - better, -1]
    k = min(max(int((curve >= wanted).sum()) - 1, 0), len(curve) - 2)
    slope = (logs[k + 1] - logs[k]) / (curve[k + 1] - curve[k])
    away = float(logs[k] + (wanted - curve[k]) * slope - logs[-1])
    return away if better == 0 else -away


def _derivative(logs: Floats, losses: Floats, better: int) -> Floats:
    """(2, K): how the shift moves with each loss."""
    moved = np.zeros_like(losses)
    for place in np.ndindex(*losses.shape):
        step = np.zeros_like(losses)
        step[place] = _STEP
        moved[place] = (_shift(logs, losses + step, better) - _shift(logs, losses - step, better)) / (2.0 * _STEP)
    return moved
