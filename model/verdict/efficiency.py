"""How much a corpus is worth in tokens of another: the data-efficiency ratio, a unit that needs no feeling for bits.

Loss falls with the logarithm of the tokens read, along a curve that half of the tokens, a quarter of them and so on
trace for the same model. A million tokens of the worse corpus teach as much as fewer of the better one: as many as that
needs for the loss at which the worse one ends. The number is read off the curve between two measured points.

Its interval holds each ratio at which two losses cannot be told apart (Fieller, 1954): those after A's and after B's
tokens, one of them fewer by that ratio, with the error of any difference (model/verdict/compare.py). So it holds 1
where the verdict is "cannot tell", and nowhere else. An error of the ratio itself has in it that of the curve's slope,
and held 1 beside a verdict of "better".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.verdict.compare import Floats, PanelScores, spread_of

_HALVINGS = 24  # the part of the range in which an end of the interval lies


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
    best = _shift(logs[:, 0], losses[:, :, 0], better)
    errors = _Errors(logs, losses, panels, jackknife)
    low, high = (errors.end(best, side * (logs[-1, 0] - logs[0, 0])) for side in (-1.0, 1.0))
    return Efficiency(math.exp(best), (math.exp(low), math.exp(high)), False, *_measured(budgets, losses))


@dataclass(frozen=True)
class _Errors:
    """Whether B's tokens may be worth a given share of A's."""

    logs: Floats  # (K, 1 + R) of tokens
    losses: Floats  # (2, K, 1 + R) of A and B
    panels: Sequence[Sequence[PanelScores]]
    jackknife: bool

    def end(self, best: float, limit: float) -> float:
        """The last log of a ratio, from the estimate to a limit, at which the losses cannot be told apart."""
        inside, outside = best, limit
        if not self._told_apart(limit):
            return limit
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2.0
            inside, outside = (inside, middle) if self._told_apart(middle) else (middle, outside)
        return inside

    def _told_apart(self, log_ratio: float) -> bool:
        """Whether A's loss after fewer tokens, or B's where a token of B is worth more, is not the other's end."""
        fewer = int(log_ratio > 0.0)  # the side that is read off its curve before the end
        sign = 1.0 if fewer else -1.0
        at = self.logs[-1] - abs(log_ratio)  # (1 + R,)
        curves = zip(at, self.logs.T, self.losses[fewer].T, strict=True)
        moved = np.array([np.interp(place, logs, curve) for place, logs, curve in curves])
        differences = sign * (moved - self.losses[1 - fewer, -1])  # B minus A
        weights = np.zeros(self.losses.shape[:2])
        weights[fewer] = sign * np.array([np.interp(at[0], self.logs[:, 0], unit) for unit in np.eye(len(self.logs))])
        weights[1 - fewer, -1] = -sign
        weights /= len(self.panels[0])
        residuals = [
            sum((panel.residuals(*weights[:, k]) for k, panel in enumerate(own)), np.zeros_like(own[0].bits_a))
            for own in zip(*self.panels, strict=True)
        ]
        reach = spread_of(differences[1:], residuals, jackknife=self.jackknife).reach
        return bool(abs(differences[0]) > reach)


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
