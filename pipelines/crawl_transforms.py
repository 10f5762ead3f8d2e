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

from webtext import storage
from webtext.archive import PageArchive
from webtext.crawl import Crawl
from webtext.fetch import Requester
from webtext.fetch_config import FetchConfig
from webtext.hashing import bucket_of
from webtext.records import Link, Page, Rejection
from webtext.tables import read_records, write_records
from webtext.urls import host_of, registered_domain

STAGE = "fetch"


def slot_of(link: Link, slots: int) -> int:
    """Place a link in a slot by the domain that its host belongs to: hosts of a domain often share a server."""
    host = host_of(link.fetch_url)
    return bucket_of(registered_domain(host) or host, slots, salt=b"slot")


def read_links(path: str) -> Iterator[Link]:
    """Yield the links of one file of a links directory."""
    with storage.open_file(path) as stream:
        yield from read_records(stream, Link)


@dataclass
class FetchPages(beam.PTransform):
    """Fetch links into `directory`: archives, and for each slot an index and the rejections."""

    directory: str
    slots: int
    config: FetchConfig

    def __post_init__(self) -> None:
        super().__init__("FetchPages")

    def expand(self, links: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        keyed = links | beam.Map(lambda link: (slot_of(link, self.slots), link)).with_output_types(tuple[int, Link])
        return keyed | beam.GroupByKey() | beam.MapTuple(self._fetch).with_output_types(int)

    def _fetch(self, slot: int, links: Iterable[Link]) -> int:
        pages = fetch_slot(self.directory, slot, self.slots, sorted(links, key=lambda link: link.url), self.config)
        for page in pages:
            Metrics.counter(STAGE, page.outcome).inc()
        return slot


def fetch_slot(directory: str, slot: int, slots: int, links: list[Link], config: FetchConfig) -> list[Page]:
    """Crawl one slot's links and write its index and rejections; gives the pages, one for each link, in order.

    Raises:
        UsageError: the directory cannot be written.
    """
    stem = f"pages-{slot:05d}"
    with _workplace(directory, stem) as (place, publish):
        about = {"robots": "obey" if config.robots else "ignore", "http-header-user-agent": config.agent}
        archive = PageArchive(place, stem, roll_bytes=config.roll_bytes, about=about, on_close=publish)
        requester = Requester(config.agent, config.limits, replay=config.replay)
        with contextlib.closing(requester):
            crawl = Crawl(config, archive, requester)
            crawl.run(links)
    pages = [page_of(link, row) for link, row in crawl.rows(links)]
    rejections = [Rejection(page.url, STAGE, page.outcome, page.detail) for page in pages if page.outcome != "ok"]
    suffix = f"{slot:05d}-of-{slots:05d}.parquet"
    with storage.create_file(storage.join(directory, f"index-{suffix}")) as stream:
        write_records(stream, pages, Page)
    with storage.create_file(storage.join(directory, f"rejections-{suffix}")) as stream:
        write_records(stream, rejections, Rejection)
    return pages


def page_of(link: Link, row: Mapping[str, Any]) -> Page:
    """Join a link and its row of the crawl to a row of the page index."""
    facts = asdict(link)
    names = set(Page.__slots__)
    return Page(**{name: value for name, value in {**facts, **row}.items() if name in names})


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
