"""The end-to-end benchmark as a picture: pages a CPU second of each system on each set, from the latest results."""

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_WIDTH, _LABELS, _BAR, _ROW, _HEAD = 760, 250, 20, 28, 34  # pixels
_OURS, _THEIRS, _TEXT = "#0b6e4f", "#9aa5b1", "#1f2933"
_FONT = 'font-family="system-ui, sans-serif"'


def write_chart(history: Path, picture: Path) -> None:
    """Draw the latest result of each set and system, as SVG."""
    latest: dict[str, dict[str, Any]] = {}
    for line in history.read_text().splitlines():
        result = json.loads(line)
        found = latest.setdefault(result["set"], {"systems": {}})
        found |= {"pages": result["pages"]}
        found["systems"] |= result["systems"]
    most = max(system["pages_per_cpu_s"] for result in latest.values() for system in result["systems"].values())
    rows, height = [], 44
    for name, result in latest.items():
        rows.append(_text(16, height + 18, f"{name}: {result['pages']:,} pages", weight=600))
        height += _HEAD
        for key, system in sorted(result["systems"].items(), key=lambda item: (not _is_ours(item[0]), item[0])):
            rows += _bar(height, key, system, (_WIDTH - _LABELS - 150) / most)
            height += _ROW
        height += 10
    title = _text(16, 26, "Pages to a de-duplicated corpus: pages a CPU second", size=17, weight=600)
    body = "\n".join([title, *rows])
    picture.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height + 6}" width="{_WIDTH}">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _is_ours(key: str) -> bool:
    return key.startswith("webtext")


def _bar(top: int, key: str, system: dict[str, Any], scale: float) -> list[str]:
    rate = system["pages_per_cpu_s"]
    width, color = rate * scale, _OURS if _is_ours(key) else _THEIRS
    figure = f"{rate:.0f}" + (f"   F1 {system['f1']:.3f}" if system.get("f1") else "")
    return [
        _text(_LABELS - 10, top + 15, system["what"], anchor="end"),
        f'<rect x="{_LABELS}" y="{top}" width="{width:.1f}" height="{_BAR}" fill="{color}"/>',
        _text(_LABELS + width + 8, top + 15, figure),
    ]


def _text(left: float, base: float, content: str, *, size: int = 13, weight: int = 400, anchor: str = "start") -> str:
    return (
        f'<text x="{left:.1f}" y="{base}" {_FONT} font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{_TEXT}" xml:space="preserve">{escape(content)}</text>'
    )
