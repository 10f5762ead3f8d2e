"""Harvest: submissions in, distinct links with enough karma out, and every other line accounted for."""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
import pyarrow.parquet as pq

from pipelines.answer import add_json_argument, stages_as_json, tell
from pipelines.ledger import Funnel, count_rejections, count_rows
from pipelines.reddit import add_reddit_arguments, ask_reddit
from pipelines.runner import Engine, add_engine_arguments, engine_from
from pipelines.stage import Stage, run_stage
from webtext import storage
from webtext.dumps import Dump, plan_dumps
from webtext.errors import UsageError
from webtext.links import SelectConfig
from webtext.manifest import Counts, Manifest
from webtext.records import Link, Rejection
from webtext.transforms import ReadDumps, SelectLinks, WriteRecords

BYTES_A_SHARD = 64 << 20  # of input as it lies on disk; about half a million lines of a compressed dump
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

    def __post_init__(self) -> None:
        if self.shards is not None and not 0 < self.shards <= MOST_SHARDS:
            raise ValueError(f"shards is {self.shards}: give 1 to {MOST_SHARDS}")


def harvest(root: beam.Pipeline, config: HarvestConfig, dumps: Sequence[Dump], directory: str) -> None:
    """Wire the harvest: lines, submissions, links."""
    shards = config.shards or plan_shards(dumps)
    posted = root | ReadDumps(dumps, directory, config.select, config.self_posts)
    links, rejections = posted | SelectLinks(config.select)

    links | WriteRecords(directory, "links", Link, shards)
    rejections | WriteRecords(directory, "rejections", Rejection, shards)


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
        if not storage.file_size(dump.path):
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
    read = _read_counts(directory)
    links = count_rows(directory, "links-*.parquet")
    rejected = count_rejections(directory)
    merged = sum(number - 1 for number in _column(directory, "links-*.parquet", "submissions"))
    merged += sum(_submissions_of(detail) - 1 for detail in _column(directory, "rejections-*.parquet", "detail"))
    notes = {"submissions": read.total(), "merged": merged}
    return Counts(read.total() - merged, links, rejected, "links", notes)


def _read_counts(directory: str) -> Counter[str]:
    """Add up what the tasks that read the inputs counted: `posted`, and the reasons of what was not."""
    total: Counter[str] = Counter()
    for name in storage.list_files(directory, "inputs-*.json"):
        with storage.open_file(storage.join(directory, name)) as stream:
            counts = json.load(stream)
        del counts["name"]
        total.update(counts)
    return total


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
    identity["comments"] = sum(dump.kind == "comments" for dump in dumps)
    stage = Stage("harvest", directory, identity, tuple(dump.path for dump in dumps))
    return run_stage(
        stage,
        work=lambda unfinished: engine.run(lambda root: harvest(root, config, dumps, unfinished), tasks=len(dumps)),
        count=harvest_counts,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext harvest`."""
    parser.add_argument("--output", "-o", required=True, help="directory of the output; the links go to OUTPUT/links")
    add_harvest_arguments(parser)
    add_reddit_arguments(parser)
    add_engine_arguments(parser)
    add_json_argument(parser)


def add_harvest_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say what to harvest, for `webtext harvest` and for `webtext corpus`."""
    group = parser.add_argument_group("what to harvest")
    group.add_argument("--submissions", "-s", nargs="+", action="extend", default=[], metavar="FILE", help=_FILES)
    group.add_argument("--comments", nargs="+", action="extend", default=[], metavar="FILE", help=_COMMENTS)
    group.add_argument("--self-posts", action="store_true", help="take the links in the text of self posts too")
    group = parser.add_argument_group("what makes a link")
    group.add_argument("--min-karma", type=int, default=3, help="least karma of a link (default: %(default)s)")
    group.add_argument("--karma-rule", choices=("best", "sum"), default="best", help=_KARMA_RULE)
    group.add_argument("--since", type=_date, metavar="DATE", help="only submissions from this day on (UTC)")
    group.add_argument("--until", type=_date, metavar="DATE", help="only submissions before this day (UTC)")
    group.add_argument("--without-over-18", action="store_true", help="leave out submissions marked as over 18")
    group.add_argument("--without-subreddits", nargs="+", default=[], metavar="NAME", help="leave these out")
    group.add_argument("--wikipedia", action="store_true", help="keep links to Wikipedia, to be fetched")
    group.add_argument("--link-shards", type=int, help="files of links (default: one for each 64 MiB of input)")


_FILES = "dumps (RS_*, plain, .zst, .xz, .bz2, .gz), lists of URLs, tables url<TAB>karma; patterns allowed"
_COMMENTS = "dumps of comments (RC_*): the links in their text, with the karma of the comment"
_KARMA_RULE = "karma of a URL posted more than once: its best submission's, or the sum (default: %(default)s)"


def harvest_config(arguments: argparse.Namespace) -> HarvestConfig:
    """Make the configuration that flags ask for.

    Raises:
        UsageError: they contradict one another.
    """
    try:
        select = SelectConfig(
            min_karma=arguments.min_karma,
            karma_rule=arguments.karma_rule,
            since=arguments.since,
            until=arguments.until,
            over_18=not arguments.without_over_18,
            without_subreddits=tuple(sorted({_subreddit(name) for name in arguments.without_subreddits})),
            wikipedia=arguments.wikipedia,
        )
        files = tuple(arguments.submissions), tuple(arguments.comments)
        return HarvestConfig(*files, arguments.self_posts, select, arguments.link_shards)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _subreddit(name: str) -> str:
    return name.lower().removeprefix("/").removeprefix("r/")


def _date(text: str) -> int:
    """Read a day as seconds since 1970 at its start in UTC (argparse turns the ValueError into its message)."""
    return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())


_date.__name__ = "date (YYYY-MM-DD)"


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Harvest as the flags say, and print what became of the submissions."""
    engine = engine_from(arguments, beam_arguments)
    if arguments.reddit is not None:
        arguments.submissions.append(ask_reddit(arguments))
    elif arguments.follow is not None or arguments.search:
        raise UsageError("--follow and --search ask Reddit: add --reddit, with subreddits or without")
    done = run_harvest(harvest_config(arguments), storage.join(arguments.output, "links"), engine)
    funnel = Funnel((("links", done),))
    found = {"output": arguments.output, "stages": stages_as_json(funnel.stages)}
    tell(found, funnel.lines(), as_json=arguments.json)
    return 0
