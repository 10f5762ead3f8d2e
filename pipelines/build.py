"""`webtext build`: an archive of pages to a filtered, de-duplicated corpus.

Three stages, each a directory: pages → documents/ → duplicates/ → corpus/. The pages are those of `webtext fetch`, or
any WARC files (a Common Crawl segment, a crawl of your own), which are indexed first and read where they lie.
"""

import argparse
from dataclasses import asdict, dataclass, field

from dedup.repeats import RepeatsConfig
from filters.report import DryRun, dry_run, format_dry_run
from pipelines import removals
from pipelines.answer import add_json_argument, stages_as_json, tell
from pipelines.card import write_card
from pipelines.documents import (
    DocumentsConfig,
    WriteBuckets,
    add_documents_arguments,
    count_documents,
    documents_config,
    plan_buckets,
    sample_documents,
)
from pipelines.duplicates import DuplicatesConfig, add_duplicates_arguments, duplicates_config, run_duplicates
from pipelines.index import archives_of, index_archives
from pipelines.ledger import Funnel
from pipelines.repeats import DIRECTORY as REPEATS
from pipelines.repeats import add_repeats_arguments, repeats_config, run_repeats
from pipelines.runner import Engine, add_engine_arguments, engine_from
from pipelines.shards import Shard, ShardsConfig, WriteShards, copy_shard, count_corpus, plan_shards
from pipelines.stage import Stage, as_json, read_manifest, run_stage
from webtext import storage
from webtext.errors import UsageError
from webtext.manifest import Manifest

_PAGES = ("fetch", "index")  # the stages that write what a build begins with


@dataclass(frozen=True)
class BuildConfig:
    """How pages become a corpus."""

    documents: DocumentsConfig = field(default_factory=DocumentsConfig)
    duplicates: DuplicatesConfig = field(default_factory=DuplicatesConfig)
    repeats: RepeatsConfig = field(default_factory=RepeatsConfig)
    shards: ShardsConfig = field(default_factory=ShardsConfig)


def run_build(pages: str, output: str, config: BuildConfig, engine: Engine) -> Manifest:
    """Take a finished pages directory to `output`/corpus; what is done already is not done again.

    Raises:
        UsageError: the pages are not there, or the output cannot be written.
    """
    documents, duplicates, corpus = (storage.join(output, name) for name in ("documents", "duplicates", "corpus"))
    run_documents(pages, documents, config.documents, engine)
    run_duplicates(documents, duplicates, config.duplicates, engine)
    removed = storage.join(output, removals.DIRECTORY) if removals.run_removals(output, engine) else None
    repeats = run_repeats(documents, duplicates, removed, storage.join(output, REPEATS), config.repeats, engine)
    return run_shards(documents, duplicates, corpus, config.shards, engine, removed, repeats)


def run_documents(pages: str, directory: str, config: DocumentsConfig, engine: Engine) -> Manifest:
    """Extract, filter and sketch the pages that were fetched."""
    given = read_manifest(pages, *_PAGES).counts.kept
    buckets = plan_buckets([storage.join(pages, name) for name in storage.list_files(pages, "index-*.parquet")], given)

    return run_stage(
        Stage("documents", directory, config.identity(), (pages, *config.files())),
        work=lambda unfinished: engine.each(buckets, WriteBuckets(unfinished, config)),
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
    documents: str,
    duplicates: str,
    directory: str,
    config: ShardsConfig,
    engine: Engine,
    removed: str | None = None,
    repeats: str | None = None,
    unchanged: frozenset[Shard] = frozenset(),
) -> Manifest:
    """Write the corpus: the documents that are no duplicates and not removed, in shards, with their card.

    Args:
        documents: a finished documents directory.
        duplicates: the finished stage that names their duplicates.
        directory: where the shards go.
        config: how to cut.
        engine: what runs it.
        removed: the finished stage of what somebody asked to be removed, where there is one.
        repeats: the finished stage of what repeats below the document, where it was asked for.
        unchanged: shards that a corpus in `directory` has already, byte for byte.
    """
    optional = {"removed": removed, "repeats": repeats}
    funnel = [(name, read_manifest(stage).counts) for name, stage in optional.items() if stage]
    given = read_manifest(repeats or removed or duplicates).counts.kept
    shards = [shard for shard in plan_shards(documents, config) if shard not in unchanged]

    def work(unfinished: str) -> None:
        for shard in unchanged:
            copy_shard(shard, directory, unfinished)
        if shards:
            engine.each(shards, WriteShards(documents, duplicates, unfinished, config, removed, repeats))
        write_card(unfinished, as_json(config), count_corpus(unfinished, given), funnel)

    return run_stage(
        Stage("corpus", directory, as_json(config), (documents, duplicates, *filter(None, (removed, repeats)))),
        work=work,
        count=lambda unfinished: count_corpus(unfinished, given),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext build`."""
    parser.add_argument(
        "--output", "-o", required=True, help="directory of the output; the corpus goes to OUTPUT/corpus"
    )
    parser.add_argument("--pages", help="a finished pages directory (default: OUTPUT/pages)")
    parser.add_argument("--warc", nargs="+", metavar="FILE", help="WARC files of any origin instead; patterns allowed")
    parser.add_argument("--links", help="with --warc: a finished links directory; only pages that are links are taken")
    parser.add_argument(
        "--dry-run",
        type=int,
        nargs="?",
        const=200,
        metavar="PAGES",
        help="only tell what each rule would remove of a sample",
    )
    add_build_arguments(parser)
    add_engine_arguments(parser)
    add_json_argument(parser)


def add_build_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say how pages become a corpus, for `webtext build` and for `webtext corpus`."""
    add_documents_arguments(parser)
    add_duplicates_arguments(parser)
    add_repeats_arguments(parser)
    group = parser.add_argument_group("shards")
    group.add_argument("--held-out", type=float, default=0.05, help="share that is held out (default: %(default)s)")
    group.add_argument("--shard-mb", type=int, default=256, help="MiB of text in a shard (default: %(default)s)")


def build_config(arguments: argparse.Namespace) -> BuildConfig:
    """Make the configuration that flags ask for.

    Raises:
        UsageError: a value is out of its range.
    """
    try:
        shards = ShardsConfig(arguments.held_out, arguments.shard_mb << 20)
        documents = documents_config(arguments)
        repeats = repeats_config(arguments, documents.least_words)
        return BuildConfig(documents, duplicates_config(arguments), repeats, shards)
    except ValueError as error:
        raise UsageError(str(error)) from error


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Build as the flags say, and print where the pages went."""
    engine, config = engine_from(arguments, beam_arguments), build_config(arguments)
    pages = arguments.pages or storage.join(arguments.output, "pages")
    if arguments.warc:
        index_archives(archives_of(arguments.warc), arguments.links, pages, engine)
    elif arguments.links:
        raise UsageError("--links goes with --warc: the pages of `webtext fetch` know their links")
    if arguments.dry_run is not None:
        if arguments.dry_run < 1:
            raise UsageError(f"--dry-run {arguments.dry_run}: give the number of pages to try, or nothing for 200")
        tried = try_filters(pages, config.documents, arguments.dry_run)
        tell(asdict(tried), [format_dry_run(tried)], as_json=arguments.json)
        return 0
    run_build(pages, arguments.output, config, engine)
    funnel = Funnel.of(arguments.output)
    found = {"output": arguments.output, "stages": stages_as_json(funnel.stages)}
    tell(found, funnel.lines(), as_json=arguments.json)
    return 0
