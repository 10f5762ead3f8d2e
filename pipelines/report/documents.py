"""The section on what the documents are like: languages, lengths, karma, dates."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pipelines.report.charts import Bin, columns
from pipelines.report.facts import Facts
from pipelines.report.markup import (
    Markup,
    bar,
    element,
    figure,
    folded,
    join,
    note,
    section,
    share,
    short,
    table,
    whole,
)
from pipelines.report.tallies import CorpusTally, Spread, ranked

_TICKS = [factor * 10**power for power in range(9) for factor in (1, 2, 5)]
_MOST_LANGUAGES = 20  # the commonest have a line of their own
_MOST_MONTHS = 48  # columns of a chart by month; beyond, by year


def documents_section(facts: Facts) -> Markup:
    """Tell languages, lengths, karma and dates."""
    corpus = facts.corpus
    if corpus is None:
        return section("documents", "Languages, lengths, karma, dates", note("There is no corpus yet."))
    figures = join([_lengths(corpus.words), _karma(facts, corpus), _posted(facts, corpus), _dated(corpus)])
    return section(
        "documents",
        "Languages, lengths, karma, dates",
        _languages(facts, corpus),
        element("div", figures, class_="charts"),
    )


def _languages(facts: Facts, corpus: CorpusTally) -> Markup:
    kept, foreign = corpus.languages, facts.rejections.languages
    both = kept + foreign
    rows: list[tuple[Any, ...]] = [
        (
            code or "(none)",
            whole(kept[code]),
            whole(foreign[code]),
            bar(count, both.total(), "" if kept[code] else "lost"),
        )
        for code, count in ranked(both, _MOST_LANGUAGES)
    ]
    others = [code for code, _ in ranked(both)[_MOST_LANGUAGES:]]
    if others:
        more = (whole(sum(side[code] for code in others)) for side in (kept, foreign))
        rows.append((f"{len(others)} others", *more, ""))
    return join(
        [
            element("h3", "Languages"),
            table(("language (ISO 639-1, by langdetect)", "in the corpus", "rejected for it", ""), rows),
        ]
    )


def _lengths(words: Spread) -> Markup:
    edges = sorted({round(10 ** (power / 6)) for power in range(49)})
    bins = _bins(words, words, edges, _TICKS)
    low, middle, high = (whole(words.quantile(at) or 0) for at in (0.05, 0.5, 0.95))
    mean = words.total / words.known if words.known else 0
    return figure(
        "Length",
        columns(bins, ["documents"], "words of a document", "documents"),
        f"Mean {mean:,.0f} words, median {middle}; nine in ten have {low} to {high}. Bins are equal on a log scale.",
        _numbers(bins, ("words", "documents")),
    )


def _karma(facts: Facts, corpus: CorpusTally) -> Markup:
    edges = sorted({round(10 ** (power / 5)) for power in range(36)})
    bins = _bins(facts.given.karma, corpus.karma, edges, _TICKS)
    names = [f"in {facts.start}", "of these in the corpus"]
    below = facts.given.karma.within(-(10**12), 1)
    said = (
        f"Median karma {facts.given.karma.quantile(0.5)} in {facts.start}, {corpus.karma.quantile(0.5)} in the corpus; "
        f"{facts.given.karma.unknown:,} without karma, {below:,} below 1."
    )
    return figure("Karma", columns(bins, names, "karma of the link", "links"), said, _numbers(bins, ("karma", *names)))


def _bins(outer: Spread, inner: Spread, edges: Sequence[int], ticks: Sequence[int]) -> list[Bin]:
    """Count two spreads in bins from each edge to below the next, without the empty ones at both ends."""
    bins = []
    for low, high in pairwise(edges):
        counts = (outer.within(low, high), inner.within(low, high))
        name = str(low) if high == low + 1 else f"{low:,} to {high - 1:,}"
        tick = next((short(tick) for tick in ticks if low <= tick < high), "")
        bins.append(Bin(name, tick, counts[:1] if outer is inner else counts))
    filled = [place for place, column in enumerate(bins) if any(column.counts)]
    return bins[filled[0] : filled[-1] + 1] if filled else []


def _posted(facts: Facts, corpus: CorpusTally) -> Markup:
    given, kept = facts.given.posted, corpus.posted
    months = sorted(month for month in given if month is not None)
    unknown = f"{given[None]:,} without a date."
    if not months:
        return figure("First posted", note("No link says when it was posted."), unknown)
    numbers = [_month_number(month) for month in months]
    monthly = numbers[-1] - numbers[0] < _MOST_MONTHS
    periods = range(numbers[0], numbers[-1] + 1) if monthly else range(months[0] // 100, months[-1] // 100 + 1)
    bins = []
    for period in periods:
        name = f"{period // 12}-{period % 12 + 1:02d}" if monthly else str(period)
        counts = [
            sum(
                count
                for month, count in side.items()
                if month is not None and (_month_number(month) if monthly else month // 100) == period
            )
            for side in (given, kept)
        ]
        bins.append(Bin(name, name, tuple(counts)))
    names = [f"in {facts.start}", "of these in the corpus"]
    step = "month" if monthly else "year"
    return figure(
        "First posted",
        columns(bins, names, f"{step} of the first submission (UTC)", "links"),
        unknown,
        _numbers(bins, (step, *names)),
    )


def _month_number(month: int) -> int:
    return month // 100 * 12 + month % 100 - 1


def _dated(corpus: CorpusTally) -> Markup:
    years = sorted(int(year) for year in corpus.dated if year.isdecimal() and year)
    undated = corpus.dated.total() - sum(corpus.dated[f"{year:04d}"] for year in years)
    said = f"{share(undated, corpus.dated.total())} of the documents declare no date."
    if not years:
        return figure("Date of the page", note("No page declares a date."), said)
    bins = [Bin(str(year), str(year), (corpus.dated[f"{year:04d}"],)) for year in range(years[0], years[-1] + 1)]
    return figure(
        "Date of the page",
        columns(bins, ["documents"], "year that the page declares", "documents"),
        said,
        _numbers(bins, ("year", "documents")),
    )


def _numbers(bins: Sequence[Bin], heads: Sequence[str]) -> Markup:
    rows = [(column.name, *(whole(count) for count in column.counts)) for column in bins]
    return folded("Numbers", table(heads, rows))


def similarity_figure(similarity: Counter[int]) -> Markup:
    """Draw how alike near-duplicates are to what stays in their place."""
    lowest = min(similarity)
    bins = [Bin(f"{place / 100:.2f}", f"{place / 100:.2f}", (similarity[place],)) for place in range(lowest, 101)]
    mean = math.fsum(place * count for place, count in similarity.items()) / similarity.total() / 100
    return figure(
        "How alike",
        columns(bins, ["near-duplicates"], "true Jaccard similarity to the document kept", "near-duplicates"),
        f"Mean {mean:.2f}. A column is a hundredth.",
        _numbers(bins, ("similarity", "near-duplicates")),
    )
