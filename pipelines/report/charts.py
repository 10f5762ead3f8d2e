"""Charts as inline SVG: columns over bins and lines over a plane, with labelled axes and nothing to download.

Colours and type come from the page's style, so charts follow its light and dark. Each mark has a title for the pointer;
the numbers themselves stand in a table beside the chart.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.report.markup import Markup, element, join, short

WIDTH, HEIGHT = 440, 250  # the view box; on the page a chart is between 0.75 and 1.3 times as large
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 14, 50
_TICKS = 4  # wanted on an axis
_MARKS = 6  # the kinds of line: solid, dashed, dotted ...
_WIDEST = 60  # a column, so that one alone is not a wall
_COLUMNS = ("all", "part")  # styles: of two series the first is pale, and the second lies before it


@dataclass(frozen=True)
class Bin:
    """A column: what it is called, its tick on the axis ("" for none), and how many it holds of each series."""

    name: str
    tick: str
    counts: tuple[float, ...]


@dataclass(frozen=True)
class Line:
    """A series of points (x, y)."""

    name: str
    points: tuple[tuple[float, float], ...]


def nice_ticks(low: float, high: float, wanted: int = _TICKS) -> list[float]:
    """Choose round numbers, 1, 2 or 5 times a power of ten apart, that lie from `low` to `high`.

    >>> nice_ticks(0, 87)
    [0.0, 20.0, 40.0, 60.0, 80.0]
    """
    span = (high - low) or 1.0
    step = 10.0 ** math.floor(math.log10(span / wanted))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= wanted + 1)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def columns(bins: Sequence[Bin], series: Sequence[str], x_label: str, y_label: str) -> Markup:
    """Draw the series of each bin one before the other, so the second is read as a part of the first."""
    top = max((count for column in bins for count in column.counts), default=0)
    if not top:
        return element("p", f"There are no {y_label} to draw.", class_="note")
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(bins))
    wide, marks = min(step * 0.88, _WIDEST), []
    for place, column in enumerate(bins):
        x = _LEFT + (place + 0.5) * step - wide / 2
        for number, count in enumerate(column.counts):
            tall = (HEIGHT - _TOP - _BOTTOM) * count / top
            said = f"{column.name}: {count:,.0f} {series[number]}"
            marks.append(
                element(
                    "rect", element("title", said), class_=_COLUMNS[number + 2 - len(column.counts)], x=f"{x:.2f}",
                    y=f"{HEIGHT - _BOTTOM - tall:.2f}", width=f"{wide:.2f}", height=f"{tall:.2f}",
                )
            )  # fmt: skip
    ticks = [(_LEFT + (place + 0.5) * step, column.tick) for place, column in enumerate(bins) if column.tick]
    axes = _axes(
        _thinned(ticks),
        [(_y(value, 0, top), short(value)) for value in nice_ticks(0, top) if value == round(value)],
        x_label,
        y_label,
    )
    return _chart(axes, join(marks), f"{y_label} by {x_label}", _legend(series) if len(series) > 1 else Markup(""))


def lines(
    series: Sequence[Line], x_label: str, y_label: str, low: float | None = None, high: float | None = None
) -> Markup:
    """Draw lines over a plane; the y axis runs over the values, or from `low` to `high`."""
    xs = [x for line in series for x, _ in line.points]
    ys = [y for line in series for _, y in line.points]
    left, right = min(xs, default=0.0), max(xs, default=1.0)
    right = right if right > left else left + 1.0
    bottom = min(ys, default=0.0) if low is None else low
    top = max(ys, default=1.0) if high is None else high
    top = top if top > bottom else bottom + 1.0
    marks = [
        element(
            "polyline",
            element("title", line.name),
            class_=f"line series-{number % _MARKS}",
            points=" ".join(f"{_x(x, left, right):.1f},{_y(y, bottom, top):.1f}" for x, y in _drawable(line.points)),
        )
        for number, line in enumerate(series)
    ]
    axes = _axes(
        [(_x(value, left, right), short(value)) for value in nice_ticks(left, right)],
        [(_y(value, bottom, top), short(value)) for value in nice_ticks(bottom, top)],
        x_label,
        y_label,
    )
    return _chart(axes, join(marks), f"{y_label} over {x_label}", _legend([line.name for line in series], line=True))


def _drawable(points: Sequence[tuple[float, float]], most: int = 400) -> Sequence[tuple[float, float]]:
    """Thin a line to what can be seen, keeping its ends."""
    if len(points) <= most:
        return points
    return [points[round(place * (len(points) - 1) / (most - 1))] for place in range(most)]


def _x(value: float, left: float, right: float) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * (value - left) / (right - left)


def _y(value: float, bottom: float, top: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (value - bottom) / (top - bottom)


def _thinned(ticks: Sequence[tuple[float, str]], room: float = 34.0) -> list[tuple[float, str]]:
    """Leave out ticks that would touch the one before."""
    kept: list[tuple[float, str]] = []
    for place, text in ticks:
        if not kept or place - kept[-1][0] >= max(room, 8.0 * len(text)):
            kept.append((place, text))
    return kept


def _axes(
    x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]], x_label: str, y_label: str
) -> Markup:
    base = HEIGHT - _BOTTOM
    parts = [
        element("line", class_="grid", x1=_LEFT, x2=WIDTH - _RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}") for y, _ in y_ticks
    ]
    parts += [element("text", text, x=_LEFT - 6, y=f"{y + 4:.1f}", class_="tick end") for y, text in y_ticks]
    parts += [element("text", text, x=f"{x:.1f}", y=base + 17, class_="tick middle") for x, text in x_ticks]
    parts.append(element("line", class_="axis", x1=_LEFT, x2=WIDTH - _RIGHT, y1=base, y2=base))
    parts.append(element("text", x_label, x=(WIDTH + _LEFT - _RIGHT) / 2, y=HEIGHT - 8, class_="label middle"))
    turned = f"translate(12 {(base + _TOP) / 2}) rotate(-90)"
    parts.append(element("text", y_label, transform=turned, class_="label middle"))
    return join(parts)


def _legend(names: Sequence[str], *, line: bool = False) -> Markup:
    keys = []
    for number, name in enumerate(names):
        mark = (
            element("line", class_=f"line series-{number % _MARKS}", x1=0, x2=22, y1=6, y2=6)
            if line
            else element("rect", class_=_COLUMNS[number], width=12, height=12)
        )
        swatch = element("svg", mark, viewBox="0 0 22 12" if line else "0 0 12 12", class_="key", aria_hidden="true")
        keys.append(element("li", swatch, name))
    return element("ul", *keys, class_="legend")


def _chart(axes: Markup, marks: Markup, said: str, legend: Markup) -> Markup:
    drawing = element("svg", axes, marks, viewBox=f"0 0 {WIDTH} {HEIGHT}", class_="chart", role="img", aria_label=said)
    return join([drawing, legend])
