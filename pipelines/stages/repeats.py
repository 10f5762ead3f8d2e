"""Repeats below the document: which lines and passages go from the documents that stay, in a stage of its own.

It stands behind the duplicates, so that the lines of a text that ten sites have copied are not taken for boilerplate of
ten sites; and behind what was removed on request, so that no passage stays only in a text that went. It is there only
where it is asked for. The shards apply its cuts; the texts in documents/ stay as they are.
"""

from collections import defaultdict
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from dedup.near.minhash import MinHashConfig
from dedup.near.parts import Catalog, Source
from dedup.near.search_transforms import Plan
from dedup.repeats.cuts import without
from dedup.repeats.find import RepeatsConfig
from dedup.repeats.transforms import DOCUMENTS_A_RUN, STAGE, CutRepeats, FindLines, Repeats
from pipelines.engine.runner import Engine
from pipelines.stages.duplicates import members_of_part
from pipelines.stages.ledger import count_rejections
from pipelines.stages.removals import removed_of_part
from pipelines.stages.stage import Stage, as_json, read_manifest, run_stage
from webtext import storage
from webtext.code_points import count_words
from webtext.hashing import document_id
from webtext.manifest import Counts

DIRECTORY = STAGE


def run_repeats(
    documents: str, duplicates: str, removed: str | None, directory: str, config: RepeatsConfig, engine: Engine
) -> str | None:
    """Find what repeats in the documents that stay, and give the directory; None where nothing is asked for.

    Args:
        documents: a finished documents directory.
        duplicates: the finished stage that names their duplicates.
        removed: the finished stage of what somebody asked to be removed, where there is one.
        directory: where the cuts go.
        config: what is asked for.
        engine: what runs it.
    """
    if not config.any:
        storage.remove_directory(directory)  # of another build
        return None
    given = read_manifest(removed or duplicates).counts.kept
    parts = storage.list_files(documents, "part-*.parquet")
    catalog = Catalog((Source(documents, len(parts)),))
    plan = Plan(catalog, read_manifest(documents).counts.kept, MinHashConfig(), DOCUMENTS_A_RUN)
    repeats = Repeats(plan, _words(documents, parts), partial(dropped_of_part, duplicates, removed), config)

    def work(unfinished: str) -> None:
        if config.min_documents:
            engine.run(lambda root: root | FindLines(repeats, unfinished), tasks=plan.runs)
        engine.run(lambda root: root | CutRepeats(repeats, unfinished), tasks=plan.runs)

    def count(unfinished: str) -> Counts:
        rejected = count_rejections(unfinished)
        return Counts(given, given - sum(rejected.values()), rejected, notes=_count_cuts(unfinished))

    inputs = (documents, duplicates, *([removed] if removed else []))
    run_stage(Stage(STAGE, directory, as_json(config), inputs), work, count)
    return directory


def dropped_of_part(duplicates: str, removed: str | None, part: str) -> set[str]:
    """Read the ids of the documents of a part that do not stay: duplicates, and what was removed on request."""
    members = members_of_part(duplicates, part)
    return removed_of_part(removed, part) | {identity for identity, (_, stays) in members.items() if not stays}


def _words(documents: str, parts: list[str]) -> int:
    total = 0
    for part in parts:
        with storage.open_file(storage.join(documents, part)) as stream:
            total += sum(pq.read_table(stream, columns=["n_words"]).column("n_words").to_pylist())
    return total


def _count_cuts(directory: str) -> dict[str, int]:
    """Count the documents that were cut, their cuts by kind, and the characters that went."""
    counts = {"changed": 0, "lines_cut": 0, "passages_cut": 0, "characters_cut": 0}
    for name in storage.list_files(directory, "cuts-*.parquet"):
        with storage.open_file(storage.join(directory, name)) as stream:
            table = pq.read_table(stream, columns=["id", "why", "start", "stop"])
        identities, why, starts, stops = (column.to_pylist() for column in table.columns)
        counts["changed"] += len(set(identities))
        counts["lines_cut"] += why.count("line")
        counts["passages_cut"] += why.count("passage")
        counts["characters_cut"] += sum(stops) - sum(starts)
    return counts


def cut_part(repeats: str | None, part: str, table: pa.Table) -> pa.Table:
    """Take out of a part's documents what goes from them, and those that were rejected for it; columns as they were.

    Args:
        repeats: the finished stage; None where there is none, and nothing changes.
        part: its name.
        table: with `id`, `text` and `n_words`.
    """
    if repeats is None:
        return table
    with storage.open_file(storage.join(repeats, part.replace("part-", "rejections-", 1))) as stream:
        urls = pq.read_table(stream, columns=["url"]).column("url").to_pylist()
    rejected = {document_id(url) for url in urls}
    table = table.filter(pa.array([one not in rejected for one in table.column("id").to_pylist()], pa.bool_()))
    with storage.open_file(storage.join(repeats, part.replace("part-", "cuts-", 1))) as stream:
        rows = pq.read_table(stream, columns=["id", "start", "stop"]).to_pylist()
    cuts = defaultdict(list)
    for row in rows:
        cuts[row["id"]].append((row["start"], row["stop"]))
    identities, texts, counts = (table.column(name).to_pylist() for name in ("id", "text", "n_words"))
    for number, identity in enumerate(identities):
        if identity in cuts:
            texts[number] = without(texts[number], cuts[identity])
            counts[number] = count_words(texts[number])
    for name, values in (("text", texts), ("n_words", counts)):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
    return table
