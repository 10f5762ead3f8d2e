"""The sections of evidence: documents that stay, rejections of each reason, and near-duplicates side by side."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pipelines.report.difference import Piece, Row, compare_texts
from pipelines.report.documents import similarity_figure
from pipelines.report.facts import Facts
from pipelines.report.markup import Markup, element, folded, join, link, note, section, share, table, whole
from pipelines.report.samples import Cluster, RejectionTally
from pipelines.stages.output import KINDS
from webtext.records import MOST_EXCERPT

MOST_CHARACTERS = 600  # the beginning of a text that is shown
MOST_UNFOLDED = 10_000  # what a click shows


def kept_section(facts: Facts) -> Markup:
    """Show documents of the corpus, drawn by hash."""
    if not facts.kept:
        return section("kept", "Documents that stay", note("There is no document in a corpus yet."))
    said = note(f"{len(facts.kept)} documents drawn by the hash of their ids: a fair draw, and the same each time.")
    return section("kept", "Documents that stay", said, _cards(_document(row) for row in facts.kept))


def _cards(cards: Iterable[Markup]) -> Markup:
    return element("div", *cards, class_="samples")


def _document(row: dict[str, Any]) -> Markup:
    karma = "karma unknown" if row["karma"] is None else f"karma {row['karma']:,}"
    told = [
        row["split"],
        karma,
        f"{row['n_words']:,} words",
        row["language"],
        row["date"],
        ", ".join(row["subreddits"] or ()),
    ]
    heading = element("h3", row["title"] or "(no title)", dir="auto")
    return element("article", heading, _line(link(row["url"]), told), _text(row["text"]), class_="sample")


def rejected_section(facts: Facts) -> Markup:
    """Show rejections of each reason, drawn by hash, under the stage that made them."""
    groups = []
    for (stage, reason), count in sorted(
        facts.rejections.reasons.items(), key=lambda item: (list(KINDS).index(item[0][0]), -item[1], item[0])
    ):
        rows = facts.rejections.drawn[stage, reason].rows
        shown = f"{count:,} rejected" + (f", {len(rows)} shown" if count > len(rows) else "")
        heading = join([element("code", reason), " ", element("small", f"{KINDS[stage].title}: {shown}")])
        cards = _cards(_rejection(row) for row in rows)
        groups.append(
            element(
                "div",
                folded(heading, cards),
                id=f"sample-{stage}-{reason}",
                class_="group",
                data_words=f"{stage} {reason}",
            )
        )
    said = note(
        "Drawn by the hash of their URLs. Of an extracted text, and of a line that could not be read, "
        f"the first {MOST_EXCERPT:,} characters are kept."
    )
    return section("rejected", "Rejected, by reason", said, *groups)


def _rejection(row: dict[str, Any]) -> Markup:
    told = [row["detail"]]
    if row["kept_url"]:
        told.append(join(["in its place: ", link(row["kept_url"])]))
    if row["similarity"] is not None:
        told.append(f"Jaccard similarity {row['similarity']:.3f}")
    text = _text(row["excerpt"]) if row["excerpt"] else ""
    first = link(row["url"]) if row["url"] else Markup("")
    return element("article", _line(first, told), text, class_="sample")


def _line(first: Markup, told: list[Any]) -> Markup:
    parts = [element("span", part) for part in told if part]
    return element("p", first, *parts, class_="facts")


def _text(text: str) -> Markup:
    rest, left = text[MOST_CHARACTERS:MOST_UNFOLDED], len(text) - MOST_UNFOLDED
    beyond = element("span", f" … {left:,} more characters", class_="more") if left > 0 else ""
    unfolded = folded(f"{len(text) - MOST_CHARACTERS:,} more characters", element("div", rest, beyond, class_="rest"))
    return element("blockquote", text[:MOST_CHARACTERS], unfolded if rest else "", dir="auto")


def duplicates_section(facts: Facts) -> Markup:
    """Tell the clusters of duplicates, and show the largest and some others with their texts compared."""
    tally, title = facts.rejections, "Duplicates"
    if not facts.has("duplicates"):
        return section("duplicates", title, note("De-duplication has not run yet."))
    warnings = join(element("div", alarm, class_="alarm") for alarm in facts.alarms)
    if not tally.clusters:
        return section("duplicates", title, warnings, note("No document repeats another."))
    similar = similarity_figure(tally.similarity) if tally.similarity else Markup("")
    figures = element("div", similar, element("div", element("h3", "Cluster sizes"), _sizes(tally)), class_="charts")
    explained = note(
        "The largest ones, then others drawn by hash. Compared are the document kept and the least alike of those "
        "dropped; what the other side lacks is marked."
    )
    shown = element("div", *(_cluster(cluster) for cluster in facts.clusters), class_="clusters")
    clusters = (element("h3", "Clusters"), explained, shown)
    return section("duplicates", title, warnings, note(_told(facts)), figures, *clusters)


def _told(facts: Facts) -> str:
    tally = facts.rejections
    given = next(manifest.counts.given for name, manifest in facts.funnel.stages if name == "duplicates")
    largest = max(tally.clusters.values())
    words = f": {tally.dropped_words.total():,} words in all" if tally.dropped_words else ""
    return (
        f"{len(tally.clusters):,} clusters; the largest holds {largest:,} documents, {share(largest, given)} of those "
        f"given. Dropped: {tally.count('exact_duplicate'):,} with the same body or the same words as the one kept, "
        f"{tally.count('near_duplicate'):,} near-duplicates of it, {tally.count('near_duplicate_chain'):,} by a "
        f"chain{words}. What counts is the true Jaccard similarity of the sets of "
        "word n-grams, not an estimate of it."
    )


def _sizes(tally: RejectionTally) -> Markup:
    """Count clusters by size: the twelve smallest sizes, and the four largest."""
    sizes = sorted(Counter(tally.clusters.values()).items())
    heads = ["documents in the cluster", "clusters", "dropped", *(["words dropped"] if tally.dropped_words else [])]
    rows = [
        (f"{size:,}", whole(count), whole(tally.dropped[size]), whole(tally.dropped_words[size]))[: len(heads)]
        for size, count in sizes[:12] + sizes[12:][-4:]
    ]
    return table(heads, rows)


def _cluster(cluster: Cluster) -> Markup:
    rows = [
        (link(row["url"]), "" if row["similarity"] is None else f"{row['similarity']:.3f}") for row in cluster.dropped
    ]
    least = cluster.dropped[-1]
    words = f", {cluster.dropped_words:,} words dropped" if cluster.dropped_words else ""
    heading = join([f"{cluster.size:,} documents{words}, ", element("span", cluster.kept_url, class_="url")])
    shown = f"dropped ({len(rows)} of {cluster.size - 1:,} shown)" if len(rows) < cluster.size - 1 else "dropped"
    content = [element("p", "kept: ", link(cluster.kept_url), class_="facts"), table((shown, "similarity"), rows)]
    if cluster.kept_text and cluster.dropped_text:
        content.append(_comparison(cluster, least["url"]))
    return element("div", folded(heading, *content), class_="group cluster", data_words=cluster.kept_url)


def _comparison(cluster: Cluster, dropped_url: str) -> Markup:
    found = compare_texts(cluster.kept_text, cluster.dropped_text)
    if all(row.equal for row in found.rows) and not found.left_out:
        return note("The two texts are equal.")
    heads = [
        element("p", element("small", name), " ", link(url), class_="side")
        for name, url in (("kept", cluster.kept_url), ("dropped", dropped_url))
    ]
    rows = [_compared(row) for row in found.rows]
    left_out = [note(f"{found.left_out:,} more paragraphs are not shown.")] if found.left_out else []
    return element("div", *heads, *rows, *left_out, class_="sides")


def _compared(row: Row) -> Markup:
    if row.equal:
        return note(f"{row.equal:,} equal paragraph{'s' if row.equal > 1 else ''}")
    return join([_side(row.left), _side(row.right)])


def _side(pieces: tuple[Piece, ...]) -> Markup:
    written = [element("mark", piece.text) if piece.changed else piece.text for piece in pieces]
    return element("p", *written, class_="side" if pieces else "side nothing", dir="auto")
