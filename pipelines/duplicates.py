"""Documents to duplicates: which documents repeat another, with the evidence, in a directory of their own.

Each part of the documents has a `clusters-*` (members of clusters, and whether they stay) and a `rejections-*`.
"""

import argparse
from dataclasses import dataclass, field

from dedup.against import Columns
from dedup.choose import read_clusters
from dedup.minhash import MinHashConfig
from dedup.parts import Catalog, Source
from dedup.search_transforms import Plan
from dedup.transforms import FindDuplicates
from pipelines.earlier import check_earlier, prepare_earlier
from pipelines.ledger import count_rejections
from pipelines.runner import Engine
from pipelines.stage import Stage, as_json, read_manifest, run_stage
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
    columns: Columns = field(default_factory=Columns)  # of Parquet there that is not ours


def run_duplicates(documents: str, directory: str, config: DuplicatesConfig, engine: Engine) -> Manifest:
    """Find the duplicates among documents, and those of earlier corpora.

    Raises:
        UsageError: the documents are not there, or the output cannot be written.
    """
    given = read_manifest(documents).counts.kept
    output = directory.rstrip("/").rpartition("/")[0] or "."
    earlier = prepare_earlier(config.against, config.columns, config.minhash, output, engine)
    own = Source(documents, len(storage.list_files(documents, "part-*.parquet")))
    plan = Plan(Catalog((own, *earlier.sources)), given + earlier.documents, config.minhash, earlier=earlier.documents)

    def count(directory: str) -> Counts:
        rejected = count_rejections(directory)
        return Counts(given, given - sum(rejected.values()), rejected)

    return run_stage(
        Stage("duplicates", directory, as_json(config.minhash), (documents, *earlier.stages)),
        work=lambda unfinished: engine.run(
            lambda root: root | FindDuplicates(plan, unfinished, is_one_task(plan)), processes_for(plan)
        ),
        count=count,
    )


def processes_for(plan: Plan) -> int:
    """Tell how many processes a search is worth."""
    return -(-plan.runs // RUNS_A_PROCESS)


def is_one_task(plan: Plan) -> bool:
    """Tell whether one task is to do the whole search; not where files are remote, of which many are read at a time."""
    here = all(storage.is_local(source.directory) for source in plan.catalog.sources)
    return here and processes_for(plan) == 1


def members_of_part(duplicates: str, part: str) -> dict[str, tuple[str, bool]]:
    """Read the members of clusters in a part: id → (cluster, whether it stays). Whoever is not here is alone."""
    name = part.replace("part-", "clusters-", 1)
    with storage.open_file(storage.join(duplicates, name)) as stream:
        return read_clusters(stream)


def add_duplicates_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say how duplicates are found."""
    default = MinHashConfig()
    group = parser.add_argument_group("duplicates")
    group.add_argument(
        "--threshold", type=float, default=default.threshold, help="Jaccard similarity of near-duplicates (%(default)s)"
    )
    group.add_argument(
        "--num-perm", type=int, default=default.num_perm, help="permutations of a signature (%(default)s)"
    )
    group.add_argument("--shingle-words", type=int, default=default.shingle_words, help="of a shingle (%(default)s)")
    group.add_argument(
        "--recall", type=float, default=default.recall, help="wanted share of pairs at the threshold (%(default)s)"
    )
    group.add_argument(
        "--bands", type=int, help="bands of the signature, with --rows (default: by threshold and recall)"
    )
    group.add_argument("--rows", type=int, help="rows of a band")
    group.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="DIR",
        help="earlier corpora to be different from: outputs of ours, or any Parquet with texts",
    )
    columns = Columns()
    group.add_argument(
        "--against-text-field", default=columns.text, help="column of their texts, if not ours (%(default)s)"
    )
    group.add_argument("--against-url-field", default=columns.url, help="column of their URLs, if any (%(default)s)")


def minhash_config(arguments: argparse.Namespace) -> MinHashConfig:
    """Make the configuration of sketches and bands that flags ask for.

    Raises:
        ValueError: a value is out of its range.
    """
    return MinHashConfig(
        num_perm=arguments.num_perm,
        shingle_words=arguments.shingle_words,
        threshold=arguments.threshold,
        recall=arguments.recall,
        bands=arguments.bands,
        rows=arguments.rows,
    )


def duplicates_config(arguments: argparse.Namespace) -> DuplicatesConfig:
    """Make the configuration that flags ask for.

    Raises:
        ValueError: a value is out of its range.
        UsageError: an earlier corpus holds no texts.
    """
    against = tuple(arguments.against)
    columns = Columns(arguments.against_text_field, arguments.against_url_field)
    config = DuplicatesConfig(minhash_config(arguments), against, columns)
    check_earlier(against, columns, config.minhash)
    return config
