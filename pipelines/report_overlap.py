"""The section on overlap: what share of each benchmark stands in the training shards."""

from pipelines.report_markup import Markup, element, note, section


def overlap_section(_: str) -> Markup:
    """Show the table and the distributions of `webtext overlap`, where it has run into OUTPUT/overlap."""
    command = element("code", "webtext overlap OUTPUT/corpus BENCHMARK... --output OUTPUT/overlap")
    return section("overlap", "Overlap with benchmarks", note("Not here: ", command, " has not run."))
