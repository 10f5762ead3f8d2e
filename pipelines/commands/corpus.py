"""`webtext corpus`: Reddit submissions to a corpus, all stages in order; what is done already is not done again."""

import argparse

from pipelines.commands.answer import add_json_argument, stages_as_json, tell
from pipelines.commands.build import add_build_arguments, build_config
from pipelines.commands.ending import drawn, end
from pipelines.commands.fetch import add_fetch_arguments, fetch_config
from pipelines.commands.harvest import add_harvest_arguments, harvest_config
from pipelines.engine.runner import add_engine_arguments, engine_from
from pipelines.stages.corpus import run_corpus
from pipelines.stages.ledger import Funnel


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
    before = Funnel.of(arguments.output)
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
    tell(found, drawn(arguments.output, before, funnel), as_json=arguments.json)
    return end(arguments, funnel)
