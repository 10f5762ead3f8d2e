"""`webtext corpus`: Reddit submissions to a corpus, all stages in order; what is done already is not done again."""

import argparse

from pipelines.answer import add_json_argument, stages_as_json, tell
from pipelines.build import BuildConfig, add_build_arguments, build_config, run_build
from pipelines.fetch import add_fetch_arguments, fetch_config, run_fetch
from pipelines.harvest import HarvestConfig, add_harvest_arguments, harvest_config, run_harvest
from pipelines.ledger import Funnel
from pipelines.removals import read_unwanted
from pipelines.runner import Engine, add_engine_arguments, engine_from
from webtext import storage
from webtext.fetch_config import FetchConfig


def run_corpus(
    output: str,
    harvest: HarvestConfig,
    fetch: FetchConfig,
    build: BuildConfig,
    engine: Engine,
    replay: list[str],
    slots: int,
) -> Funnel:
    """Harvest, fetch and build under one output directory, and check that the sums balance from end to end.

    Raises:
        UsageError: something that the user can mend.
        UnbalancedError: a stage was not given what the one before it kept.
    """
    links, pages = storage.join(output, "links"), storage.join(output, "pages")
    run_harvest(harvest, links, engine)
    run_fetch(links, pages, fetch, engine, replay=replay, slots=slots, unwanted=read_unwanted(output))
    run_build(pages, output, build, engine)
    funnel = Funnel.of(output)
    funnel.check()
    return funnel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext corpus`: those of harvest, fetch and build."""
    parser.add_argument(
        "--output", "-o", required=True, help="directory of the output; the corpus goes to OUTPUT/corpus"
    )
    add_harvest_arguments(parser)
    add_fetch_arguments(parser)
    add_build_arguments(parser)
    add_engine_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Build a corpus as the flags say, and print the funnel."""
    funnel = run_corpus(
        arguments.output,
        harvest_config(arguments),
        fetch_config(arguments),
        build_config(arguments),
        engine_from(arguments, beam_arguments),
        arguments.replay,
        arguments.slots,
    )
    found = {"output": arguments.output, "stages": stages_as_json(funnel.stages)}
    tell(found, funnel.lines(), as_json=arguments.json)
    return 0
