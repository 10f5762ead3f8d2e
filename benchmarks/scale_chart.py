"""The chart of a scale run: what a document costs, and the most memory a stage had, against the number of documents."""

import math
from collections.abc import Sequence
from typing import Any

from pipelines.report.charts import nice_ticks
from pipelines.report.markup import Markup, element

WIDTH, HEIGHT = 460, 300  # the size of a panel
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 100, 40, 46
_COLOURS = {"pages": "#8a6d00", "documents": "#0b5cad", "duplicates": "#b3261e", "corpus": "#2e7d32"}
_STYLE = (
    "text { font: 12px system-ui, sans-serif; fill: #333; } .title { font-size: 14px; font-weight: 600; } "
    ".grid { stroke: #ddd; } .axis { stroke: #777; } polyline { fill: none; stroke-width: 2; } "
    ".end { text-anchor: end; } .middle { text-anchor: middle; } svg { background: #fff; }"
)

Series = dict[str, list[tuple[float, float]]]  # stage → (documents, value)


def draw(results: Sequence[dict[str, Any]]) -> str:
    """Draw the results of several sizes as one SVG of two panels."""
    cost: Series = {name: [] for name in _COLOURS}
    memory: Series = {name: [] for name in _COLOURS}
    for result in results:
        for name in _COLOURS:
            stage = result["stages"][name]
            cost[name].append((result["documents"], stage["cpu"] * 1000 / result["documents"]))
            memory[name].append((result["documents"], stage["memory"] / 1e6))
    panels = [_panel(cost, "CPU time, ms a document", 0), _panel(memory, "Most memory, MB", WIDTH)]
    drawing = element(
        "svg",
        element("style", Markup(_STYLE)),
        element("rect", width=2 * WIDTH, height=HEIGHT, fill="#fff"),
        *panels,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {2 * WIDTH} {HEIGHT}",
        width=2 * WIDTH,
        height=HEIGHT,
        role="img",
        aria_label="Cost and memory of a build against the number of documents",
    )
    return str(drawing) + "\n"


def _panel(series: Series, title: str, shift: int) -> Markup:
    xs = sorted({x for points in series.values() for x, _ in points})
    top = max((y for points in series.values() for _, y in points), default=1.0) * 1.05 or 1.0
    low, high = math.log10(xs[0] / 1.3), math.log10(xs[-1] * 1.05)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)
        return _LEFT + across, HEIGHT - _BOTTOM - y / top * (HEIGHT - _TOP - _BOTTOM)

    right, base = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    parts = [element("text", title, x=_LEFT, y=22, class_="title")]
    for value in nice_ticks(0, top):
        y = place(xs[0], value)[1]
        parts.append(element("line", class_="grid", x1=_LEFT, x2=right, y1=f"{y:.1f}", y2=f"{y:.1f}"))
        parts.append(element("text", f"{value:,.10g}", x=_LEFT - 6, y=f"{y + 4:.1f}", class_="end"))
    parts += [
        element("text", f"{value:,.0f}", x=f"{place(value, 0)[0]:.1f}", y=base + 17, class_="middle") for value in xs
    ]
    parts.append(element("line", class_="axis", x1=_LEFT, x2=right, y1=base, y2=base))
    parts.append(element("text", "documents", x=(_LEFT + right) / 2, y=HEIGHT - 8, class_="middle"))
    labels = _apart({name: place(*points[-1])[1] for name, points in series.items()})
    for name, points in series.items():
        drawn = [place(*point) for point in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
        parts.append(element("polyline", element("title", name), points=path, stroke=_COLOURS[name]))
        dots = (element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=3, fill=_COLOURS[name]) for x, y in drawn)
        parts += [
            *dots,
            element("text", name, x=right + 8, y=f"{labels[name] + 4:.1f}", style=f"fill: {_COLOURS[name]}"),
        ]
    return element("g", *parts, transform=f"translate({shift} 0)")


def _apart(places: dict[str, float], room: float = 14.0) -> dict[str, float]:
    """Move labels up until none covers another, or the numbers below the axis."""
    moved: dict[str, float] = {}
    for name, y in sorted(places.items(), key=lambda item: -item[1]):
        moved[name] = min([y, HEIGHT - _BOTTOM - room / 2, *(other - room for other in moved.values())])
    return moved
