"""`webtext build`: an archive of pages to a filtered, de-duplicated corpus.

Three stages, each a directory: pages → documents/ → duplicates/ → corpus/. The pages are those of `webtext fetch`, or
any WARC files (a Common Crawl segment, a crawl of your own), which are indexed first and read where they lie.
"""

import argparse
from dataclasses import asdict

from filters.dry_run import format_dry_run
from pipelines.commands.answer import add_json_argument, stages_as_json, tell
from pipelines.commands.build_flags import (
    add_documents_arguments,
    add_duplicates_arguments,
    add_repeats_arguments,
    documents_config,
    duplicates_config,
    repeats_config,
)
from pipelines.commands.ending import add_damage_argument, drawn, end
from pipelines.commands.opt_outs import add_opt_outs_argument, opt_outs_of
from pipelines.engine.runner import add_engine_arguments, engine_from
from pipelines.engine.share import add_share_argument
from pipelines.stages.archives.index import archives_of, index_archives
from pipelines.stages.build import BuildConfig, run_build, try_filters
from pipelines.stages.ledger import Funnel
from pipelines.stages.output import AFTER_PAGES, Output
from pipelines.stages.own import check_output
from pipelines.stages.shards import ShardsConfig
from webtext.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext build`."""
    parser.add_argument(
        "--output", "-o", required=True, help="directory of the output; the corpus goes to OUTPUT/corpus"
    )
    parser.add_argument("--pages", help="a finished pages directory (default: OUTPUT/pages)")
    parser.add_argument(
        "--warc",
        nargs="+",
        metavar="FILE",
        help="WARC files of any origin instead of --pages; patterns allowed (default: none)",
    )
    add_damage_argument(parser)
    parser.add_argument(
        "--links", help="a finished links directory: of --warc, only pages of its links are taken (default: all pages)"
    )
    add_opt_outs_argument(parser, "--warc-opt-outs", told="for --warc: ")
    parser.add_argument(
        "--dry-run",
        type=int,
        nargs="?",
        const=200,
        metavar="PAGES",
        help="only tell what each rule would remove of so many pages (default: build; without a number 200)",
    )
    add_build_arguments(parser)
    add_share_argument(parser)
    add_engine_arguments(parser)
    add_json_argument(parser)


def add_build_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say how pages become a corpus, for `webtext build` and for `webtext corpus`."""
    add_documents_arguments(parser)
    add_duplicates_arguments(parser)
    add_repeats_arguments(parser)
    group = parser.add_argument_group("shards")
    group.add_argument(
        "--held-out", type=float, default=0.05, help="share of the documents that is held out (default: %(default)s)"
    )
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
    pages = arguments.pages or Output(arguments.output).pages
    if arguments.share and arguments.warc:
        raise UsageError("--share takes finished pages: run the same command with --warc and without --share first")
    if arguments.dry_run is None:
        check_output(Output(arguments.output), *AFTER_PAGES)  # before the archives are indexed
    if arguments.warc:
        skip = arguments.on_damage == "skip"
        archives = archives_of(arguments.warc, skip_unreadable=skip)
        opt_outs = opt_outs_of(arguments)
        index_archives(archives, arguments.links, pages, engine, opt_outs, skip_unreadable=skip)
    elif arguments.links:
        raise UsageError("--links goes with --warc: the pages of `webtext fetch` know their links")
    if arguments.dry_run is not None:
        if arguments.dry_run < 1:
            raise UsageError(f"--dry-run {arguments.dry_run}: give the number of pages to try, or nothing for 200")
        tried = try_filters(pages, config.documents, arguments.dry_run)
        tell(asdict(tried), [format_dry_run(tried)], as_json=arguments.json)
        return 0
    before = Funnel.of(arguments.output)
    run_build(pages, arguments.output, config, engine, arguments.share)
    funnel = Funnel.of(arguments.output)
    found = {"output": arguments.output, "stages": stages_as_json(funnel.stages)}
    tell(found, drawn(arguments.output, before, funnel), as_json=arguments.json)
    return end(arguments, funnel)
