"""`webtext build`: an archive of pages to a filtered, de-duplicated corpus.

Three stages, each a directory: pages → documents/ → duplicates/ → corpus/. The pages are those of `webtext fetch`, or
any WARC files (a Common Crawl segment, a crawl of your own), which are indexed first and read where they lie.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dedup.repeats.find import RepeatsConfig
from filters.dry_run import DryRun, dry_run
from filters.presets import preset_names
from pipelines.cards.card import write_card
from pipelines.engine.runner import Engine
from pipelines.engine.share import Share
from pipelines.stages.documents import DocumentsConfig, WriteBuckets, count_documents, plan_buckets, sample_documents
from pipelines.stages.duplicates import DuplicatesConfig, run_duplicates
from pipelines.stages.kept import Kept
from pipelines.stages.output import AFTER_PAGES, FUNNEL, KINDS, Output
from pipelines.stages.own import check_output
from pipelines.stages.removals import run_removals
from pipelines.stages.repeats import run_repeats
from pipelines.stages.shards import (
    Shard,
    ShardsConfig,
    WriteShards,
    copy_shard,
    count_corpus,
    drop_empty_splits,
    plan_shards,
)
from pipelines.stages.share import left_of
from pipelines.stages.stage import Stage, as_json, find_manifest, read_input, read_manifest, run_stage
from webtext import storage
from webtext.errors import Ended
from webtext.manifest import Counts, Manifest

_PAGES = KINDS["pages"].writers
_LAYOUT = {"shards", "slots"}  # settings that say how the work was cut: nothing of a corpus depends on them
_MOST_SOURCES = 5  # named; all are counted


@dataclass(frozen=True)
class BuildConfig:
    """How pages become a corpus."""

    documents: DocumentsConfig = field(default_factory=DocumentsConfig)
    duplicates: DuplicatesConfig = field(default_factory=DuplicatesConfig)
    repeats: RepeatsConfig = field(default_factory=RepeatsConfig)
    shards: ShardsConfig = field(default_factory=ShardsConfig)


def run_build(pages: str, output: str, config: BuildConfig, engine: Engine, share: Share | None = None) -> Manifest:
    """Take a finished pages directory to `output`/corpus; what is done already is not done again.

    With a share, only that share of the documents, which take nearly all of the time.

    Raises:
        Ended: the share is done.
        UsageError: the pages are not there, or the output cannot be written.
    """
    place = Output(output)
    check_output(place, *AFTER_PAGES)
    run_documents(pages, place.documents, config.documents, engine, share)
    if share is not None:
        raise Ended("documents is published: the same command without --share does what is left")
    run_duplicates(place.documents, place.duplicates, config.duplicates, engine)
    kept = run_repeats(run_removals(output, engine), place.repeats, config.repeats, engine)
    made = made_from(pages, kept, config.documents.preset)
    return run_shards(kept, place.corpus, replace(config.shards, honoured=honoured_by(pages), made=made), engine)


def honoured_by(pages: str) -> tuple[str, ...]:
    """Name by what sites could say no when pages were fetched or indexed: "robots.txt", and signals."""
    rules = read_manifest(pages, *_PAGES).config
    return (*(["robots.txt"] if rules.get("robots") else []), *rules.get("opt_outs", ()))


def made_from(pages: str, kept: Kept, preset: str) -> dict[str, Any]:
    """Lay out what the stages before a corpus were given, how they were set and what they kept, for the corpus' card.

    It is a part of the corpus' configuration: other counts before the same documents make another card, and so another
    corpus. The links are told where they lie beside the pages, and are those that the pages were fetched for.
    """
    links = Output.around(pages).links
    found = read_manifest(pages, *_PAGES)
    before = find_manifest(links)
    stages = {"links": before} if before is not None and read_input(links) in found.inputs else {}
    stages |= {"pages": found, "documents": read_manifest(kept.documents), "duplicates": read_manifest(kept.duplicates)}
    made: dict[str, Any] = {name: _told(manifest) for name, manifest in stages.items()}
    made["documents"]["preset"] = preset if preset in preset_names() else ""  # a path is no part of a corpus
    return made


def _told(manifest: Manifest) -> dict[str, Any]:
    sources = sorted(file.name for file in manifest.inputs if file.name not in KINDS)
    return {
        "config": {name: value for name, value in manifest.config.items() if name not in _LAYOUT},
        "counts": asdict(replace(manifest.counts, notes={})),
        "sources": {"first": sources[:_MOST_SOURCES], "files": len(sources)},
    }


def run_documents(
    pages: str, directory: str, config: DocumentsConfig, engine: Engine, share: Share | None = None
) -> Manifest:
    """Extract, filter and sketch the pages that were fetched, or a share of them."""
    given = read_manifest(pages, *_PAGES).counts.kept
    buckets = plan_buckets([storage.join(pages, name) for name in storage.list_files(pages, "index-*.parquet")], given)
    stage = Stage("documents", directory, config.identity(), (pages,), share=share, packages=config.packages)

    def work(unfinished: str) -> None:
        left = left_of(buckets, share, unfinished, stage.fingerprint([read_input(pages)]))
        if left:
            engine.each(left, WriteBuckets(unfinished, config))

    return run_stage(
        stage,
        work=work,
        count=lambda unfinished: count_documents(given, unfinished),
    )


def try_filters(pages: str, config: DocumentsConfig, sample: int) -> DryRun:
    """Tell what each rule would remove of a sample of pages, with examples; nothing is written.

    Raises:
        UsageError: the pages are not there.
    """
    indexes = [storage.join(pages, name) for name in storage.list_files(pages, "index-*.parquet")]
    buckets = plan_buckets(indexes, read_manifest(pages, *_PAGES).counts.kept)
    documents = sample_documents(buckets, config, sample)
    return dry_run(documents, config.preset, **dict(config.overrides))


def run_shards(
    kept: Kept, directory: str, config: ShardsConfig, engine: Engine, unchanged: frozenset[Shard] = frozenset()
) -> Manifest:
    """Write the corpus: the documents that are no duplicates and not removed, in shards, with their card.

    Args:
        kept: the finished stages that say what stays of the documents.
        directory: where the shards go.
        config: how to cut.
        engine: what runs it.
        unchanged: shards that a corpus in `directory` has already, byte for byte.
    """
    before = [(kind.name, Counts(**config.made[kind.name]["counts"])) for kind in FUNNEL if kind.name in config.made]
    funnel = before + [(name, read_manifest(stage).counts) for name, stage in kept.optional.items()]
    given = kept.count()
    shards = [shard for shard in plan_shards(kept.documents, config) if shard not in unchanged]

    def work(unfinished: str) -> None:
        for shard in unchanged:
            copy_shard(shard, directory, unfinished)
        if shards:
            engine.each(shards, WriteShards(kept, unfinished, config))
        drop_empty_splits(unfinished)
        write_card(unfinished, as_json(config), count_corpus(unfinished, given), funnel)

    return run_stage(
        Stage("corpus", directory, as_json(config), kept.inputs),
        work=work,
        count=lambda unfinished: count_corpus(unfinished, given),
    )
