"""Repeats below the document: which lines and passages go from the documents that stay, in a stage of its own.

It stands behind the duplicates, so that the lines of a text that ten sites have copied are not taken for boilerplate of
ten sites; and behind what was removed on request, so that no passage stays only in a text that went. It is there only
where it is asked for. The shards apply its cuts; the texts in documents/ stay as they are.
"""

from dataclasses import replace

from dedup.near.minhash import MinHashConfig
from dedup.near.parts import Catalog, Source
from dedup.near.search import Plan
from dedup.repeats.find import RepeatsConfig
from dedup.repeats.transforms import DOCUMENTS_A_RUN, STAGE, CutRepeats, FindLines, Repeats
from pipelines.engine.runner import Engine
from pipelines.stages.kept import Kept
from pipelines.stages.ledger import count_rejections
from pipelines.stages.stage import Stage, as_json, discard, read_manifest, run_stage
from webtext import storage
from webtext.manifest import Counts
from webtext.tables import read_columns


def run_repeats(kept: Kept, directory: str, config: RepeatsConfig, engine: Engine) -> Kept:
    """Find what repeats in the documents that stay, and give what stays then; the same where nothing is asked for.

    Args:
        kept: what stays so far.
        directory: where the cuts go.
        config: what is asked for.
        engine: what runs it.
    """
    if not config.any:
        discard(directory, STAGE)  # another build may have left it
        return kept
    given, parts = kept.count(), kept.parts()
    catalog = Catalog((Source(kept.documents, len(parts)),))
    plan = Plan(catalog, read_manifest(kept.documents).counts.kept, MinHashConfig(), DOCUMENTS_A_RUN)
    repeats = Repeats(plan, _words(kept.documents, parts), kept.dropped, config)

    def work(unfinished: str) -> None:
        if config.min_documents:
            engine.run(lambda root: root | FindLines(repeats, unfinished), tasks=plan.runs)
        engine.run(lambda root: root | CutRepeats(repeats, unfinished), tasks=plan.runs)

    def count(unfinished: str) -> Counts:
        rejected = count_rejections(unfinished)
        return Counts(given, given - sum(rejected.values()), rejected, notes=_count_cuts(unfinished))

    run_stage(Stage(STAGE, directory, as_json(config), kept.inputs), work, count)
    return replace(kept, repeats=directory)


def _words(documents: str, parts: list[str]) -> int:
    total = 0
    for part in parts:
        with storage.open_file(storage.join(documents, part)) as stream:
            total += sum(read_columns(stream, ["n_words"]).column("n_words").to_pylist())
    return total


def _count_cuts(directory: str) -> dict[str, int]:
    """Count the documents that were cut, their cuts by kind, and the characters that went."""
    counts = {"changed": 0, "lines_cut": 0, "passages_cut": 0, "characters_cut": 0}
    for name in storage.list_files(directory, "cuts-*.parquet"):
        with storage.open_file(storage.join(directory, name)) as stream:
            table = read_columns(stream, ["id", "why", "start", "stop"])
        identities, why, starts, stops = (column.to_pylist() for column in table.columns)
        counts["changed"] += len(set(identities))
        counts["lines_cut"] += why.count("line")
        counts["passages_cut"] += why.count("passage")
        counts["characters_cut"] += sum(stops) - sum(starts)
    return counts
