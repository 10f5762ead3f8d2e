"""Harvest: submissions in, distinct links with enough karma out, and every other line accounted for."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import apache_beam as beam
import pyarrow.parquet as pq

from pipelines.engine.runner import Engine
from pipelines.engine.spill import group_over_files, spills
from pipelines.stages.ledger import count_rejections, count_rows
from pipelines.stages.stage import Stage, run_stage
from webtext import storage
from webtext.errors import UsageError
from webtext.inputs import read_inputs
from webtext.manifest import Counts, Manifest
from webtext.records import Link, Rejection
from webtext.reddit.dumps import Dump, plan_dumps
from webtext.reddit.links import SelectConfig
from webtext.reddit.transforms import ReadDumps, SelectLinks, WriteRecords, in_order, select, writing

BYTES_A_SHARD = 64 << 20  # a share of the input as it lies on disk; about half a million lines of a compressed dump
MOST_SHARDS = 1024
_SUBMISSIONS = re.compile(r"submissions=(\d+)")


@dataclass(frozen=True)
class HarvestConfig:
    """What to harvest, and what makes a link."""

    submissions: tuple[str, ...] = ()  # paths or patterns: dumps, lists of URLs, tables
    comments: tuple[str, ...] = ()  # paths or patterns of `RC_*` dumps, for the links in comments
    self_posts: bool = False  # whether the links in the text of self posts count
    select: SelectConfig = field(default_factory=SelectConfig)
    shards: int | None = None  # None: by the size of the inputs
    skip_unreadable: bool = False  # whether a file of which nothing can be read is counted instead of ending the run

    def __post_init__(self) -> None:
        if self.shards is not None and not 0 < self.shards <= MOST_SHARDS:
            raise ValueError(f"shards is {self.shards}: give 1 to {MOST_SHARDS}")


def harvest(root: beam.Pipeline, config: HarvestConfig, dumps: Sequence[Dump], directory: str) -> None:
    """Wire the harvest: lines, submissions, links."""
    shards = config.shards or plan_shards(dumps)
    posted = root | ReadDumps(dumps, directory, config.select, config.self_posts, config.skip_unreadable)
    links, rejections = posted | SelectLinks(config.select)

    links | WriteRecords(directory, "links", Link, shards)
    rejections | WriteRecords(directory, "rejections", Rejection, shards)


def harvest_over_files(engine: Engine, config: HarvestConfig, dumps: Sequence[Dump], directory: str) -> None:
    """Do the same without a shuffle in memory."""
    shards = config.shards or plan_shards(dumps)
    reading = ReadDumps(dumps, directory, config.select, config.self_posts, config.skip_unreadable)
    tasks = [(dump.suffix, dump) for dump in dumps]
    group_over_files(engine, tasks, directory, shards, reading.read, partial(_write_shard, directory, shards, config))


def _write_shard(
    directory: str, shards: int, config: HarvestConfig, shard: int, submissions: Iterable[tuple[str, list[bytes]]]
) -> None:
    with ExitStack() as stack:
        suffix = f"{shard:05d}-of-{shards:05d}.parquet"
        links, rejections = (
            stack.enter_context(writing(storage.join(directory, f"{name}-{suffix}"), kind))
            for name, kind in (("links", Link), ("rejections", Rejection))
        )
        for url, encoded in submissions:
            found = list(select(url, encoded, config.select))
            for kind, write in ((Link, links), (Rejection, rejections)):
                for record in in_order([each for each in found if isinstance(each, kind)], kind, "url"):
                    write(record)


def find_dumps(config: HarvestConfig) -> list[Dump]:
    """Find the files that a configuration names.

    Raises:
        UsageError: there is none, one is missing, or one is empty.
    """
    submissions, comments = (_expand(patterns) for patterns in (config.submissions, config.comments))
    if not submissions and not comments:
        raise UsageError("nothing to harvest: name dumps or lists with --submissions or --comments, or use --reddit")
    dumps = plan_dumps(submissions, comments)
    for dump in dumps:
        if not config.skip_unreadable and not storage.file_size(dump.path):
            raise UsageError(f"{dump.path} is empty")
    return dumps


def _expand(patterns: Sequence[str]) -> list[str]:
    return sorted({path for pattern in patterns for path in storage.expand(pattern)})


def plan_shards(dumps: Sequence[Dump]) -> int:
    """Give the number of shards of links and of rejections: one for each 64 MiB of input as it lies on disk."""
    size = sum(storage.file_size(dump.path) for dump in dumps)
    return min(max(1, -(-size // BYTES_A_SHARD)), MOST_SHARDS)


def harvest_counts(directory: str) -> Counts:
    """Count a harvest from its files.

    The submissions that were read, less those that merged into another's URL, must be the links and the rejections:
    the sum that `Counts.check` checks. What was read is counted by the tasks that read it, and what merged is told by
    the rows that were written, so a submission lost between the two unbalances it.
    """
    read = Counter[str]()
    damaged = 0
    for each in read_inputs(directory):
        read.update(each.counts)
        damaged += each.damaged
    links = count_rows(directory, "links-*.parquet")
    rejected = count_rejections(directory)
    merged = sum(number - 1 for number in _column(directory, "links-*.parquet", "submissions"))
    merged += sum(_submissions_of(detail) - 1 for detail in _column(directory, "rejections-*.parquet", "detail"))
    notes = {"submissions": read.total(), "merged": merged, **({"damaged": damaged} if damaged else {})}
    return Counts(read.total() - merged, links, rejected, "links", notes)


def _column(directory: str, pattern: str, column: str) -> Iterator[Any]:
    for name in storage.list_files(directory, pattern):
        with storage.open_file(storage.join(directory, name)) as stream:
            for batch in pq.ParquetFile(stream).iter_batches(columns=[column]):
                yield from batch.column(0).to_pylist()


def _submissions_of(detail: str) -> int:
    """Tell how many submissions a rejection stands for: a URL's says it, a line's is one."""
    said = _SUBMISSIONS.match(detail)
    return int(said[1]) if said else 1


def run_harvest(config: HarvestConfig, directory: str, engine: Engine) -> Manifest:
    """Harvest into a stage directory, or find it done.

    Raises:
        UsageError: an input is missing, empty or unreadable, or the output cannot be written.
    """
    dumps = find_dumps(config)
    identity = {**asdict(config), "shards": config.shards or plan_shards(dumps)}
    del identity["submissions"], identity["comments"]  # the files' content counts, not where they lie
    del identity["skip_unreadable"]  # it makes no difference where there is a harvest
    identity["comments"] = sum(dump.kind == "comments" for dump in dumps)
    stage = Stage("harvest", directory, identity, tuple(dump.path for dump in dumps))

    def work(unfinished: str) -> None:
        if spills(engine, unfinished):
            harvest_over_files(engine, config, dumps, unfinished)
        else:
            engine.run(lambda root: harvest(root, config, dumps, unfinished), tasks=len(dumps))

    return run_stage(
        stage,
        work=work,
        count=harvest_counts,
    )
