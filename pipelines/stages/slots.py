"""Links to pages by slots: a host belongs to one slot, and a slot is one crawl, so no host is asked from two places.

Links are dealt out to slots over files (`pipelines.engine.spill`), and a slot's crawl keeps what it knows of them on
disk, so memory does not grow with their number. A redirect to a host of another slot is followed there: each round of
crawls spills what was redirected for the next one.

A crawl writes its archive where it stands, in the stage's own directory, and what it finds there on starting it does
not ask for again. On a disk it appends to its files; where files cannot be appended to (gs://, s3://), it works in a
local folder, publishes each file when it is full, and starts from the published ones.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from apache_beam.metrics.metric import Metrics

from pipelines.engine.progress import noting
from pipelines.engine.runner import Engine
from pipelines.engine.share import Share
from pipelines.engine.spill import SpillRecords, read_spilled, remove_spilled, shards_spilled
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
from webtext.reddit.transforms import writing
from webtext.tables import read_records
from webtext.urls import host_of, registered_domain

STAGE = "fetch"
CRAWLED = "crawled"  # begins the names of the tables of which the index is made: a slot has hosts, an index file hashes
ROUNDS = 4  # times that a redirect may lead to another slot: shortener, site, its other domain, and one more


_ERRAND = msgspec.msgpack.Decoder(Errand)


def slot_of(host: str, slots: int) -> int:
    """Place a host in a slot by the domain that it belongs to: hosts of a domain often share a server."""
    return bucket_of(registered_domain(host) or host, slots, salt=b"slot")


def slot_of_url(url: str, slots: int) -> int:
    """Place a URL in the slot of its host."""
    return slot_of(host_of(url), slots)


def read_links(path: str) -> Iterator[Link]:
    """Yield the links of one file of a links directory."""
    with storage.open_file(path) as stream:
        yield from read_records(stream, Link)


def read_pages(path: str) -> Iterator[Page]:
    """Yield the rows of a table of pages: of a slot, or of the index."""
    with storage.open_file(path) as stream:
        yield from read_records(stream, Page)


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


@dataclass(frozen=True)
class Crawls:
    """The crawls of a stage, a slot each."""

    directory: str  # the place of archives, and for each slot an index and the rejections
    slots: int
    config: FetchConfig
    unwanted: Unwanted = NOTHING_UNWANTED
    share: Share | None = None  # crawl these slots alone; what leads from one to another is left to a later run

    def run(self, engine: Engine, links: str) -> None:
        """Crawl the links of a finished stage.

        Raises:
            UsageError: the directory cannot be written, or there is no network.
        """
        of_share = f"{self.share.number}-" if self.share else ""  # several shares are at work in one directory
        remove_spilled(self.directory, of_share)
        names = storage.list_files(links, "links-*.parquet")
        tasks = [(f"{of_share}0-{name.removesuffix('.parquet')}", storage.join(links, name)) for name in names]
        self._spill(engine, tasks, self.read_errands)
        for number in range(ROUNDS if self.slots > 1 and self.share is None else 1):
            given = f"{of_share}{number}-"
            slots = [(f"{of_share}{number + 1}-{slot:05d}", slot) for slot in shards_spilled(self.directory, given)]
            self._spill(engine, slots, partial(self.crawl_slot, number, given))
        remove_spilled(self.directory, of_share)

    def _spill(self, engine: Engine, tasks: list[tuple[str, Any]], read: Any) -> None:
        if tasks:
            engine.each(tasks, SpillRecords(self.directory, partial(slot_of_url, slots=self.slots), read))

    def read_errands(self, path: str) -> Iterator[tuple[str, bytes]]:
        """Yield the errands of a file of links, as far as they are the share's."""
        for link in read_links(path):
            errand = Errand.of(link)
            if self.share is None or self.share.owns(slot_of_url(errand.url, self.slots)):
                yield errand.url, msgspec.msgpack.encode(errand)

    def crawl_slot(self, number: int, given: str, slot: int) -> Iterator[tuple[str, bytes]]:
        """Crawl a slot in a round; yields the errands that go on in another slot."""
        errands = (_ERRAND.decode(record) for _, record in read_spilled(self.directory, slot, given))
        place = Slot(slot, self.slots, number)
        for errand in fetch_slot(self.directory, place, errands, self.config, self.unwanted):
            yield errand.url, msgspec.msgpack.encode(errand)


def fetch_slot(
    directory: str, slot: Slot, errands: Iterable[Errand], config: FetchConfig, unwanted: Unwanted
) -> Iterator[Errand]:
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
            with noting(directory, f"{slot.round}-{slot.number:05d}", crawl.given, crawl.outcomes):
                crawl.run(errands)
    crawled, rejections = (storage.join(directory, slot.table(name)) for name in (CRAWLED, "rejections"))
    with writing(crawled, Page) as write_page, writing(rejections, Rejection) as write_rejection:
        for errand, row in crawl.rows():
            if row["outcome"] == HANDED_OVER and slot.round + 1 < ROUNDS:
                yield Errand(errand.link, row["final_url"])
                continue
            page = page_of(errand.link, row)
            reason = reason_of(page.outcome, page.opt_out)
            Metrics.counter(STAGE, reason).inc()
            write_page(page)
            if page.outcome != "ok":
                write_rejection(Rejection(page.url, STAGE, reason, page.detail))


def page_of(link: Link, row: Mapping[str, Any]) -> Page:
    """Join a link and its row of the crawl to a row of the page index."""
    if row["outcome"] == HANDED_OVER:  # the row is from the last round
        row = {**row, "outcome": "too_many_redirects", "detail": f"over more than {ROUNDS} slots"}
    return Page(**{name: row[name] if name in row else getattr(link, name) for name in Page.__slots__})


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
