"""From scores to a verdict: better, worse, or cannot tell, with the error bar that says why.

Corpus A and corpus B have each taught models of one kind with as many tokens. All are scored on the same texts, and
what counts is the difference in bits per byte, B minus A, so that a positive number speaks for A. It errs for two
reasons: other texts might have been scored (the spread over documents), and other documents or seeds might have been
trained on (replicates: a delete-a-group jackknife for a model without a seed, or runs with several seeds). What a
document scored owes to the documents trained on is in both, so it is counted twice where both are added, and has to be
taken off once: the variance of two-way clustered data (Cameron, Gelbach and Miller, 2011; Owen, 2007). It is most of
the error where corpora are alike: added, intervals were 1.4 times too wide.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
POWER = 0.8  # the chance that the smallest difference said to be visible is seen
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
    decides: bool
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
        """Give the figures of A's and of B's first model."""
        total = self.n_bytes.sum()
        return float(self.bits_a[0].sum() / total), float(self.bits_b[0].sum() / total)

    def differences(self) -> Floats:
        """(1 + R,) bits per byte, B minus A."""
        difference: Floats = (self.bits_b - self.bits_a).sum(axis=1) / self.n_bytes.sum()
        return difference

    def residuals(self, weight_a: float, weight_b: float) -> Floats:
        """(1 + R, D): what each document adds to a weighted sum of A's and B's bits per byte, beyond its share."""
        bits = weight_a * self.bits_a + weight_b * self.bits_b
        total = self.n_bytes.sum()
        left: Floats = bits / total - (bits.sum(axis=1, keepdims=True) / total) * (self.n_bytes / total)
        return left


@dataclass(frozen=True)
class Spread:
    """How far a figure may be off: standard errors, and the degrees of freedom of their sum (Satterthwaite, 1946)."""

    text: float
    training: float
    freedom: float

    @property
    def error(self) -> float:
        """The standard error."""
        return math.hypot(self.text, self.training)

    @property
    def reach(self) -> float:
        """Half of the width of the interval."""
        return t_975(self.freedom) * self.error

    @property
    def visible(self) -> float:
        """The smallest difference that would be seen with 80 % probability."""
        return self.reach + _quantile(_T_800, _Z_800, self.freedom) * self.error


def spread_of(replicates: Floats, residuals: Sequence[Floats], *, jackknife: bool) -> Spread:
    """The error of a figure that depends on the documents scored and on those trained on.

    Args:
        replicates: (R,) the figure by each replicate.
        residuals: a text set each, (1 + R, D): what each document adds to the figure, by the model that stands for the
            corpora (row 0) and by each replicate.
        jackknife: replicate r lacks group r of the training documents; else replicates are seeds, and the figure is
            their mean.
    """
    count = len(replicates)
    scale = 0.0 if count < 2 else (count - 1) / count if jackknife else 1.0 / (count - 1) / count
    trained = scale * float(((replicates - replicates.mean()) ** 2).sum()) if count else 0.0
    shared = sum(scale * float(((part[1:] - part[1:].mean(axis=0)) ** 2).sum()) for part in residuals) if count else 0.0
    own = max(0.0, trained - shared)
    texts = [float((part[0] ** 2).sum()) * part.shape[1] / (part.shape[1] - 1) for part in residuals]
    doubt = sum(text**2 / (part.shape[1] - 1) for text, part in zip(texts, residuals, strict=True))
    # Two or three seeds may agree by chance: all that their spread shows counts as doubt, not only their own part.
    doubt += (own if jackknife else trained) ** 2 / max(1, count - 1)
    freedom = (sum(texts) + own) ** 2 / doubt if doubt else math.inf
    return Spread(math.sqrt(sum(texts)), math.sqrt(own), max(1.0, freedom))


@dataclass(frozen=True)
class Difference:
    """A difference in bits per byte (B minus A) with its error: positive speaks for A."""

    estimate: float
    text_error: float
    """Over documents scored."""
    training_error: float
    """Over documents or seeds trained on, beyond what the documents scored show of them."""
    interval: tuple[float, float]
    """Over both; the verdict is read off it."""
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
    seeds, and the estimate is their mean. Few replicates or documents widen the interval (Student's t).
    """
    values = np.mean([panel.differences() for panel in panels], axis=0)  # (1 + R,)
    weight = 1.0 / len(panels)
    spread = spread_of(values[1:], [panel.residuals(-weight, weight) for panel in panels], jackknife=jackknife)
    estimate = float(values[0] if jackknife or len(values) == 1 else values[1:].mean())
    return Difference(
        estimate=estimate,
        text_error=spread.text,
        training_error=spread.training,
        interval=(estimate - spread.reach, estimate + spread.reach),
        smallest_visible=spread.visible,
    )


def t_975(freedom: float) -> float:
    """The quantile of Student's t for a two-sided 95 % interval."""
    return _quantile(_T_975, _Z_975, freedom)


def _quantile(table: Sequence[float], limit: float, freedom: float) -> float:
    """Student's t: by table, or for many degrees of freedom by the first terms of its expansion about the normal."""
    if freedom < len(table) + 1:
        return table[int(freedom) - 1]
    return limit if math.isinf(freedom) else limit + (limit**3 + limit) / (4.0 * freedom)


@dataclass(frozen=True)
class Comparison:
    """A verdict on A against B, and all it rests on."""

    verdict: str
    reason: str
    """The texts on which it was decided, and why."""
    overall: Difference | None
    """Over the text sets that decide; None without any."""
    panels: dict[str, Difference]
    bits_per_byte: dict[str, tuple[float, float]]
    """The first models' figures of A and of B, by text set."""


def compare(panels: Sequence[PanelScores], *, jackknife: bool, on: str = "neutral text") -> Comparison:
    """Judge A against B.

    With text sets that decide, and are `on` such text, their mean difference decides. Without, neither held-out text is
    a fair judge, for each corpus is at home on its own; so A is better only where it wins on B's text as well as on its
    own, and worse only where it loses on both.
    """
    by_panel = {panel.name: measure([panel], jackknife=jackknife) for panel in panels}
    scores = {panel.name: panel.bits_per_byte() for panel in panels}
    deciding = [panel for panel in panels if panel.decides]
    if deciding:
        overall = measure(deciding, jackknife=jackknife)
        names = ", ".join(panel.name for panel in deciding)
        return Comparison(overall.verdict, f"decided on {on}: {names}", overall, by_panel, scores)
    verdicts = {difference.verdict for difference in by_panel.values()}
    verdict = verdicts.pop() if len(verdicts) == 1 else CANNOT_TELL
    reason = "no neutral text was named, so one must win on the other's held-out text and on its own"
    return Comparison(verdict, reason, None, by_panel, scores)
