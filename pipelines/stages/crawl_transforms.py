"""Links to pages on Beam: a host belongs to one slot, and a slot is one crawl, so no host is asked from two places.

A crawl writes its archive where it stands, in the stage's own directory, and what it finds there on starting it does
not ask for again. On a disk it appends to its files; where files cannot be appended to (gs://, s3://), it works in a
local folder, publishes each file when it is full, and starts from the published ones.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics

from pipelines.engine.progress import noting
from pipelines.engine.share import Share
from pipelines.stages.removals import NOTHING_UNWANTED, Unwanted
from webtext import storage
from webtext.crawl.config import FetchConfig
from webtext.crawl.crawl import HANDED_OVER, Crawl
from webtext.crawl.exchange import Requester
from webtext.crawl.outcomes import reason_of
from webtext.crawl.page_archive import PageArchive
from webtext.crawl.visits import Errand
from webtext.hashing import bucket_of
from webtext.records import Link, Page, Rejection
from webtext.tables import read_records, write_records
from webtext.urls import host_of, registered_domain

STAGE = "fetch"
CRAWLED = "crawled"  # begins the names of the tables of which the index is made: a slot has hosts, an index file hashes
ROUNDS = 4  # times that a redirect may lead to another slot: shortener, site, its other domain, and one more


def slot_of(host: str, slots: int) -> int:
    """Place a host in a slot by the domain that it belongs to: hosts of a domain often share a server."""
    return bucket_of(registered_domain(host) or host, slots, salt=b"slot")


def read_links(path: str) -> Iterator[Link]:
    """Yield the links of one file of a links directory."""
    with storage.open_file(path) as stream:
        yield from read_records(stream, Link)


def read_pages(path: str) -> Iterator[Page]:
    """Yield the rows of a table of pages: of a slot, or of the index."""
    with storage.open_file(path) as stream:
        yield from read_records(stream, Page)


@dataclass
class FetchPages(beam.PTransform):
    """Fetch links into `directory`: archives, and for each slot an index and the rejections.

    A redirect to a host of another slot is followed there: each round hands what was redirected to the next one.
    """

    directory: str
    slots: int
    config: FetchConfig
    unwanted: Unwanted = NOTHING_UNWANTED
    share: Share | None = None  # crawl these slots alone; what leads from one to another is left to a later run

    def __post_init__(self) -> None:
        super().__init__("FetchPages")

    def _is_ours(self, errand: Errand) -> bool:
        return self.share is None or self.share.owns(slot_of(host_of(errand.url), self.slots))

    def expand(self, links: beam.pvalue.PCollection) -> None:
        errands = links | beam.Map(Errand.of).with_output_types(Errand) | "Ours" >> beam.Filter(self._is_ours)
        for number in range(ROUNDS if self.slots > 1 and self.share is None else 1):
            turn = FetchRound(self.directory, self.slots, self.config, self.unwanted, number)
            errands = errands | f"Round {number}" >> turn


@dataclass
class FetchRound(beam.PTransform):
    """Fetch errands, each in its host's slot; gives those that were redirected to another slot's host."""

    directory: str
    slots: int
    config: FetchConfig
    unwanted: Unwanted
    number: int

    def __post_init__(self) -> None:
        super().__init__()

    def _key(self, errand: Errand) -> tuple[int, Errand]:
        return slot_of(host_of(errand.url), self.slots), errand

    def expand(self, errands: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        keyed = errands | beam.Map(self._key).with_output_types(tuple[int, Errand])
        return keyed | beam.GroupByKey() | beam.FlatMapTuple(self._fetch).with_output_types(Errand)

    def _fetch(self, slot: int, errands: Iterable[Errand]) -> Iterator[Errand]:
        place = Slot(slot, self.slots, self.number)
        in_order = sorted(errands, key=lambda each: each.link.url)
        yield from fetch_slot(self.directory, place, in_order, self.config, self.unwanted)


@dataclass(frozen=True, slots=True)
class Slot:
    """One crawl task: its number, of how many, and in which round."""

    number: int
    slots: int
    round: int

    @property
    def stem(self) -> str:
        """Begin the names of the slot's archives, which all rounds share."""
        return f"pages-{self.number:05d}"

    def table(self, name: str) -> str:
        """Name a table of the slot's round."""
        in_round = f"{self.round}-" if self.round else ""
        return f"{name}-{in_round}{self.number:05d}-of-{self.slots:05d}.parquet"

    def owns(self, host: str) -> bool:
        """Tell whether a host is asked by this slot alone."""
        return slot_of(host, self.slots) == self.number


def fetch_slot(
    directory: str, slot: Slot, errands: list[Errand], config: FetchConfig, unwanted: Unwanted
) -> list[Errand]:
    """Crawl a slot's errands and write the index and the rejections; gives the errands that go on in another slot.

    Raises:
        UsageError: the directory cannot be written.
    """
    with _workplace(directory, slot.stem) as (place, publish):
        about = {"robots": "obey" if config.robots else "ignore", "http-header-user-agent": config.agent}
        archive = PageArchive(place, slot.stem, roll_bytes=config.roll_bytes, about=about, on_close=publish)
        requester = Requester(config.agent, config.limits, replay=config.replay)
        with contextlib.closing(requester):
            crawl = Crawl(config, archive, requester, slot.owns, unwanted.kind_of)
            with noting(directory, f"{slot.round}-{slot.number:05d}", len(errands), crawl.outcomes):
                crawl.run(errands)
    pages, handed_over = [], []
    for errand, row in crawl.rows(errands):
        if row["outcome"] == HANDED_OVER and slot.round + 1 < ROUNDS:
            handed_over.append(Errand(errand.link, row["final_url"]))
        else:
            pages.append(page_of(errand.link, row))
    for page in pages:
        Metrics.counter(STAGE, reason_of(page.outcome, page.opt_out)).inc()
    rejections = [
        Rejection(page.url, STAGE, reason_of(page.outcome, page.opt_out), page.detail)
        for page in pages
        if page.outcome != "ok"
    ]
    with storage.create_file(storage.join(directory, slot.table(CRAWLED))) as stream:
        write_records(stream, pages, Page)
    with storage.create_file(storage.join(directory, slot.table("rejections"))) as stream:
        write_records(stream, rejections, Rejection)
    return handed_over


def page_of(link: Link, row: Mapping[str, Any]) -> Page:
    """Join a link and its row of the crawl to a row of the page index."""
    if row["outcome"] == HANDED_OVER:  # the row is from the last round
        row = {**row, "outcome": "too_many_redirects", "detail": f"over more than {ROUNDS} slots"}
    facts = {**asdict(link), **row}
    return Page(**{name: facts[name] for name in Page.__slots__})


@contextlib.contextmanager
def _workplace(directory: str, stem: str) -> Iterator[tuple[Path, Any]]:
    """Give a local folder for a slot's archive, and what is to be done with each file that is closed."""
    if storage.is_local(directory):
        yield Path(directory), None
        return
    with tempfile.TemporaryDirectory(prefix="webtext-") as folder:
        for name in storage.list_files(directory, f"{stem}-*.warc.gz"):
            with storage.open_file(storage.join(directory, name)) as source, Path(folder, name).open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)

        def publish(path: Path) -> None:
            with path.open("rb") as source, storage.create_file(storage.join(directory, path.name)) as target:
                shutil.copyfileobj(source, target, 1 << 20)

        yield Path(folder), publish
