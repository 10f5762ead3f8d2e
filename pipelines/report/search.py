"""The section that answers "Why is my page missing?": an index of all links in the page itself, and a field to ask it.

The index is text in a hidden element: a line a link, of its URL, the stage that rejected it ("" where it stays), the
reason, and the evidence. Beyond `MOST_LINKS` links a page would be too heavy, and says who answers instead.
"""

from collections.abc import Iterator

from pipelines.report.facts import Facts
from pipelines.report.markup import Markup, element, note, section
from pipelines.report.samples import REPEATED
from pipelines.report.tallies import batches
from pipelines.stages.output import KINDS, Output

MOST_LINKS = 20_000  # lines of some 100 bytes: 2 MB of page
_REJECTED = ("url", "reason", "detail", "kept_url")
_MOST_DETAIL = 100  # characters


def search_section(facts: Facts) -> Markup:
    """Draw the field, and the index behind it."""
    title = "Why is my page missing?"
    links = facts.rejections.reasons.total() + (facts.corpus.rows if facts.corpus else 0)
    elsewhere = (
        element("code", "webtext explain URL"),
        " answers for one page or a list, ",
        element("code", "webtext serve OUTPUT"),
        " for an output of any size.",
    )
    if links > MOST_LINKS:
        return section("search", title, note(f"There are too many links to ask this page ({links:,}): ", *elsewhere))
    told = note("Asks for a URL, a part of one, or a host. ", *elsewhere)
    answer = element("div", id="found", aria_live="polite")
    index = element("pre", "\n".join(_lines(facts)), id="index", hidden=True)
    return section("search", title, told, answer, index)


def _lines(facts: Facts) -> Iterator[str]:
    """Give each link its end; a submission that repeats another's URL is told only where that URL has no other end."""
    found = list(_ends(facts))
    others = {url for url, _, reason, _ in found if reason != REPEATED}
    for url, *end in found:
        if end[1] != REPEATED or url not in others:
            yield "\t".join(" ".join(field.split()) for field in (url, *end))


def _ends(facts: Facts) -> Iterator[tuple[str, str, str, str]]:
    for name, _ in facts.funnel.stages:
        for batch in batches(Output(facts.output).directory(name), "rejections-*.parquet", _REJECTED):
            for row in batch.to_pylist():
                evidence = f"in its place: {row['kept_url']}" if row["kept_url"] else row["detail"][:_MOST_DETAIL]
                if row["url"]:
                    yield row["url"], KINDS[name].title, row["reason"], evidence
    if facts.corpus is not None:
        for batch in batches(Output(facts.output).corpus, KINDS["corpus"].kept, ("url", "title")):
            for row in batch.to_pylist():
                yield row["url"], "", "", row["title"][:_MOST_DETAIL]
