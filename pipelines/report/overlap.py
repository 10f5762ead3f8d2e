"""The section on overlap: what share of each benchmark's n-grams stands in the corpus, and in which documents."""

from bisect import insort
from typing import Any

from pipelines.report.charts import Line, lines
from pipelines.report.facts import read_json
from pipelines.report.markup import (
    Markup,
    element,
    figure,
    folded,
    join,
    link,
    note,
    section,
    share,
    size,
    table,
    whole,
)
from pipelines.report.staleness import stale_note
from pipelines.report.tallies import batches
from pipelines.stages.output import Output
from webtext import storage
from webtext.tables import read_columns

# Files of `webtext overlap` (docs/overlap.md).
SETS, DISTRIBUTION, EVIDENCE, SUMMARY = "sets.parquet", "distribution.parquet", "evidence.parquet", "overlap.json"
_LINES = 6  # the most in one chart
_SHOWN = 12  # items whose evidence is shown
_CHARACTERS = 600


def overlap_section(output: str) -> Markup:
    """Show the table and the distributions of `webtext overlap`, where it has run into OUTPUT/overlap."""
    title, directory = "Overlap with benchmarks", Output(output).overlap
    if not storage.list_files(directory, SETS):
        command = element("code", "webtext overlap OUTPUT BENCHMARK... --output OUTPUT")
        return section("overlap", title, note("Not here: ", command, " has not run."))
    with storage.open_file(storage.join(directory, SETS)) as stream:
        sets = sorted(read_columns(stream).to_pylist(), key=lambda row: row["name"])
    said = note(
        "As in GPT-2's Table 6: the share of a set's n-grams, repeats included, that the Bloom filter of the corpus "
        "holds. Beside it the exact share, by a pass over the corpus, and the share that the set's own training "
        "split holds, where it was given."
    )
    return section(
        "overlap",
        title,
        stale_note(output, "overlap"),
        said,
        *_trust(directory),
        _table(sets),
        _distributions(directory),
        _evidence(directory),
    )


def _trust(directory: str) -> list[Markup]:
    """Tell how large the filter is, and how often it errs."""
    summary = read_json(directory, SUMMARY)
    if summary is None:
        return []
    held, probes = summary["filter"], summary["probes"]
    return [
        note(
            f"The filter holds {held['ngrams']:,} {held['grams']['n']}-grams of {held['documents']:,} documents in "
            f"{size(held['bytes'])}. Of {probes['probes']:,} random n-grams that the corpus cannot hold it found "
            f"{probes['hits']:,}: it errs in fewer than {probes['upper_bound']:.1e} of cases (95 % confidence)."
        )
    ]


def _table(sets: list[dict[str, Any]]) -> Markup:
    heads = ("set", "items", "n-grams", "in the corpus", "exactly", "own training split", "false hits")
    rows = [
        (
            row["name"],
            whole(row["items"]),
            whole(row["ngrams"]),
            _share(row["share"]),
            _share(row["exact_share"]),
            _share(row["own_train_share"]),
            "-" if row["false_hits"] is None else whole(row["false_hits"]),
        )
        for row in sets
    ]
    by_item = (
        "set",
        "with overlap",
        "mean share",
        "median share",
        "too short for an n-gram",
        "of these found",
        "empty",
    )
    items = [
        (
            row["name"],
            share(row["items_with_overlap"], row["items"] - row["short_items"] - row["empty_items"]),
            _share(row["mean_share"]),
            _share(row["median_share"]),
            whole(row["short_items"]),
            "-" if row["short_found"] is None else whole(row["short_found"]),
            whole(row["empty_items"]),
        )
        for row in sets
    ]
    return join([table(heads, rows, class_="sortable"), element("h3", "Item by item"), table(by_item, items)])


def _share(value: float | None) -> str:
    return "-" if value is None else share(value, 1)


def _distributions(directory: str) -> Markup:
    """Draw for each set what share of its items has at most so much overlap."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for batch in batches(directory, DISTRIBUTION, ("name", "share", "cumulative")):
        for row in batch.to_pylist():  # rows come by set, ascending
            points, share_of_it = curves.setdefault(row["name"], [(0.0, 0.0)]), 100 * row["share"]
            points += [(share_of_it, points[-1][1]), (share_of_it, 100 * row["cumulative"])]
    series = [Line(name, (*points, (100.0, 100.0))) for name, points in sorted(curves.items())]
    charts = [
        figure(
            "How the overlap is distributed",
            lines(series[first : first + _LINES], "share of an item's n-grams in the corpus, %", "items, %", 0, 100),
            "Each line rises to the share of items with at most so much overlap: where it starts high, most have none.",
        )
        for first in range(0, len(series), _LINES)
    ]
    return element("div", *charts, class_="charts") if charts else Markup("")


def _evidence(directory: str) -> Markup:
    """Show the items of which documents hold the most."""
    fullest: list[tuple[tuple[float, str, int], dict[str, Any]]] = []
    columns = ("name", "position", "rank", "url", "ngrams_found", "share", "excerpt")
    for batch in batches(directory, EVIDENCE, columns):
        for row in batch.to_pylist():
            if row["rank"] == 1:
                insort(fullest, ((-row["share"], row["name"], row["position"]), row), key=lambda entry: entry[0])
                del fullest[_SHOWN:]
    if not fullest:
        return note("No document of the corpus holds an n-gram of an item.")
    cards = (_card(row) for _, row in fullest)
    return folded("The items of which a document holds the most", element("div", *cards, class_="samples"))


def _card(row: dict[str, Any]) -> Markup:
    told = (
        f"{row['name']}, item {row['position']:,}: {row['ngrams_found']:,} n-grams, {share(row['share'], 1)} of its own"
    )
    facts = element("p", link(row["url"]), element("span", told), class_="facts")
    return element("article", facts, element("blockquote", row["excerpt"][:_CHARACTERS], dir="auto"), class_="sample")
