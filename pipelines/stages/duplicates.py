"""Documents to duplicates: which documents repeat another, with the evidence, in a directory of their own.

Each part of the documents has a `clusters-*` (members of clusters, and whether they stay) and a `rejections-*`.
"""

from dataclasses import dataclass, field
from typing import Any

from dedup.near.against import Columns
from dedup.near.minhash import MinHashConfig
from dedup.near.parts import Catalog, Source
from dedup.near.search import Plan
from dedup.near.transforms import FindDuplicates, find_at_once
from pipelines.engine.runner import Engine
from pipelines.engine.tasks import Worker
from pipelines.stages.earlier import prepare_earlier
from pipelines.stages.ledger import count_rejections
from pipelines.stages.output import Output
from pipelines.stages.stage import Stage, read_manifest, run_stage
from webtext import storage
from webtext.manifest import Counts, Manifest

# Runs of documents (32,768 each) that are worth a process of their own. The 10 runs of 300,000 documents take two
# processes twice the CPU time of one, and longer by the clock: both import all, and they send each other keys
# (docs/dedup.md).
RUNS_A_PROCESS = 16


@dataclass(frozen=True)
class DuplicatesConfig:
    """How duplicates are found."""

    minhash: MinHashConfig = field(default_factory=MinHashConfig)
    against: tuple[str, ...] = ()  # directories of earlier corpora, whose documents stay
    columns: Columns = field(default_factory=Columns)  # the names in an earlier corpus' Parquet that is not ours


def run_duplicates(documents: str, directory: str, config: DuplicatesConfig, engine: Engine) -> Manifest:
    """Find the duplicates among documents, and those of earlier corpora.

    Raises:
        UsageError: the documents are not there, or the output cannot be written.
    """
    given = read_manifest(documents).counts.kept
    earlier = prepare_earlier(config.against, config.columns, config.minhash, Output.around(directory), engine)
    own = Source(documents, len(storage.list_files(documents, "part-*.parquet")))
    plan = Plan(Catalog((own, *earlier.sources)), given + earlier.documents, config.minhash, earlier=earlier.documents)

    def count(directory: str) -> Counts:
        rejected = count_rejections(directory)
        return Counts(given, given - sum(rejected.values()), rejected)

    return run_stage(
        Stage("duplicates", directory, config.minhash.identity(), (documents, *earlier.stages)),
        work=lambda unfinished: _search(plan, unfinished, engine),
        count=count,
    )


def _search(plan: Plan, unfinished: str, engine: Engine) -> None:
    if is_one_task(plan):
        engine.each([0], SearchInOneTask(plan, unfinished))
    else:
        engine.run(lambda root: root | FindDuplicates(plan, unfinished), processes_for(plan))


@dataclass
class SearchInOneTask(Worker):
    """Does the whole search as one task."""

    plan: Plan
    output: str

    def do(self, _task: Any) -> None:
        find_at_once(self.plan, self.output)


def processes_for(plan: Plan) -> int:
    """Tell how many processes a search is worth."""
    return -(-plan.runs // RUNS_A_PROCESS)


def is_one_task(plan: Plan) -> bool:
    """Tell whether one task is to do the whole search; not where files are remote, of which many are read at a time."""
    here = all(storage.is_local(source.directory) for source in plan.catalog.sources)
    return here and processes_for(plan) == 1
