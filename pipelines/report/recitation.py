"""The pictures of the paper's section 4: training against held-out loss, and how much of what is written was read."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.report.charts import Line, lines
from pipelines.report.markup import Markup, figure, share, table, whole

_MOST = 6  # lines that can be told apart; the table has all
_HEADS = ("text", "texts", "median", "mean", "without any")


def loss_figure(curve: Sequence[Mapping[str, float]]) -> Markup:
    """Draw training and held-out loss over the steps of a run (the paper's Figure 4, over time)."""
    series = [
        Line(name, tuple((point["step"], point[key]) for point in curve))
        for name, key in (("training", "loss"), ("held-out", "heldout_loss"))
    ]
    rows = [
        (whole(point["step"]), *(f"{point[key]:.4f}" for key in ("loss", "heldout_loss")), f"{_gap(point):+.4f}")
        for point in curve
    ]
    heads = ("step", "training", "held-out", "held-out minus training")
    said = "Lines that fall together say that nothing is learnt by heart; a gap that opens says that the text repeats."
    return figure("Loss", lines(series, "step", "loss, nats a token"), said, table(heads, rows, words=0))


def size_figure(sizes: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw training and held-out loss over the sizes of several runs (the paper's Figure 4)."""
    series = [
        Line(name, tuple((math.log10(one["parameters"]), one["losses"][name]["nats_per_token"]) for one in sizes))
        for name in ("training", "held-out")
    ]
    rows = [
        (
            whole(one["parameters"]),
            *(f"{one['losses'][name]['nats_per_token']:.4f}" for name in ("training", "held-out")),
            f"{one['gap']['value']:+.4f}",
            "-" if one["gap"]["low"] is None else f"{one['gap']['low']:+.4f} to {one['gap']['high']:+.4f}",
        )
        for one in sizes
    ]
    heads = ("parameters", "training", "held-out", "held-out minus training", "95 % interval")
    said = (
        "Both fall together where a larger model still learns from the corpus; a gap says that it learns it by heart."
    )
    drawing = lines(series, "parameters, logarithm to base 10", "loss, nats a token")
    return figure("Loss by size", drawing, said, table(heads, rows, words=0))


def _gap(point: Mapping[str, float]) -> float:
    return point["heldout_loss"] - point["loss"]


def overlap_figure(found: Mapping[str, Mapping[str, Any]]) -> Markup:
    """Draw the cumulative distributions of 8-gram overlap (the paper's Figure 5), a line a set of texts."""
    measured = {name: one["distribution"] for name, one in found.items() if one["texts"]}
    most = max((shares[-1] for shares in measured.values() if shares), default=0.0)
    drawn = [Line(name, _steps(shares, most)) for name, shares in measured.items()]
    said = (
        "How many texts have at most so much in common with the training text. A line that rises early is of texts "
        "that are new; one that stays low is of texts that stand there already."
    )
    drawing = lines(
        drawn[:_MOST], "share of a text's 8-grams in the training text, %", "texts, cumulative, %", 0.0, 100.0
    )
    return figure("8-gram overlap with the training text", drawing, said, overlap_table(found))


def overlap_table(found: Mapping[str, Mapping[str, Any]]) -> Markup:
    """Lay out what the paper says of each distribution: its median, and how many texts have no overlap at all."""
    rows = [
        (name, whole(one["texts"]), *(share(one[key], 1) for key in ("median", "mean", "share_without")))
        for name, one in found.items()
        if one["texts"]
    ]
    return table(_HEADS, rows)


def _steps(shares: Sequence[float], most: float) -> tuple[tuple[float, float], ...]:
    """Corners of a cumulative distribution, in per cent of both, drawn as far as the share `most`.

    >>> _steps([0.0, 0.5], 0.75)
    ((0.0, 0.0), (0.0, 50.0), (50.0, 50.0), (50.0, 100.0), (75.0, 100.0))
    """
    corners = []
    for rank, value in enumerate(shares):
        corners += [(100.0 * value, 100.0 * rank / len(shares)), (100.0 * value, 100.0 * (rank + 1) / len(shares))]
    return (*corners, (100.0 * most, 100.0))
