"""`webtext fetch`: links to an archive of pages (WARC) and its index, as a polite guest of the web.

The stage goes on where it stopped, whatever stopped it: what the archive holds is not asked for again. `--replay` sends
every request to a server that answers from archives instead of to the web; nothing else changes.
"""

import argparse
import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipelines.answer import add_json_argument, stages_as_json, tell
from pipelines.crawl_transforms import CRAWLED, FetchPages, read_links, read_pages, read_progress
from pipelines.ledger import Funnel, count_rejections, count_rows
from pipelines.removals import NOTHING_UNWANTED, Unwanted, read_unwanted
from pipelines.runner import Engine, add_engine_arguments, engine_from
from pipelines.stage import (
    Stage,
    as_json,
    find_manifest,
    read_input,
    read_manifest,
    run_stage,
    unfinished_directory,
)
from webtext import manifest, storage
from webtext.errors import UsageError
from webtext.fetch_config import FetchConfig
from webtext.manifest import Counts, File, Manifest
from webtext.optout import DEFAULT_SIGNALS, SIGNALS
from webtext.records import Link, Page
from webtext.replay import Archives, serve_archives
from webtext.transforms import WriteRecords

# The rules of a crawl, which its pages are a function of; the other settings say how fast and how long a run works.
_RULES = ("robots", "opt_outs", "max_body_bytes", "max_redirects", "captures")
_LINKS_AN_INDEX_FILE = 1 << 17  # some 30 MB of rows
_NOTE = ".rules"  # hidden file in the unfinished directory: the rules by which its archives were begun


def fetch(root: beam.Pipeline, links: str, directory: str, slots: int, config: FetchConfig, unwanted: Unwanted) -> None:
    """Wire the fetch: links by slot, a crawl a slot."""
    names = storage.list_files(links, "links-*.parquet")
    found = root | beam.Create([storage.join(links, name) for name in names]) | beam.Reshuffle()
    found | beam.FlatMap(read_links).with_output_types(Link) | FetchPages(directory, slots, config, unwanted)


def index_crawled(root: beam.Pipeline, crawled: Sequence[str], directory: str, files: int) -> None:
    """Wire the index: the rows of all slots, divided by the hash of their URLs as whatever reads pages expects."""
    paths = [storage.join(directory, name) for name in crawled]
    pages = root | beam.Create(paths) | beam.Reshuffle() | beam.FlatMap(read_pages).with_output_types(Page)
    pages | WriteRecords(directory, "index", Page, files)


def run_fetch(
    links: str,
    directory: str,
    config: FetchConfig,
    engine: Engine,
    *,
    replay: Sequence[str] = (),
    slots: int = 1,
    unwanted: Unwanted = NOTHING_UNWANTED,
) -> Manifest:
    """Fetch the links of a finished stage into a pages directory, or find it done.

    Args:
        links: a finished links directory.
        directory: the pages directory.
        config: how to fetch.
        engine: where to run.
        replay: archives to answer from, instead of the web.
        slots: crawls that the hosts are dealt out to; one does for one machine.
        unwanted: what is not asked for since somebody wants it removed.

    Raises:
        UsageError: the links are not finished, an archive or the output is not usable, or nobody says who is crawling.
    """
    if slots < 1:
        raise UsageError(f"--slots must be at least 1, not {slots}")
    if config.captures and slots > 1:
        raise UsageError("--captures asks one archive for all links, so it goes with --slots 1")
    if not replay and config.replay is None and not config.contact:
        raise UsageError("say who is crawling: --contact with your web page or mailto: address goes into every request")
    harvested = read_manifest(links, "harvest").counts.kept
    rules = {name: value for name, value in as_json(config).items() if name in _RULES}
    rules |= {"agent": config.token, "slots": slots, **({"wikipedia": True} if config.wikipedia else {})}
    stage = Stage("fetch", directory, rules, (links, *replay), resumable=True)
    inputs = [read_input(path) for path in stage.inputs]
    _reopen(stage, inputs, config, unwanted)
    files = max(1, harvested // _LINKS_AN_INDEX_FILE)

    def work(unfinished: str) -> None:
        _begin(unfinished, stage, inputs)
        with _answering(config, replay) as answered:
            engine.run(lambda root: fetch(root, links, unfinished, slots, answered, unwanted), tasks=slots)
        crawled = storage.list_files(unfinished, f"{CRAWLED}-*.parquet")
        engine.run(lambda root: index_crawled(root, crawled, unfinished, files))
        for name in crawled:
            storage.remove_file(storage.join(unfinished, name))

    return run_stage(stage, work=work, count=count_or_look)


def count_pages(directory: str) -> Counts:
    """Count a pages directory: each link has one row of the index, and one rejection where its outcome is not "ok"."""
    rejected = count_rejections(directory)
    given = count_rows(directory, "index-*.parquet")
    return Counts(given, given - sum(rejected.values()), rejected)


def count_or_look(directory: str) -> Counts:
    """Count a pages directory, or, while crawls are at work in it, say how far they are."""
    return count_pages(directory) if storage.list_files(directory, "index-*.parquet") else read_progress(directory)


@contextlib.contextmanager
def _answering(config: FetchConfig, replay: Sequence[str]) -> Iterator[FetchConfig]:
    """Serve the archives, if any, and send the crawl to them."""
    if not replay:
        yield config
        return
    with serve_archives(Archives([Path(path) for path in replay])) as address:
        yield replace(config, replay=address)


def _reopen(stage: Stage, inputs: Sequence[File], config: FetchConfig, unwanted: Unwanted) -> None:
    """Go on with a finished archive that is not all there is to ask for.

    That is so where links were added, a limit cut it short, failures are asked for again, or removals taken back.

    Raises:
        UsageError: the archive was fetched from the web by other rules; to drop it is for the user to decide.
    """
    done, unfinished = find_manifest(stage.directory), unfinished_directory(stage.directory)
    if done is None or storage.exists(unfinished):
        return
    if (done.config, done.inputs[1:]) != (stage.config, inputs[1:]):
        if len(inputs) == 1:
            raise UsageError(f"{stage.directory} {_OTHER_RULES}")
        return  # a replay is soon done again
    is_same = done.fingerprint == manifest.fingerprint(stage.name, stage.config, inputs)
    is_cut = bool(done.counts.rejected.get("not_fetched")) or _is_taken_back(done, stage.directory, unwanted)
    if not is_same or config.refetch_failed or is_cut:
        storage.make_directory(unfinished)
        for file in done.files:
            if file.name.endswith(".warc.gz"):
                storage.rename(storage.join(stage.directory, file.name), storage.join(unfinished, file.name))
        _begin(unfinished, stage, inputs)
        storage.remove_file(storage.join(stage.directory, manifest.NAME))


def _is_taken_back(done: Manifest, directory: str, unwanted: Unwanted) -> bool:
    """Tell whether a link that was not asked for, since somebody wanted it removed, may be asked for now."""
    if not done.counts.rejected.get("removed"):
        return False
    for name in storage.list_files(directory, "index-*.parquet"):
        for page in read_pages(storage.join(directory, name)):
            urls = (page.url, page.fetch_url, page.final_url)
            if page.outcome == "removed" and not any(map(unwanted.kind_of, urls)):
                return True
    return False


_OTHER_RULES = "was fetched by other rules: choose another output, or remove it to fetch all anew"


def _begin(unfinished: str, stage: Stage, inputs: Sequence[File]) -> None:
    """Prepare the unfinished directory: archives that were begun by the same rules stay, tables are written anew.

    Raises:
        UsageError: the archives were begun by other rules, and are not just a replay's.
    """
    rules = {"config": stage.config, "replay": [file.sha256 for file in inputs[1:]]}
    note, content = storage.join(unfinished, _NOTE), json.dumps(rules, sort_keys=True).encode()
    stale = storage.list_files(unfinished, "*.parquet")
    if storage.exists(note):
        with storage.open_file(note) as stream:
            before = stream.read()
        if before != content:
            if len(inputs) == 1 or not json.loads(before)["replay"]:
                raise UsageError(f"{unfinished} {_OTHER_RULES}")
            stale += storage.list_files(unfinished, "*.warc.gz")
    for name in stale:
        storage.remove_file(storage.join(unfinished, name))
    with storage.create_file(note) as stream:
        stream.write(content)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext fetch`."""
    parser.add_argument(
        "--output", "-o", required=True, help="directory of the output: reads OUTPUT/links, writes OUTPUT/pages"
    )
    parser.add_argument("--links", help="a finished links directory (default: OUTPUT/links)")
    parser.add_argument(
        "--wikipedia", action="store_true", help="follow redirects to Wikipedia, as harvest's flag keeps it"
    )
    add_fetch_arguments(parser)
    add_engine_arguments(parser)
    add_json_argument(parser)


def add_fetch_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say how to fetch, for `webtext fetch` and for `webtext corpus`."""
    default = FetchConfig()
    group = parser.add_argument_group("who asks, and whom")
    group.add_argument("--contact", default="", metavar="URL", help="web page or mailto: of who runs the crawl")
    group.add_argument("--product", default=default.product, help="name in the User-Agent (default: %(default)s)")
    group.add_argument("--replay", nargs="+", action="extend", default=[], metavar="WARC", help=_REPLAY)
    group = parser.add_argument_group("manners")
    group.add_argument("--delay", type=float, help="seconds of rest for a host (default: 1, with --replay 0)")
    group.add_argument("--max-crawl-delay", type=float, help=_CRAWL_DELAY)
    group.add_argument("--backoff", type=float, help="seconds before a second attempt (default: 5, with --replay 0)")
    _add(group, "hosts-at-once", "hosts asked at the same time")
    _add(group, "requests-per-second", "to all hosts of a slot together; 0: no limit")
    group.add_argument("--ignore-robots", action="store_true", help="do not ask for robots.txt; for sites of your own")
    group.add_argument("--opt-outs", default=",".join(DEFAULT_SIGNALS), metavar="LIST", help=_OPT_OUTS)
    group = parser.add_argument_group("limits")
    _add(group, "connect-timeout", "seconds")
    _add(group, "read-timeout", "seconds of silence")
    _add(group, "total-timeout", "seconds for an exchange")
    _add(group, "max-body-bytes", "of a page")
    _add(group, "max-redirects", "of a page")
    _add(group, "max-attempts", "at a URL")
    _add(group, "dead-after", "failures in a row after which a host is given up")
    _add(group, "max-pages", "links asked for in this run; 0: all")
    _add(group, "max-time", "seconds that this run asks for pages; 0: as long as it takes")
    group = parser.add_argument_group("the archive")
    group.add_argument("--refetch-failed", action="store_true", help="ask again for what failed, keep what came")
    _add(group, "roll-bytes", "size at which an archive file is followed by the next")
    group.add_argument("--captures", choices=("commoncrawl", "wayback"), default="", help=_CAPTURES)
    group.add_argument("--slots", type=int, default=1, help="crawls that the hosts are dealt out to (default: 1)")


_REPLAY = "ask these archives instead of the web, over real HTTP on loopback"
_CRAWL_DELAY = "seconds up to which a site's Crawl-delay is obeyed (default: 60, with --replay 0)"
_CAPTURES = "for dead links, take the capture nearest in date from there"
_OPT_OUTS = f"opt-outs to obey, of {', '.join(SIGNALS)}; 'nothing' for none (default: %(default)s)"


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
    names = "" if arguments.opt_outs == "nothing" else arguments.opt_outs
    given["opt_outs"] = tuple(name.strip() for name in names.split(",") if name.strip())
    if arguments.replay:
        for name in ("delay", "max_crawl_delay", "backoff"):
            given.setdefault(name, 0.0)  # nobody is there to be spared
    try:
        return FetchConfig(**given)
    except ValueError as error:
        raise UsageError(str(error)) from error


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Fetch as the flags say, and print what became of the links."""
    engine = engine_from(arguments, beam_arguments)
    links = arguments.links or storage.join(arguments.output, "links")
    pages = storage.join(arguments.output, "pages")
    done = run_fetch(
        links,
        pages,
        fetch_config(arguments),
        engine,
        replay=arguments.replay,
        slots=arguments.slots,
        unwanted=read_unwanted(arguments.output),
    )
    funnel = Funnel((("pages", done),))
    found = {"output": arguments.output, "stages": stages_as_json(funnel.stages)}
    tell(found, funnel.lines(), as_json=arguments.json)
    return 0
