"""What `webtext overlap` writes for people: Markdown with GPT-2's Table 6, and the distributions as a picture."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from dedup.overlap.bloom import NgramFilter
from dedup.overlap.clean_subsets import Subsets
from dedup.overlap.measure import Evidence, Measured
from dedup.overlap.probes import Probed, Recalled

TOP_ITEMS = 10  # the items of a set shown with the documents that hold them
# GPT-2 paper, table 6: % of the test set's 8-grams in its own training set, and in WebText's.
PUBLISHED = {
    "ptb": (2.67, 0.88),
    "wikitext2": (0.66, 1.63),
    "enwik8": (7.50, 6.31),
    "text8": (2.34, 3.94),
    "wikitext103": (9.09, 2.42),
    "1bw": (13.19, 3.75),
}
# Okabe and Ito's colours (2008), which the colour-blind can tell apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("", "6 3", "2 2")
_FONT = 'font-family="sans-serif" font-size="12"'
_WIDTH, _HEIGHT, _MARGIN, _LEGEND = 560, 360, 50, 190


def per_cent(share: float | None) -> str:
    """Write a share as per cent, as Table 6 does.

    >>> per_cent(0.0088), per_cent(None)
    ('0.88', '-')
    """
    return "-" if share is None else f"{100 * share:.2f}"


def markdown(
    measured: Sequence[Measured],
    found: Sequence[Evidence],
    ngram_filter: NgramFilter,
    probed: Probed,
    recalled: Sequence[Recalled],
    subsets: Mapping[str, Subsets],
) -> str:
    """Write the whole report."""
    parts = [
        _table(measured, ngram_filter),
        _trust(measured, ngram_filter, probed, recalled),
        _subsets(subsets),
        _top(measured, found),
    ]
    return "\n".join(line for part in parts for line in (*part, ""))


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _head(*cells: str) -> list[str]:
    return [_row(*cells), _row("---", *("---:" for _ in cells[1:]))]


def _table(measured: Sequence[Measured], ngram_filter: NgramFilter) -> Iterator[str]:
    info = ngram_filter.info
    n = info.grams.n
    yield f"# Overlap of {n}-grams with the training text"
    yield ""
    yield f"{info.documents:,} documents, {info.ngrams:,} {n}-grams, normaliser `{info.grams.normalizer}`."
    yield f"Per cent of each set's {n}-grams, as GPT-2's Table 6 (paper, section 4) has them:"
    yield ""
    yield from _head("set", f"{n}-grams", "own train", "corpus", "corpus, exact", "GPT-2: own train", "GPT-2: WebText")
    for row in (one.row for one in measured):
        published = PUBLISHED.get(row.name, (None, None)) if n == 8 else (None, None)
        paper = ("-" if figure is None else f"{figure:.2f}" for figure in published)
        shares = (per_cent(share) for share in (row.own_train_share, row.share, row.exact_share))
        yield _row(row.name, f"{row.ngrams:,}", *shares, *paper)
    yield ""
    yield "Item by item; a short item has fewer words than an n-gram, and is found where all of them stand in a row:"
    yield ""
    yield from _head("set", "items", "with overlap", "mean %", "median %", "short", "short, found", "without words")
    for row in (one.row for one in measured):
        short = "-" if row.short_found is None else f"{row.short_found:,}"
        means = per_cent(row.mean_share), per_cent(row.median_share)
        yield _row(row.name, row.items, row.items_with_overlap, *means, row.short_items, short, row.empty_items)
    yield ""
    yield "![Share of items by overlap](distribution.svg)"


def _trust(
    measured: Sequence[Measured], ngram_filter: NgramFilter, probed: Probed, recalled: Sequence[Recalled]
) -> Iterator[str]:
    info = ngram_filter.info
    yield "## How far to trust this"
    yield ""
    yield (
        f"- The filter: {ngram_filter.table.nbytes:,} bytes for {info.capacity:,} n-grams; promised "
        f"{info.error_rate:.0e}, its own bits come to {probed.table_rate:.2e}."
    )
    yield (
        f"- {probed.probes:,} random n-grams looked up, {probed.hits:,} found: the false-positive rate is below "
        f"{probed.upper_bound:.2e} (95 %)."
    )
    rows = [one.row for one in measured]
    if all(row.false_hits is not None for row in rows):
        hits, false = (sum(getattr(row, name) for row in rows) for name in ("distinct_found", "false_hits"))
        missed = sum(row.missed or 0 for row in rows)
        yield (
            f"- Each of the filter's {hits:,} hits was looked up in the corpus: {false:,} are not there. "
            f"It missed {missed:,} that are."
        )
    else:
        yield "- There was no corpus beside the filter: its hits are not cross-checked, short items are not tested."
    for one in recalled:
        asked = "must not be found" if one.way == "near_miss" else "planted"
        yield (
            f"- {one.way.replace('_', ' ')}: {one.items:,} items {asked}; the filter found {one.found_by_filter:,}, "
            f"the scan {one.found_by_scan:,}."
        )


def _subsets(subsets: Mapping[str, Subsets]) -> Iterator[str]:
    if not subsets:
        return
    yield "## Clean and dirty subsets"
    yield ""
    yield "As GPT-3, appendix C: an item is dirty if one of its N-grams is in the corpus. Positions: `dirty.json`."
    yield ""
    yield from _head("set", "N", "clean", "dirty", "clean %")
    for name, parts in subsets.items():
        clean, dirty = len(parts.clean), len(parts.dirty)
        yield _row(name, parts.n, f"{clean:,}", f"{dirty:,}", per_cent(clean / (clean + dirty)))


def _top(measured: Sequence[Measured], found: Sequence[Evidence]) -> Iterator[str]:
    seen: dict[tuple[str, int], list[Evidence]] = {}
    for place in found:
        seen.setdefault((place.name, place.position), []).append(place)
    for one in measured:
        items = [item for item in one.items if item.found]
        items.sort(key=lambda item: (-(item.share or 0), -item.found, item.position))
        if items:
            yield f"## {one.row.name}: the items with most overlap"
            yield ""
        for item in items[:TOP_ITEMS]:
            yield f"- **{per_cent(item.share)} %** of item {item.position}: {_quote(item.text)}"
            for place in seen.get((item.name, item.position), ()):
                yield f"  - {place.share:.0%} in <{place.url}>: {_quote(place.excerpt)}"
        yield ""


def _quote(text: str) -> str:
    """Quote foreign text so that Markdown takes none of it for its own."""
    flat = " ".join(text.split()).replace("`", "'")
    return f"`{flat[:240]}{'…' if len(flat) > 240 else ''}`"


def distribution_points(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """The cumulative distribution of each set: the share of its items with at most so much overlap."""
    points = []
    for one in measured:
        shares = sorted(item.share for item in one.items if item.share is not None)
        for rank, share in enumerate(shares, 1):
            if rank == len(shares) or shares[rank] != share:
                points.append({"name": one.row.name, "share": share, "items": rank, "cumulative": rank / len(shares)})
    return points


def picture(measured: Sequence[Measured]) -> str:
    """Draw the distributions (the paper's figure 5, for benchmarks): overlap to the right, share of items upwards."""
    points = distribution_points(measured)
    names = list(dict.fromkeys(point["name"] for point in points))
    height = max(_HEIGHT, 2 * _MARGIN + 18 * len(names))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + _LEGEND} {height}" {_FONT} role="img">',
        "<title>Share of each set's items with at most so much overlap</title>",
        f'<rect width="{_WIDTH + _LEGEND}" height="{height}" fill="white"/>',
    ]
    for tick in range(0, 101, 25):
        x, y = _place(tick / 100, 0, height)[0], _place(0, tick / 100, height)[1]
        lines.append(f'<path d="M{_MARGIN} {y:.1f}H{_WIDTH - _MARGIN}" stroke="#ddd"/>')
        lines.append(f'<text x="{x:.1f}" y="{height - _MARGIN + 16}" text-anchor="middle">{tick}</text>')
        lines.append(f'<text x="{_MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{tick}</text>')
    centre = _WIDTH / 2
    lines.append(f'<text x="{centre}" y="{height - 12}" text-anchor="middle">% of an item\'s n-grams found</text>')
    lines.append(
        f'<text transform="translate(14 {height / 2}) rotate(-90)" text-anchor="middle">% of items, cumulative</text>'
    )
    for number, name in enumerate(names):
        own = [point for point in points if point["name"] == name]
        lines += _curve(number, name, [(point["share"], point["cumulative"]) for point in own], height)
    return "\n".join([*lines, "</svg>", ""])


def _place(share: float, cumulative: float, height: int) -> tuple[float, float]:
    return _MARGIN + share * (_WIDTH - 2 * _MARGIN), height - _MARGIN - cumulative * (height - 2 * _MARGIN)


def _curve(number: int, name: str, steps: Sequence[tuple[float, float]], height: int) -> Iterator[str]:
    colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number // len(_COLOURS) % len(_DASHES)]
    style = f'fill="none" stroke="{colour}" stroke-width="1.6" stroke-dasharray="{dash}"'
    x, y = _place(0, 0, height)
    path = [f"M{x:.1f} {y:.1f}"]
    for share, cumulative in steps:
        x, y = _place(share, cumulative, height)
        path.append(f"H{x:.1f}V{y:.1f}")
    path.append(f"H{_WIDTH - _MARGIN}")
    yield f'<path d="{"".join(path)}" {style}/>'
    line = _MARGIN + 18 * number
    yield f'<path d="M{_WIDTH - 20} {line}h24" {style}/>'
    yield f'<text x="{_WIDTH + 10}" y="{line + 4}">{escape(name)}</text>'
