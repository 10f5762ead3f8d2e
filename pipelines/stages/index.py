"""WARC files of other people to a page index, so that `build` starts from a Common Crawl segment or a crawl of yours.

The archive is not copied: the index points into it. Of several captures of one URL one is indexed: an answer with
status 200 before any other, then the latest, then the one with the smallest digest. With links, a page gets the karma
of its link, a page that is no link is left out, and a link without a page is rejected as `not_in_archive`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection

from pipelines.engine.runner import Engine
from pipelines.stages.ledger import count_rejections, count_rows
from pipelines.stages.stage import Stage, as_json, read_manifest, run_stage
from webtext import storage
from webtext.crawl.config import FetchConfig
from webtext.crawl.outcomes import reason_of
from webtext.errors import UsageError
from webtext.manifest import Counts, Manifest
from webtext.permissions.archived import signal_of_archived
from webtext.permissions.signals import DEFAULT_SIGNALS, OUTCOME
from webtext.records import Link, Page, Rejection
from webtext.reddit.transforms import WriteRecords
from webtext.tables import read_records
from webtext.urls import canonicalize_url, host_of
from webtext.warc.warc_records import WarcRecord, iter_warc, parse_response, payload_digest

_ARCHIVES_AN_INDEX_FILE = 16
_TOKEN = FetchConfig().token  # by which some signals address us
_BYTES_WORTH_A_PROCESS = 64 << 20  # of archives: reading them takes about as long as starting a process


@dataclass(frozen=True)
class IndexConfig:
    """Which pages of an archive are indexed, into how many files."""

    linked_only: bool
    files: int
    opt_outs: tuple[str, ...] = DEFAULT_SIGNALS  # signals against training that are obeyed


def index_archives(
    archives: Sequence[str],
    links: str | None,
    directory: str,
    engine: Engine,
    opt_outs: tuple[str, ...] = DEFAULT_SIGNALS,
) -> Manifest:
    """Index WARC files into `directory`: a finished pages stage whose archive lies elsewhere.

    Args:
        archives: paths of WARC files.
        links: a finished links directory, or None to take every page.
        directory: where the index goes.
        engine: what runs it.
        opt_outs: signals against training that are obeyed, as far as answers and pages give them.

    Raises:
        UsageError: an archive is damaged or none.
    """
    if links is not None:
        read_manifest(links, "harvest")
    config = IndexConfig(links is not None, max(1, len(archives) // _ARCHIVES_AN_INDEX_FILE), opt_outs)
    stage = Stage("index", directory, as_json(config), (*archives, *([links] if links else [])))

    def work(unfinished: str) -> None:
        worth = -(-sum(map(storage.file_size, archives)) // _BYTES_WORTH_A_PROCESS)
        tasks = min(len(archives), worth)
        engine.run(lambda root: index(root, archives, links, unfinished, config), tasks=tasks)

    def count(unfinished: str) -> Counts:
        pages, rejected = count_rows(unfinished, "index-*.parquet"), count_rejections(unfinished)
        return Counts(pages, pages - sum(rejected.values()), rejected)

    return run_stage(stage, work, count)


def index(root: beam.Pipeline, archives: Sequence[str], links: str | None, directory: str, config: IndexConfig) -> None:
    """Wire the index: the captures of all archives, the best of each URL, what links say of it, files."""
    captures = root | "Archives" >> beam.Create(list(archives)) | beam.Reshuffle() | ReadCaptures(config.opt_outs)
    pages = captures | "By URL" >> KeyByUrl(Page) | "Best of a URL" >> beam.CombinePerKey(best_capture) | beam.Values()
    if links is not None:
        pages = pages | JoinLinks(links)
    pages | WriteRecords(directory, "index", Page, config.files)
    rejected = pages | "Not ok" >> beam.FlatMap(rejection_of).with_output_types(Rejection)
    rejected | "Write rejections" >> WriteRecords(directory, "rejections", Rejection, config.files)


@dataclass
class KeyByUrl(beam.PTransform):
    """Key records by their canonical URL."""

    kind: type

    def __post_init__(self) -> None:
        super().__init__(f"KeyByUrl {self.kind.__name__}")

    def expand(self, records: PCollection) -> PCollection:
        keyed: Any = tuple.__class_getitem__((str, self.kind))
        return records | beam.Map(lambda record: (record.url, record)).with_output_types(keyed)


@dataclass
class ReadCaptures(beam.PTransform):
    """Read the HTTP responses of archives, as page rows."""

    opt_outs: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, archives: PCollection[str]) -> PCollection[Page]:
        return archives | beam.FlatMap(read_captures, opt_outs=self.opt_outs).with_output_types(Page)


@dataclass
class JoinLinks(beam.PTransform):
    """Give each page what is known of its link; a link without a page becomes a row that says so."""

    links: str

    def __post_init__(self) -> None:
        super().__init__("JoinLinks")

    def expand(self, pages: PCollection) -> PCollection:
        names = storage.list_files(self.links, "links-*.parquet")
        links = (
            pages.pipeline
            | beam.Create([storage.join(self.links, name) for name in names])
            | beam.FlatMap(read_links).with_output_types(Link)
            | KeyByUrl(Link)
        )
        both = {"pages": pages | KeyByUrl(Page), "links": links} | beam.CoGroupByKey()
        return both | beam.FlatMapTuple(join_link).with_output_types(Page)


def read_captures(path: str, opt_outs: tuple[str, ...] = DEFAULT_SIGNALS) -> Iterator[Page]:
    """Yield a row for each HTTP response of an archive whose URL has a canonical form."""
    with storage.open_file(path) as stream:
        for record in iter_warc(stream, path):
            url = canonicalize_url(record.url) if record.is_http_response else None
            if url is not None:
                yield capture_of(path, url, record, opt_outs)


def read_links(path: str) -> Iterator[Link]:
    """Yield the links of one file of a links directory."""
    with storage.open_file(path) as stream:
        yield from read_records(stream, Link)


def capture_of(path: str, url: str, record: WarcRecord, opt_outs: tuple[str, ...] = DEFAULT_SIGNALS) -> Page:
    """Describe a response record as a row of a page index."""
    response = parse_response(record.block)
    outcome, detail, signal = "ok" if response.status == 200 else f"http_{response.status}", "", None
    if outcome == "ok":
        signal = signal_of_archived(response, record.url, _TOKEN, opt_outs)
    if signal is not None:
        outcome, detail = (OUTCOME if signal.name in opt_outs else outcome), signal.evidence
    return Page(
        url=url,
        fetch_url=record.url,
        final_url=record.url,
        host=host_of(record.url),
        status=response.status,
        outcome=outcome,
        detail=detail,
        fetched_at=_seconds(record.date),
        content_type=response.header("Content-Type"),
        warc_file=path,
        warc_offset=record.offset,
        warc_length=record.length,
        digest=record.headers.get("warc-payload-digest") or payload_digest(response.body),
        robots="",
        opt_out=signal.name if signal else "",
        karma=None,
        submissions=None,
        subreddits=(),
        first_posted=None,
    )


def best_capture(captures: Iterable[Page]) -> Page:
    """Choose the capture of a URL to index: status 200 first, then the latest, then the smallest digest and place."""
    return min(
        captures,
        key=lambda page: (
            page.status != 200,
            -(page.fetched_at or 0),
            page.digest,
            page.warc_file,
            page.warc_offset or 0,
        ),
    )


def join_link(url: str, found: dict[str, Iterable]) -> Iterator[Page]:
    """Merge the page and the link of a URL; a page that nobody linked is left out."""
    pages, links = list(found["pages"]), list(found["links"])
    for link in links:
        page = pages[0] if pages else _absent(url, link)
        yield replace(
            page,
            karma=link.karma,
            submissions=link.submissions,
            subreddits=link.subreddits,
            first_posted=link.first_posted,
        )


def rejection_of(page: Page) -> Iterator[Rejection]:
    """Yield the rejection of a page that cannot be extracted."""
    reason = reason_of(page.outcome, page.opt_out)
    Metrics.counter("index", "kept" if page.outcome == "ok" else reason).inc()
    if page.outcome != "ok":
        yield Rejection(page.url, "fetch", reason, page.detail)


def _absent(url: str, link: Link) -> Page:
    return Page(
        url=url,
        fetch_url=link.fetch_url,
        final_url=link.fetch_url,
        host=link.host,
        status=None,
        outcome="not_in_archive",
        detail="",
        fetched_at=None,
        content_type="",
        warc_file="",
        warc_offset=None,
        warc_length=None,
        digest="",
        robots="",
        opt_out="",
        karma=None,
        submissions=None,
        subreddits=(),
        first_posted=None,
    )


def _seconds(date: str) -> int | None:
    try:
        return int(datetime.fromisoformat(date).timestamp())
    except ValueError:
        return None


def archives_of(patterns: Sequence[str]) -> list[str]:
    """List the archives that paths or glob patterns name, as absolute paths, sorted, each once.

    Raises:
        UsageError: a pattern names none.
    """
    archives = sorted({storage.absolute(path) for pattern in patterns for path in storage.expand(pattern)})
    for path in archives:
        if storage.is_local(path) and Path(path).is_dir():
            raise UsageError(f"{path} is a directory: name the WARC files in it, as '{path}/*.warc.gz'")
        if not storage.file_size(path):
            raise UsageError(f"{path} is empty")
    if not archives:
        raise UsageError("no archive given: name WARC files with --warc")
    return archives
