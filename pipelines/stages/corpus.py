"""`webtext corpus`: Reddit submissions to a corpus, all stages in order; what is done already is not done again."""

from pipelines.engine.runner import Engine
from pipelines.stages.build import BuildConfig, run_build
from pipelines.stages.fetch import run_fetch
from pipelines.stages.harvest import HarvestConfig, run_harvest
from pipelines.stages.ledger import Funnel
from pipelines.stages.output import AFTER_PAGES, Output
from pipelines.stages.own import check_output
from pipelines.stages.removals import read_unwanted
from webtext.crawl.config import FetchConfig


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
    place = Output(output)
    check_output(place, "links", "pages", *AFTER_PAGES)
    run_harvest(harvest, place.links, engine)
    run_fetch(place.links, place.pages, fetch, engine, replay=replay, slots=slots, unwanted=read_unwanted(output))
    run_build(place.pages, output, build, engine)
    funnel = Funnel.of(output)
    funnel.check()
    return funnel
