"""`webtext fetch`: links to an archive of pages (WARC) and its index, as a polite guest of the web.

The stage goes on where it stopped, whatever stopped it: what the archive holds is not asked for again. `--replay` sends
every request to a server that answers from archives instead of to the web; nothing else changes.
"""

import contextlib
import json
import resource
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import apache_beam as beam
import msgspec

from pipelines.engine.progress import read_notes
from pipelines.engine.runner import Engine
from pipelines.engine.share import Share
from pipelines.engine.spill import group_over_files, spills
from pipelines.stages.ledger import count_rejections, count_rows
from pipelines.stages.output import KINDS
from pipelines.stages.own import REOPENING, RULES, check_ours, mark, unfinished_directory
from pipelines.stages.removals import NOTHING_UNWANTED, Unwanted
from pipelines.stages.slots import CRAWLED, Crawls, read_pages
from pipelines.stages.stage import Stage, as_json, find_manifest, read_manifest, run_stage
from webtext import manifest, storage
from webtext.crawl.config import FetchConfig
from webtext.crawl.contact import contact_problem
from webtext.crawl.replay import Archives, serve_archives
from webtext.errors import UsageError
from webtext.manifest import Counts, File, Manifest
from webtext.records import Page
from webtext.reddit.transforms import WriteRecords, in_order, writing

# The rules of a crawl, which its pages are a function of; the other settings say how fast and how long a run works.
_RULES = ("robots", "opt_outs", "max_body_bytes", "max_redirects", "captures")
_LINKS_AN_INDEX_FILE = 1 << 17  # some 30 MB of rows
_OTHER_FILES = 64  # the most that a crawl's process has open beside its connections


def index_crawled(root: beam.Pipeline, crawled: Sequence[str], directory: str, files: int) -> None:
    """Wire the index: the rows of all slots, divided by the hash of their URLs as whatever reads pages expects."""
    paths = [storage.join(directory, name) for name in crawled]
    pages = root | beam.Create(paths) | beam.Reshuffle() | beam.FlatMap(read_pages).with_output_types(Page)
    pages | WriteRecords(directory, "index", Page, files)


def index_over_files(engine: Engine, crawled: Sequence[str], directory: str, files: int) -> None:
    """Do the same without a shuffle in memory."""
    tasks = [(name.removesuffix(".parquet"), storage.join(directory, name)) for name in crawled]
    group_over_files(engine, tasks, directory, files, _encoded_pages, partial(_write_index, directory, files))


def _encoded_pages(path: str) -> Iterator[tuple[str, bytes]]:
    for page in read_pages(path):
        yield page.url, msgspec.msgpack.encode(page)


def _write_index(directory: str, files: int, file: int, pages: Iterable[tuple[str, list[bytes]]]) -> None:
    decoder = msgspec.msgpack.Decoder(Page)
    with writing(storage.join(directory, f"index-{file:05d}-of-{files:05d}.parquet"), Page) as write:
        for _, encoded in pages:
            for page in in_order([decoder.decode(each) for each in encoded], Page, "url"):
                write(page)


def run_fetch(
    links: str,
    directory: str,
    config: FetchConfig,
    engine: Engine,
    *,
    replay: Sequence[str] = (),
    slots: int = 1,
    unwanted: Unwanted = NOTHING_UNWANTED,
    share: Share | None = None,
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
        share: crawl only these of the slots, and publish nothing.

    Raises:
        Ended: the share is done.
        UsageError: the links are not finished, an archive or the output is not usable, or nobody says who is crawling.
    """
    check_ours(directory, KINDS["pages"].writers)
    if slots < 1:
        raise UsageError(f"--slots must be at least 1, not {slots}")
    if share is not None and slots < share.of:
        raise UsageError(f"--share {share} of {slots} slots leaves some without any: give --slots {share.of} or more")
    if config.captures and slots > 1:
        raise UsageError("--captures asks one archive for all links, so it goes with --slots 1")
    if not replay and config.replay is None:
        check_contact(config.contact)
    _check_open_files(config.hosts_at_once)
    harvested = read_manifest(links, "harvest").counts.kept
    rules = {name: value for name, value in as_json(config).items() if name in _RULES}
    rules |= {"agent": config.token, "slots": slots, **({"wikipedia": True} if config.wikipedia else {})}
    stage = Stage("fetch", directory, rules, (links, *replay), resumable=True, replaces=("index",), share=share)
    files = max(1, harvested // _LINKS_AN_INDEX_FILE)

    def prepare(inputs: Sequence[File]) -> None:
        _reopen(stage, inputs, config, unwanted)
        given.extend(inputs)

    given: list[File] = []

    def work(unfinished: str) -> None:
        _begin(unfinished, stage, given)
        with answering(config, replay) as answered:
            Crawls(unfinished, slots, answered, unwanted, share).run(engine, links)
        if share is not None:
            return
        crawled = storage.list_files(unfinished, f"{CRAWLED}-*.parquet")
        if spills(engine, unfinished):
            index_over_files(engine, crawled, unfinished, files)
        else:
            engine.run(lambda root: index_crawled(root, crawled, unfinished, files))
        for name in crawled:
            storage.remove_file(storage.join(unfinished, name))

    return run_stage(stage, work, count_or_look, prepare)


def check_contact(contact: str) -> None:
    """See that whoever is asked can reach who runs the crawl.

    Raises:
        UsageError: they cannot.
    """
    what = "your web page or e-mail address, which goes into every request"
    if not contact:
        raise UsageError(f"say who is crawling: --contact with {what}")
    if problem := contact_problem(contact):
        raise UsageError(f"--contact {contact!r} {problem}: give {what}")


def _check_open_files(hosts_at_once: int) -> None:
    """See that each host that is asked at once can have its connection.

    Raises:
        UsageError: the process may not have so many files open.
    """
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = hosts_at_once + _OTHER_FILES
    if allowed != resource.RLIM_INFINITY and needed > allowed:
        raise UsageError(
            f"--hosts-at-once {hosts_at_once} needs {needed} open files and {allowed} are allowed: raise `ulimit -n`, "
            f"or ask at most {max(1, allowed - _OTHER_FILES)} hosts at once"
        )


def count_pages(directory: str) -> Counts:
    """Count a pages directory: each link has one row of the index, and one rejection where its outcome is not "ok"."""
    rejected = count_rejections(directory)
    given = count_rows(directory, "index-*.parquet")
    return Counts(given, given - sum(rejected.values()), rejected)


def count_or_look(directory: str) -> Counts:
    """Count a pages directory, or, while crawls are at work in it, say how far they are."""
    return count_pages(directory) if storage.list_files(directory, "index-*.parquet") else read_notes(directory)


@contextlib.contextmanager
def answering(config: FetchConfig, replay: Sequence[str]) -> Iterator[FetchConfig]:
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
    if storage.exists(storage.join(unfinished, REOPENING)):  # while archives are moved there
        _take_back(stage, unfinished)  # a run was stopped in it
        return
    if done is None or storage.exists(unfinished):
        return
    if (done.config, done.inputs[1:]) != (stage.config, inputs[1:]):
        if len(inputs) == 1:
            raise UsageError(f"{stage.directory} {_OTHER_RULES}")
        return  # a replay is soon done again
    is_same = done.fingerprint == stage.fingerprint(inputs)
    is_cut = bool(done.counts.rejected.get("not_fetched")) or _is_taken_back(done, stage.directory, unwanted)
    is_wanted = config.refetch_failed or any(name == "ok" or done.counts.rejected.get(name) for name in config.refetch)
    if not is_same or is_wanted or is_cut:
        mark(unfinished, stage.name)
        _begin(unfinished, stage, inputs)
        with storage.create_file(storage.join(unfinished, REOPENING), durable=True):
            pass
        _take_back(stage, unfinished)


def _take_back(stage: Stage, unfinished: str) -> None:
    """Move the archives of a finished directory, which is finished no more, to the unfinished one."""
    mark(stage.directory, stage.name)
    storage.remove_file(storage.join(stage.directory, manifest.NAME))
    for name in storage.list_files(stage.directory, "*.warc.gz"):
        storage.rename(storage.join(stage.directory, name), storage.join(unfinished, name))
    storage.remove_file(storage.join(unfinished, REOPENING))


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
    # The rules by which the archives there were begun stand beside them.
    note, content = storage.join(unfinished, RULES), json.dumps(rules, sort_keys=True).encode()
    stale = storage.list_files(unfinished, "*.parquet") if stage.share is None else []
    if storage.exists(note):
        with storage.open_file(note) as stream:
            before = stream.read()
        if before != content:
            if len(inputs) == 1 or not json.loads(before)["replay"]:
                raise UsageError(f"{unfinished} {_OTHER_RULES}")
            stale += storage.list_files(unfinished, "*.warc.gz")
    for name in stale:
        storage.remove_file(storage.join(unfinished, name))
    with storage.create_file(note, durable=True) as stream:
        stream.write(content)
