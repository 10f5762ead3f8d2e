"""WARC files of other people to a page index, so that `build` starts from a Common Crawl segment or a crawl of yours.

The archive is not copied: the index points into it. Of several captures of one URL one is indexed: a page before
anything else, then the latest, then the one with the smallest digest. With links, a page gets the karma of its link,
also where the archive has that as a redirect to the page; a page that is no link is left out, and a link without a page
is rejected as `not_in_archive`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from pipelines.engine.runner import Engine
from pipelines.engine.tasks import Worker
from pipelines.stages.archives.archived_pages import (
    REVISIT,
    best_capture,
    body_keys,
    capture_of,
    has_body,
    join_link,
    redirect_of,
    redirected,
    rejection_of,
    revisited,
)
from pipelines.stages.ledger import count_rejections, count_rows
from pipelines.stages.stage import Stage, as_json, read_manifest, run_stage
from webtext import storage
from webtext.crawl.outcomes import reason_of
from webtext.errors import UsageError
from webtext.inputs import InputTally, read_inputs
from webtext.manifest import Counts, Manifest
from webtext.permissions.signals import DEFAULT_SIGNALS
from webtext.records import Link, Page, Rejection
from webtext.reddit.transforms import WriteRecords
from webtext.tables import read_records
from webtext.urls import canonicalize_url
from webtext.warc.frames import Damage
from webtext.warc.warc_reader import read_archive

_MOST_REDIRECTS = 3  # the most between a link and the page that the archive has
_ARCHIVES_AN_INDEX_FILE = 16
_BYTES_WORTH_A_PROCESS = 64 << 20  # reading so much of archives takes about as long as starting a process


@dataclass(frozen=True)
class IndexConfig:
    """Which pages of an archive are indexed, into how many files."""

    linked_only: bool
    files: int
    opt_outs: tuple[str, ...] = DEFAULT_SIGNALS  # signals against training that are obeyed
    skip_unreadable: bool = False  # whether a file that is no WARC is counted instead of ending the run


def index_archives(
    archives: Sequence[str],
    links: str | None,
    directory: str,
    engine: Engine,
    opt_outs: tuple[str, ...] = DEFAULT_SIGNALS,
    *,
    skip_unreadable: bool = False,
) -> Manifest:
    """Index WARC files into `directory`: a finished pages stage whose archive lies elsewhere.

    Args:
        archives: paths of WARC files.
        links: a finished links directory, or None to take every page.
        directory: where the index goes.
        engine: what runs it.
        opt_outs: signals against training that are obeyed, as far as answers and pages give them.
        skip_unreadable: whether a file that is no WARC is counted instead of ending the run.

    Raises:
        UsageError: an archive is none.
    """
    if links is not None:
        read_manifest(links, "harvest")
    files = max(1, len(archives) // _ARCHIVES_AN_INDEX_FILE)
    config = IndexConfig(links is not None, files, opt_outs, skip_unreadable)
    identity = as_json(replace(config, skip_unreadable=False))  # it makes no difference where there is an index
    stage = Stage("index", directory, identity, (*archives, *([links] if links else [])))

    def work(unfinished: str) -> None:
        joined = [storage.join(links, name) for name in storage.list_files(links, "links-*.parquet")] if links else []
        worth = -(-sum(map(storage.file_size, (*archives, *joined))) // _BYTES_WORTH_A_PROCESS)
        if worth > 1:
            tasks = min(len(archives), worth)
            engine.run(lambda root: index(root, archives, links, unfinished, config), tasks=tasks)
        else:
            engine.each([0], IndexInOneTask(archives, links, unfinished, config))

    def count(unfinished: str) -> Counts:
        pages, rejected = count_rows(unfinished, "index-*.parquet"), count_rejections(unfinished)
        notes = Counter[str]()
        for read in read_inputs(unfinished):
            notes.update({f"records_{kind}": number for kind, number in read.counts.items()})
            notes.update({"damaged": read.damaged} if read.damaged else {})
        return Counts(pages, pages - sum(rejected.values()), rejected, notes=dict(sorted(notes.items())))

    return run_stage(stage, work, count)


def index(root: beam.Pipeline, archives: Sequence[str], links: str | None, directory: str, config: IndexConfig) -> None:
    """Wire the index: the captures of all archives, the best of each URL, what links say of it, files."""
    read = root | "Archives" >> beam.Create(list(enumerate(archives))) | ReadCaptures(directory, config, len(archives))
    captures = (read.pages, {"pages": read.pages, "revisits": read.revisits} | ResolveRevisits()) | beam.Flatten()
    pages = captures | "By URL" >> KeyByUrl(Page) | "Best of a URL" >> beam.CombinePerKey(best_capture) | beam.Values()
    if links is not None:
        for hop in range(1, _MOST_REDIRECTS + 1):
            pages = pages | FollowRedirects(hop)
        pages = pages | JoinLinks(links)
    pages | WriteRecords(directory, "index", Page, config.files)
    rejected = pages | "Not ok" >> beam.FlatMap(_count_outcome).with_output_types(Rejection)
    rejected | "Write rejections" >> WriteRecords(directory, "rejections", Rejection, config.files)


@dataclass
class IndexInOneTask(Worker):
    """Makes the index of small archives as one task: all their rows are held at once, and nothing is shuffled."""

    archives: Sequence[str]
    links: str | None
    directory: str
    config: IndexConfig

    def do(self, _task: Any) -> None:
        read = ReadCaptures(self.directory, self.config, len(self.archives))
        rows = [row for numbered in enumerate(self.archives) for row in read.rows(numbered)]
        pages = [row for row in rows if row.outcome != REVISIT]
        bodies = [(key, page) for page in pages if has_body(page) for key in body_keys(page)]
        revisits = [(key, row) for row in rows if row.outcome == REVISIT for key in body_keys(row)]
        pages += _joined(_revisited, bodies=bodies, revisits=revisits)
        pages = _joined(lambda _, found: iter([best_capture(found["pages"])]), pages=_by_url(pages))
        if self.links is not None:
            for _hop in range(_MOST_REDIRECTS):
                redirects = [(target, page) for page in pages if (target := redirect_of(page))]
                followed = _joined(_redirected, pages=_by_url(pages), redirects=redirects)
                pages = [page for page in pages if not redirect_of(page)] + followed
            files = storage.list_files(self.links, "links-*.parquet")
            links = (link for name in files for link in read_links(storage.join(self.links, name)))
            pages = _joined(join_link, pages=_by_url(pages), links=_by_url(links))
        rejected = [rejection for page in pages for rejection in _count_outcome(page)]
        WriteRecords(self.directory, "index", Page, self.config.files).write_all(pages)
        WriteRecords(self.directory, "rejections", Rejection, self.config.files).write_all(rejected)


def _by_url(records: Iterable[Page | Link]) -> Iterator[tuple[str, Page | Link]]:
    return ((record.url, record) for record in records)


def _joined(
    join: Callable[[str, dict[str, Iterable[Any]]], Iterator[Page]], **sides: Iterable[tuple[str, Any]]
) -> list[Page]:
    """Do what `CoGroupByKey` and a function of its groups do."""
    groups = defaultdict[str, dict[str, Any]](lambda: {side: [] for side in sides})
    for side, keyed in sides.items():
        for key, record in keyed:
            groups[key][side].append(record)
    return [page for key, found in groups.items() for page in join(key, found)]


@dataclass
class KeyByUrl(beam.PTransform):
    """Key records by their canonical URL."""

    kind: type

    def __post_init__(self) -> None:
        super().__init__(f"KeyByUrl {self.kind.__name__}")

    def expand(self, records: PCollection) -> PCollection:
        return records | KeyBy(self.kind, attrgetter("url"))


@dataclass
class KeyBy(beam.PTransform):
    """Key records by what a function makes of them."""

    kind: type
    key: Callable[[Any], str]

    def __post_init__(self) -> None:
        super().__init__("KeyBy")

    def expand(self, records: PCollection) -> PCollection:
        keyed: Any = tuple.__class_getitem__((str, self.kind))
        return records | beam.Map(lambda record: (self.key(record), record)).with_output_types(keyed)


@dataclass
class ReadCaptures(beam.PTransform):
    """Read the records of archives that may be pages, as rows: `pages`, and `revisits`, which wait for their bodies.

    What each archive held besides goes to its side file.
    """

    directory: str
    config: IndexConfig
    archives: int

    def __post_init__(self) -> None:
        super().__init__("ReadCaptures")

    def rows(self, numbered: tuple[int, str]) -> Iterator[Page]:
        """Read one archive, and write its side file."""
        number, path = numbered
        tally = InputTally(Path(path).name)
        yield from read_captures(path, self.config.opt_outs, tally, skip_unreadable=self.config.skip_unreadable)
        tally.write(self.directory, f"{number:05d}-of-{self.archives:05d}")

    def _read(self, numbered: tuple[int, str]) -> Iterator[Any]:
        for page in self.rows(numbered):
            yield TaggedOutput("revisits", page) if page.outcome == REVISIT else page

    def expand(self, archives: PCollection) -> Any:
        read = beam.FlatMap(self._read).with_output_types(Page, revisits=Page)
        return archives | read.with_outputs("revisits", main="pages")  # Create has divided them


class KeyByBody(beam.PTransform):
    """Key rows by what a revisit and the record of its body have in common."""

    def expand(self, pages: PCollection) -> PCollection:
        keyed = beam.FlatMap(lambda page: [(key, page) for key in body_keys(page)])
        return pages | keyed.with_output_types(tuple[str, Page])


class ResolveRevisits(beam.PTransform):
    """Give revisits the places of the records that their bodies are in."""

    def expand(self, read: Any) -> PCollection:
        bodies = read["pages"] | "With a body" >> beam.Filter(has_body) | "Bodies" >> KeyByBody()
        revisits = read["revisits"] | "Revisits" >> KeyByBody()
        both = {"bodies": bodies, "revisits": revisits} | beam.CoGroupByKey()
        return both | beam.FlatMapTuple(_revisited).with_output_types(Page)


@dataclass
class FollowRedirects(beam.PTransform):
    """Let rows of redirects stand for the pages that they lead to, by one hop."""

    hop: int

    def __post_init__(self) -> None:
        super().__init__(f"FollowRedirects {self.hop}")

    def expand(self, pages: PCollection) -> PCollection:
        redirects = pages | "Redirects" >> beam.Filter(redirect_of) | "By target" >> KeyBy(Page, redirect_of)
        others = pages | "Others" >> beam.Filter(lambda page: not redirect_of(page))
        both = {"pages": pages | KeyByUrl(Page), "redirects": redirects} | beam.CoGroupByKey()
        followed = both | beam.FlatMapTuple(_redirected).with_output_types(Page)
        return (others, followed) | beam.Flatten()


def _revisited(_: str, found: dict[str, Iterable[Page]]) -> Iterator[Page]:
    return revisited(found["bodies"], found["revisits"])


def _redirected(_: str, found: dict[str, Iterable[Page]]) -> Iterator[Page]:
    return redirected(found["pages"], found["redirects"])


def _count_outcome(page: Page) -> Iterator[Rejection]:
    Metrics.counter("index", "kept" if page.outcome == "ok" else reason_of(page.outcome, page.opt_out)).inc()
    return rejection_of(page)


def read_captures(
    path: str, opt_outs: tuple[str, ...], tally: InputTally, *, skip_unreadable: bool = False
) -> Iterator[Page]:
    """Yield a row for each record of an archive that may be a page, and whose URL has a canonical form.

    Raises:
        UsageError: it is no WARC, unless such a file is to be counted as damaged.
    """
    try:
        with storage.open_file(path) as stream:
            for record in read_archive(stream, path):
                if isinstance(record, Damage):
                    tally.note_damage(f"{tally.name}: byte {record.offset}: {record.detail}")
                    continue
                tally.count(record.type)
                url = canonicalize_url(record.url) if record.is_page or record.type == "revisit" else None
                if url is not None:
                    yield capture_of(path, url, record, opt_outs)
    except UsageError as error:
        if not skip_unreadable:
            raise
        tally.note_damage(str(error))


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


def read_links(path: str) -> Iterator[Link]:
    """Yield the links of one file of a links directory."""
    with storage.open_file(path) as stream:
        yield from read_records(stream, Link)


def archives_of(patterns: Sequence[str], *, skip_unreadable: bool = False) -> list[str]:
    """List the archives that paths or glob patterns name, as absolute paths, sorted, each once.

    An empty one is refused unless files that cannot be read are to be counted.

    Raises:
        UsageError: a pattern names none.
    """
    archives = sorted({storage.absolute(path) for pattern in patterns for path in storage.expand(pattern)})
    for path in archives:
        if storage.is_local(path) and Path(path).is_dir():
            raise UsageError(f"{path} is a directory: name the WARC files in it, as '{path}/*.warc.gz'")
        if not skip_unreadable and not storage.file_size(path):
            raise UsageError(f"{path} is empty")
    if not archives:
        raise UsageError("no archive given: name WARC files with --warc")
    return archives
