"""`webtext fetch`: links to an archive of pages (WARC) and its index, as a polite guest of the web.

The stage goes on where it stopped, whatever stopped it: what the archive holds is not asked for again. `--replay` sends
every request to a server that answers from archives instead of to the web; nothing else changes.
"""

import argparse
from dataclasses import fields
from typing import Any

from pipelines.commands.answer import add_json_argument, stages_as_json, tell
from pipelines.commands.ending import drawn
from pipelines.commands.fetch_check import run_check
from pipelines.commands.opt_outs import add_opt_outs_argument, opt_outs_of
from pipelines.engine.runner import add_engine_arguments, engine_from
from pipelines.engine.share import add_share_argument
from pipelines.stages.fetch import run_fetch
from pipelines.stages.ledger import Funnel
from pipelines.stages.output import Output
from pipelines.stages.removals import read_unwanted
from webtext.crawl.config import FetchConfig
from webtext.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext fetch`."""
    parser.add_argument("--output", "-o", help="directory of the output: reads OUTPUT/links, writes OUTPUT/pages")
    parser.add_argument("--check", nargs="+", metavar="URL", help=_CHECK)
    parser.add_argument("--links", help="a finished links directory (default: OUTPUT/links)")
    parser.add_argument(
        "--wikipedia", action="store_true", help="follow redirects to Wikipedia, as harvest's flag keeps it"
    )
    add_fetch_arguments(parser)
    add_share_argument(parser)
    add_engine_arguments(parser)
    add_json_argument(parser)


def add_fetch_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say how to fetch, for `webtext fetch` and for `webtext corpus`."""
    default = FetchConfig()
    group = parser.add_argument_group("who asks, and whom")
    group.add_argument("--contact", default="", metavar="WHO", help=_CONTACT)
    group.add_argument("--product", default=default.product, help="name in the User-Agent (default: %(default)s)")
    group.add_argument("--replay", nargs="+", action="extend", default=[], metavar="WARC", help=_REPLAY)
    group = parser.add_argument_group("manners")
    group.add_argument(
        "--delay", type=float, help="seconds between two requests to a host (default: 1, with --replay 0)"
    )
    group.add_argument("--max-crawl-delay", type=float, help=_CRAWL_DELAY)
    group.add_argument("--backoff", type=float, help="seconds before a second attempt (default: 5, with --replay 0)")
    _add(group, "hosts-at-once", "hosts asked at the same time")
    _add(group, "requests-per-second", "requests a second to all hosts of a slot together; 0: no limit")
    group.add_argument("--ignore-robots", action="store_true", help="do not ask for robots.txt; for sites of your own")
    add_opt_outs_argument(group)
    group.add_argument("--obey-ai-agents", action=argparse.BooleanOptionalAction, default=True, help=_AI_AGENTS)
    group = parser.add_argument_group("limits")
    _add(group, "connect-timeout", "seconds to wait for a connection")
    _add(group, "read-timeout", "seconds of silence after which a server is given up")
    _add(group, "total-timeout", "seconds that a request and its answer may take")
    _add(group, "max-body-bytes", "bytes of a page that are read")
    _add(group, "max-redirects", "redirects that are followed from a link")
    _add(group, "max-attempts", "attempts at a URL")
    _add(group, "dead-after", "failures in a row after which a host is given up")
    _add(group, "outage-after", "hosts in a row that cannot be reached, after which the network is in doubt")
    _add(group, "outage-pause", "seconds to wait where the network is in doubt, before looking again")
    _add(group, "max-pages", "links asked for in this run; 0: all")
    _add(group, "max-time", "seconds that this run asks for pages; 0: as long as it takes")
    group = parser.add_argument_group("the archive")
    group.add_argument("--refetch-failed", action="store_true", help="ask again for what failed, keep what came")
    group.add_argument("--refetch", default="", metavar="LIST", help=_REFETCH)
    _add(group, "roll-bytes", "size at which an archive file is followed by the next")
    group.add_argument("--captures", choices=("commoncrawl", "wayback"), default="", help=_CAPTURES)
    group.add_argument(
        "--slots", type=int, default=1, help="crawls among which the hosts are divided (default: %(default)s)"
    )


_CONTACT = "web page or e-mail address of who runs the crawl; placeholders are refused (default: none)"
_REFETCH = "ask again for what ended so: outcomes such as dns_error,connect_timeout; docs/fetch.md (default: nothing)"
_REPLAY = "ask these archives instead of the web, over real HTTP on loopback (default: none)"
_CRAWL_DELAY = "seconds up to which a site's Crawl-delay is obeyed (default: 60, with --replay 0)"
_CAPTURES = "where to look for captures of dead links, the nearest in date (default: nowhere)"
_CHECK = "say what would be done with these URLs, and why, and fetch nothing (default: fetch)"
_AI_AGENTS = "take no page from which robots.txt shuts out a known crawler of AI training (default: on)"


def _add(group: Any, flag: str, meaning: str) -> None:
    default = getattr(FetchConfig(), flag.replace("-", "_"))
    group.add_argument(f"--{flag}", type=type(default), default=default, help=f"{meaning} (default: %(default)s)")


def fetch_config(arguments: argparse.Namespace) -> FetchConfig:
    """Make the configuration that flags ask for.

    Raises:
        UsageError: a value is out of its range.
    """
    given = {
        field.name: value
        for field in fields(FetchConfig)
        if (value := getattr(arguments, field.name, None)) is not None
    }
    given |= {"replay": None, "robots": not arguments.ignore_robots}
    trainers = ("ai_agents",) if not arguments.obey_ai_agents else ()
    given["opt_outs"] = tuple(name for name in opt_outs_of(arguments) if name not in trainers)
    given["refetch"] = tuple(filter(None, map(str.strip, arguments.refetch.split(","))))
    if arguments.replay:
        for name in ("delay", "max_crawl_delay", "backoff"):
            given.setdefault(name, 0.0)  # nobody is there to be spared
    try:
        return FetchConfig(**given)
    except ValueError as error:
        raise UsageError(str(error)) from error


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Fetch as the flags say, and print what became of the links."""
    if arguments.check:
        return run_check(arguments, fetch_config(arguments))
    if not arguments.output:
        raise UsageError("give the directory of the output with --output, or URLs with --check")
    engine = engine_from(arguments, beam_arguments)
    links = arguments.links or Output(arguments.output).links
    pages = Output(arguments.output).pages
    before = Funnel.of_one("pages", pages)
    run_fetch(
        links,
        pages,
        fetch_config(arguments),
        engine,
        replay=arguments.replay,
        slots=arguments.slots,
        unwanted=read_unwanted(arguments.output),
        share=arguments.share,
    )
    funnel = Funnel.of_one("pages", pages)
    found = {"output": arguments.output, "stages": stages_as_json(funnel.stages)}
    tell(found, drawn(arguments.output, before, funnel), as_json=arguments.json)
    return 0
