"""Harvest: submissions in, distinct links with enough karma out, and every other line accounted for."""

import argparse
from datetime import UTC, datetime

from pipelines.commands.answer import add_json_argument, stages_as_json, tell
from pipelines.commands.ending import add_damage_argument, drawn, end
from pipelines.commands.reddit_flags import add_reddit_arguments, ask_reddit
from pipelines.engine.runner import add_engine_arguments, engine_from
from pipelines.stages.harvest import HarvestConfig, run_harvest
from pipelines.stages.ledger import Funnel
from pipelines.stages.output import Output
from pipelines.stages.own import check_output
from webtext.errors import UsageError
from webtext.reddit.links import SelectConfig


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
    add_damage_argument(group)
    group = parser.add_argument_group("what makes a link")
    group.add_argument("--min-karma", type=int, default=3, help="least karma of a link (default: %(default)s)")
    group.add_argument("--karma-rule", choices=("best", "sum"), default="best", help=_KARMA_RULE)
    group.add_argument(
        "--since", type=_date, metavar="DATE", help="only submissions from this day on, UTC (default: from the first)"
    )
    group.add_argument(
        "--until", type=_date, metavar="DATE", help="only submissions before this day, UTC (default: to the last)"
    )
    group.add_argument("--without-over-18", action="store_true", help="leave out submissions marked as over 18")
    group.add_argument(
        "--without-subreddits", nargs="+", default=[], metavar="NAME", help="subreddits to leave out (default: none)"
    )
    group.add_argument("--wikipedia", action="store_true", help="keep links to Wikipedia, to be fetched")
    group.add_argument(
        "--link-shards", type=int, help="number of files of links (default: one for each 64 MiB of input)"
    )


_FILES = (
    "dumps (RS_*, plain, .zst, .xz, .bz2, .gz), lists of URLs, tables url<TAB>karma; patterns allowed (default: none)"
)
_COMMENTS = "dumps of comments (RC_*): the links in their text, with the karma of the comment (default: none)"
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
        skip = arguments.on_damage == "skip"
        return HarvestConfig(*files, arguments.self_posts, select, arguments.link_shards, skip)
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
    check_output(Output(arguments.output), "links")  # before anything is asked of Reddit
    if arguments.reddit is not None:
        arguments.submissions.append(ask_reddit(arguments))
    elif arguments.follow is not None or arguments.search:
        raise UsageError("--follow and --search ask Reddit: add --reddit, with subreddits or without")
    links = Output(arguments.output).links
    before = Funnel.of_one("links", links)
    run_harvest(harvest_config(arguments), links, engine)
    funnel = Funnel.of_one("links", links)
    found = {"output": arguments.output, "stages": stages_as_json(funnel.stages)}
    tell(found, drawn(arguments.output, before, funnel), as_json=arguments.json)
    return end(arguments, funnel)
