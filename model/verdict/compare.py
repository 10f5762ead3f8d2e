"""From scores to a verdict: better, worse, or cannot tell, with the error bar that says why.

Corpus A and corpus B have each taught models of one kind with as many tokens. All are scored on the same texts, and
what counts is the difference in bits per byte, B minus A, so that a positive number speaks for A. It errs for two
reasons that are estimated apart and added: other texts might have been scored (a bootstrap over documents, within each
text set), and other documents or seeds might have been trained on (replicates: a delete-a-group jackknife for a model
without a seed, or runs with several seeds).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BOOTSTRAP_DRAWS = 2000
CONFIDENCE = 0.95
POWER = 0.8  # of the smallest difference that is said to be visible
# Quantiles of Student's t by degrees of freedom: for a two-sided 95 % interval, and for 80 % power.
_T_975 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
)
_T_800 = (
    *(1.376, 1.061, 0.978, 0.941, 0.920, 0.906, 0.896, 0.889, 0.883, 0.879),
    *(0.876, 0.873, 0.870, 0.868, 0.866, 0.865, 0.863, 0.862, 0.861, 0.860),
)
_Z_975, _Z_800 = 1.960, 0.842  # their limits, for many degrees of freedom

BETTER, WORSE, CANNOT_TELL = "better", "worse", "cannot tell"


@dataclass(frozen=True)
class PanelScores:
    """What the models of A and of B need for the documents of one text set, in bits.

    `bits_a` and `bits_b` are (1 + R, D): first the models that stand for the corpora, then those of R replicates;
    `n_bytes` is (D,), the UTF-8 bytes of each document.
    """

    name: str
    neutral: bool
    n_bytes: Floats
    bits_a: Floats
    bits_b: Floats

    def __post_init__(self) -> None:
        """Raise ValueError for shapes that do not belong together."""
        if self.bits_a.shape != self.bits_b.shape or self.bits_a.shape[1:] != self.n_bytes.shape:
            raise ValueError(
                f"{self.name}: scores of shape {self.bits_a.shape} and {self.bits_b.shape} "
                f"for {self.n_bytes.shape} documents"
            )
        if len(self.n_bytes) < 2 or self.n_bytes.sum() <= 0:
            raise ValueError(f"{self.name}: {len(self.n_bytes)} documents have no spread: score at least two")

    def bits_per_byte(self) -> tuple[float, float]:
        """Of A's and of B's first model."""
        total = self.n_bytes.sum()
        return float(self.bits_a[0].sum() / total), float(self.bits_b[0].sum() / total)

    def differences(self) -> Floats:
        """(1 + R,) bits per byte, B minus A."""
        difference: Floats = (self.bits_b - self.bits_a).sum(axis=1) / self.n_bytes.sum()
        return difference

    def bootstrap(self, seed: int) -> Floats:
        """(draws,) differences of the first models over documents drawn with replacement."""
        random = np.random.default_rng(seed)
        gain, size = self.bits_b[0] - self.bits_a[0], len(self.n_bytes)
        drawn = np.empty(BOOTSTRAP_DRAWS)
        for number in range(BOOTSTRAP_DRAWS):
            chosen = random.integers(size, size=size)
            drawn[number] = gain[chosen].sum() / max(self.n_bytes[chosen].sum(), 1.0)
        return drawn


@dataclass(frozen=True)
class Difference:
    """A difference in bits per byte (B minus A) with its error: positive speaks for A."""

    estimate: float
    bootstrap_interval: tuple[float, float]
    """Over documents scored, alone."""
    text_error: float
    training_error: float
    interval: tuple[float, float]
    """Over documents scored and documents or seeds trained on; the verdict is read off it."""
    smallest_visible: float
    """The true difference that such an experiment would see with 80 % probability."""

    @property
    def verdict(self) -> str:
        """What the interval says of A."""
        if self.interval[0] > 0.0:
            return BETTER
        return WORSE if self.interval[1] < 0.0 else CANNOT_TELL


def measure(panels: Sequence[PanelScores], *, jackknife: bool) -> Difference:
    """The mean difference over text sets, each with the same weight.

    With `jackknife`, replicate r lacks group r of the training documents of A and B; without, the replicates are
    seeds, and the estimate is their mean. Few replicates or documents widen the interval (Student's t, with the fewer
    degrees of freedom of the two).
    """
    replicates = np.mean([panel.differences() for panel in panels], axis=0)  # (1 + R,)
    drawn = np.mean([panel.bootstrap(seed) for seed, panel in enumerate(panels)], axis=0)
    spread = replicates[1:]
    count = len(spread)
    estimate = float(replicates[0] if jackknife or count == 0 else spread.mean())
    training_error, freedom = 0.0, 0.0
    if count > 1:
        squares = float(((spread - spread.mean()) ** 2).sum())
        training_error = math.sqrt(squares * (count - 1) / count if jackknife else squares / (count - 1) / count)
        freedom = count - 1
    text_error = float(drawn.std(ddof=1))
    error = math.hypot(text_error, training_error)
    freedom = min(freedom or math.inf, min(len(panel.n_bytes) for panel in panels) - 1)
    shift = estimate - float(replicates[0])
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(drawn, (tail, 1.0 - tail)) + shift
    reach = _quantile(_T_975, _Z_975, freedom) * error
    visible = reach + _quantile(_T_800, _Z_800, freedom) * error
    return Difference(
        estimate=estimate,
        bootstrap_interval=(float(low), float(high)),
        text_error=text_error,
        training_error=training_error,
        interval=(estimate - reach, estimate + reach),
        smallest_visible=visible,
    )


def _quantile(table: Sequence[float], limit: float, freedom: float) -> float:
    """Student's t, or the normal distribution for many degrees of freedom."""
    return table[int(freedom) - 1] if freedom <= len(table) else limit


@dataclass(frozen=True)
class Comparison:
    """A verdict on A against B, and all it rests on."""

    verdict: str
    reason: str
    overall: Difference | None
    """Over the neutral text sets; None without any."""
    panels: dict[str, Difference]
    bits_per_byte: dict[str, tuple[float, float]]
    """By text set, of the first model of A and of B."""


def compare(panels: Sequence[PanelScores], *, jackknife: bool) -> Comparison:
    """Judge A against B.

    With neutral text, their mean difference decides. Without, neither held-out text is a fair judge, for each corpus
    is at home on its own; so A is better only where it wins on B's text as well as on its own, and worse only where it
    loses on both.
    """
    by_panel = {panel.name: measure([panel], jackknife=jackknife) for panel in panels}
    scores = {panel.name: panel.bits_per_byte() for panel in panels}
    neutral = [panel for panel in panels if panel.neutral]
    if neutral:
        overall = measure(neutral, jackknife=jackknife)
        names = ", ".join(panel.name for panel in neutral)
        return Comparison(overall.verdict, f"decided on neutral text: {names}", overall, by_panel, scores)
    verdicts = {difference.verdict for difference in by_panel.values()}
    verdict = verdicts.pop() if len(verdicts) == 1 else CANNOT_TELL
    reason = "no neutral text was named, so one must win on the other's held-out text and on its own"
    return Comparison(verdict, reason, None, by_panel, scores)
