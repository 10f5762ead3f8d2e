"""The flags of `webtext harvest --reddit`, and the run that writes what Reddit's API gives to a dump."""

import argparse
import math
import sys
import time

from pipelines.engine.interrupt import go_on
from webtext import storage
from webtext.errors import UsageError
from webtext.reddit.api import LISTINGS, TIMES, Outcome, RedditConfig, connect, follow_reddit, harvest_reddit
from webtext.reddit.api_log import SubmissionLog

_HELP = """ask Reddit's API through PRAW (credentials in praw.ini, or in the environment as praw_client_id,
praw_client_secret and praw_user_agent) for submissions of these subreddits (default: all); they are added to a dump,
which is then harvested"""
_TERMS = (
    "Reddit's API wants Reddit's approval first (Responsible Builder Policy), and its terms restrict training: "
    "see docs/reddit-terms.md"
)
_FOLLOW = (
    "then follow new submissions as a stream, for so many hours or until Ctrl-C, and then harvest (default: do not)"
)


def add_reddit_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say what to ask Reddit for."""
    group = parser.add_argument_group("Reddit's API")
    group.add_argument("--reddit", nargs="*", metavar="SUBREDDIT", help=_HELP)
    group.add_argument(
        "--listing",
        nargs="+",
        choices=LISTINGS,
        default=["new"],
        help="listings to read of each subreddit (default: new)",
    )
    group.add_argument(
        "--time",
        nargs="+",
        choices=TIMES,
        default=["all"],
        help="times that the listings top and controversial and searches are for (default: all)",
    )
    group.add_argument(
        "--search",
        nargs="+",
        default=[],
        metavar="QUERY",
        help="searches to ask for instead of listings (default: none)",
    )
    group.add_argument(
        "--reddit-limit",
        type=int,
        default=1000,
        metavar="N",
        help="most submissions of a listing (default: %(default)s)",
    )
    group.add_argument("--reddit-site", metavar="NAME", help="section of praw.ini to use (default: PRAW's own)")
    group.add_argument(
        "--reddit-dump",
        metavar="FILE",
        help="dump to add the submissions to (default: OUTPUT/submissions/RS_reddit.jsonl.zst)",
    )
    group.add_argument("--follow", nargs="?", type=float, const=math.inf, metavar="HOURS", help=_FOLLOW)


def reddit_config(arguments: argparse.Namespace) -> RedditConfig:
    """Make the configuration that the flags ask for.

    Raises:
        UsageError: a limit below 1.
    """
    try:
        return RedditConfig(
            subreddits=tuple(name.removeprefix("/").removeprefix("r/") for name in arguments.reddit) or ("all",),
            listings=tuple(arguments.listing),
            times=tuple(arguments.time),
            searches=tuple(arguments.search),
            limit=arguments.reddit_limit,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def ask_reddit(arguments: argparse.Namespace) -> str:
    """Add what Reddit gives to the dump, telling each listing on standard error; gives the dump's path.

    Raises:
        UsageError: PRAW or credentials are missing or refused, the dump cannot be written, or Reddit gave nothing.
    """
    path = arguments.reddit_dump or storage.join(arguments.output, "submissions", "RS_reddit.jsonl.zst")
    if not storage.is_local(path):
        raise UsageError(f"{path} is not on a local disk, where a dump can grow: name one that is with --reddit-dump")
    config = reddit_config(arguments)
    reddit = connect(arguments.reddit_site)
    print(_TERMS, file=sys.stderr)
    log = SubmissionLog(path)
    for outcome in harvest_reddit(reddit, config, log):
        print(describe_outcome(outcome), file=sys.stderr)
    if arguments.follow is not None:
        ends = time.monotonic() + 3600 * arguments.follow
        try:
            follow_reddit(reddit, config, log, until=lambda: time.monotonic() >= ends)
        except KeyboardInterrupt:
            go_on()
            log.flush()
            print("stopped following; harvesting what came", file=sys.stderr)
    if not log.seen:
        raise UsageError("Reddit gave no submissions; the lines above say why")
    return path


def describe_outcome(outcome: Outcome) -> str:
    """Say in a line what a listing gave."""
    problem = f"; {outcome.problem.replace('_', ' ')}" if outcome.problem else ""
    return f"{outcome.target}: {outcome.submissions:,} submissions, {outcome.new:,} new{problem}"
