"""What a corpus will take, as arithmetic: rows, bytes, shuffles, memory, hours and money of each stage.

Pure: what a sample found and what was measured once go in (`plan_rates.json`, with the command that measured it), and
numbers come out. What nobody can know before the crawl is assumed, and named in `Assumed`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from dedup.near.keys import keys_a_document
from dedup.near.minhash import MinHashConfig
from dedup.overlap.bloom import filter_bytes
from pipelines.planning.plan_sample import LinksFound, PagesFound
from webtext.crawl.config import FetchConfig

RATES = Path(__file__).parent / "plan_rates.json"
NGRAM = 8  # words, of GPT-2's overlap
_LINK_ROW, _SHUFFLED_LINK = 40, 120  # bytes beside its URL: in a compressed table, and as it crosses the shuffle
_OBJECT = 285  # bytes that a local runner keeps for each element it shuffles, beside the element
_SHUFFLED_PAGE = 300  # bytes of a page's row as it crosses the shuffle of the index
_GROUPED = 0.4e9  # bytes at most that a local run holds as it groups links over files (benchmarks/links_scale.py)
_WAITING = 100  # bytes that a crawl holds for a link of its slot, its share of a host's among them (the same)
_KEY = 16  # bytes of a band key with its place
_WARC_PAGE = 30_000  # bytes; of the pages of `Assumed`
_FETCH_CPU = 0.003  # seconds a link: benchmarks/fetch_speed.py
_IMAGE = 10 << 30  # bytes of a worker's disk that the image and its working space take
_HOUR = 3600.0


@dataclass(frozen=True)
class Assumed:
    """What no sample of submissions can tell, from what was published of such corpora.

    GPT-2's 45 million links gave 8 million documents and 40 GB of text (paper, section 2.1): 0.18 of the links, 5 kB
    each. That half of the links answer is our guess.
    """

    fetched: float = 0.5  # share of the links whose page comes
    kept: float = 0.4  # share of the pages that become documents
    unique: float = 0.9  # share of the documents that are no duplicates
    page_cpu_s: float = 0.017  # CPU seconds of a page: of 2,179 genuine ones on two cores (docs/scale.md)
    text_bytes: float = 5000.0  # a document's
    request_s: float = 1.0  # seconds of an exchange

    def pages_of(self, links: float) -> PagesFound:
        """Lay out the pages that so many links should give."""
        text = self.text_bytes
        return PagesFound(
            pages=links * self.fetched,
            bytes=links * self.fetched * _WARC_PAGE,
            sampled=0,
            kept=self.kept,
            cpu_s=self.page_cpu_s,
            part_bytes=text * 0.45 + text / 6 * 8,  # compressed; and 8 bytes a shingle, one a word of some six letters
            rejection_bytes=200.0,
            corpus_bytes=text * 0.4,
            text_bytes=text,
            words=text / 6,
            shingles=text / 6,
        )


@dataclass(frozen=True)
class Rate:
    """What a stage was measured to take, in the largest run."""

    cpu_s: float  # a document
    documents: int  # how many that run had
    launcher: float  # bytes at most
    worker: float  # bytes at most of a worker and of what it starts, which do not grow with the documents


@dataclass(frozen=True)
class Machine:
    """Where it is to run."""

    cores: int
    workers: int  # processes of a local run
    memory: int  # bytes of one machine
    disk: int  # bytes that are free where the output goes; of a worker, where the run is not local
    is_local: bool = True

    @property
    def machines(self) -> int:
        """How many machines there are."""
        return 1 if self.is_local else max(1, self.cores // self.workers)


@dataclass(frozen=True)
class Prices:
    """The user's own prices, in one currency. Prices change, so there are no defaults but nothing."""

    core_hour: float = 0.0
    gb_hour: float = 0.0  # a GB is one of memory
    shuffle_gb: float = 0.0
    disk_gb_hour: float = 0.0
    storage_gb_month: float = 0.0
    gb_a_core: float = 4.0  # n2-standard has so much memory
    currency: str = "USD"


@dataclass(frozen=True)
class StageEstimate:
    """What one stage will take."""

    name: str
    rows: float
    bytes: float
    shuffle_bytes: float
    launcher_bytes: float
    worker_bytes: float  # a worker's, with what it starts
    cpu_s: float
    wall_s: float
    cost: float


@dataclass(frozen=True)
class Estimate:
    """What all stages will take."""

    stages: tuple[StageEstimate, ...]
    ngram_filter_bytes: int
    bytes: float
    cpu_s: float
    wall_s: float
    cost: float
    storage_a_month: float
    warnings: tuple[str, ...]


def load_rates() -> dict[str, Rate]:
    """Read what was measured in the largest run."""
    run = max(json.loads(RATES.read_text("utf-8"))["runs"], key=lambda run: int(run["documents"]))
    number, workers = run["documents"], run["workers"]
    return {
        name: Rate(cost["cpu"] / number, number, cost["launcher"], (cost["memory"] - cost["launcher"]) / workers)
        for name, cost in run["stages"].items()
        if name != "start"
    }


class Estimator:
    """Adds up stages, one after another."""

    def __init__(self, rates: dict[str, Rate], machine: Machine, prices: Prices) -> None:
        """Begin with none."""
        self._rates, self._machine, self._prices = rates, machine, prices
        self.stages: list[StageEstimate] = []

    def add(
        self, name: str, rows: float, size: float, shuffled: float, cpu_s: float, *,
        launcher: float = 0.0, least_s: float = 0.0, tasks: int = 1 << 30,
    ) -> None:  # fmt: skip
        """Add a stage; `launcher` is memory on top of what was measured, `least_s` its least time."""
        rate = self._rates.get(name, self._rates["pages"])
        cores = max(1, min(self._machine.cores, tasks))
        wall = max(least_s, cpu_s / cores)
        main = rate.launcher + (launcher if self._machine.is_local else 0.0)
        worker = rate.worker + (0.0 if self._machine.is_local else rate.launcher)  # elsewhere each runs Beam, too
        cost = self._cost(wall * cores, shuffled)
        self.stages.append(StageEstimate(name, rows, size, shuffled, main, worker, cpu_s, wall, cost))

    def _cost(self, core_s: float, shuffled: float) -> float:
        """Price the seconds that cores are held, busy or not, and what is shuffled."""
        price = self._prices
        an_hour = price.core_hour + price.gb_a_core * price.gb_hour + 25 / 4 * price.disk_gb_hour
        return core_s / _HOUR * an_hour + shuffled / 1e9 * price.shuffle_gb


def estimate(  # noqa: PLR0913 - what is known of each end of the pipeline
    links: LinksFound | None, pages: PagesFound | None, minhash: MinHashConfig, crawl: tuple[FetchConfig, int] | None,
    rates: dict[str, Rate], machine: Machine, prices: Prices, assumed: Assumed = Assumed(), *, held_out: float = 0.05,
    is_indexed: bool = False,
) -> Estimate:  # fmt: skip
    """Estimate the stages from what is there (submissions, or pages) to the corpus.

    Args:
        links: what the submissions come to, if there are any.
        pages: what the pages come to; None to assume them from the links.
        minhash: how duplicates are found.
        crawl: how links are fetched, by how many slots; None where pages are there already.
        rates: what each stage was measured to take.
        machine: where it is to run.
        prices: what that costs.
        assumed: what links should give.
        held_out: share of the corpus that is not trained on.
        is_indexed: whether the pages are a finished stage.
    """
    adding = Estimator(rates, machine, prices)
    if links is not None:
        _add_links(adding, links)
    if pages is None:
        assert links is not None, "neither links nor pages"
        pages = assumed.pages_of(links.links)
    if crawl is not None and links is not None:
        _add_fetch(adding, links, pages, crawl, assumed)
    elif not is_indexed:
        shuffled, cpu = pages.pages * _SHUFFLED_PAGE, pages.pages * rates["pages"].cpu_s
        more = max(0.0, pages.pages - rates["pages"].documents) * (_SHUFFLED_PAGE + _OBJECT)
        adding.add("pages", pages.pages, pages.pages * 50, shuffled, cpu, launcher=more)
    documents, rejected = pages.pages * pages.kept, pages.pages * (1 - pages.kept)
    size = documents * pages.part_bytes + rejected * pages.rejection_bytes
    adding.add("documents", documents, size, 0.0, pages.pages * pages.cpu_s)
    keys = keys_a_document(minhash) * _KEY
    unique, cpu = documents * assumed.unique, documents * rates["duplicates"].cpu_s
    more = (
        max(0.0, documents - rates["duplicates"].documents) * keys * 2
    )  # They are there twice: as blocks, and sorted.
    adding.add("duplicates", unique, documents * 60, documents * keys, cpu, launcher=more)
    adding.add("corpus", unique, unique * pages.corpus_bytes, 0.0, unique * rates["corpus"].cpu_s)
    ngrams = int(unique * (1 - held_out) * max(1.0, pages.words - NGRAM + 1))
    crawled = pages.bytes / min(crawl[1], machine.machines) if crawl else 0.0  # slots keep theirs on a worker's disk
    return _summed(adding.stages, filter_bytes(max(1, ngrams)), machine, prices, crawled)


def _add_links(adding: Estimator, links: LinksFound) -> None:
    rows = links.links + links.refused + (links.posted - links.links)
    size = rows * (links.url_bytes + _LINK_ROW) / 2  # tables of URLs compress to about half
    shuffled = links.posted * (2 * links.url_bytes + _SHUFFLED_LINK)
    adding.add("links", links.links, size, shuffled, links.cpu_s * 2,  # read, and merged by URL
               launcher=min(shuffled + links.posted * _OBJECT, _GROUPED))  # fmt: skip


def _add_fetch(
    adding: Estimator, links: LinksFound, pages: PagesFound, crawl: tuple[FetchConfig, int], assumed: Assumed
) -> None:
    """Add the crawl, whose time is other people's: the host with the most links rests after each answer."""
    config, slots = crawl
    busiest = links.links * links.busiest_host * (config.delay + assumed.request_s)
    together = links.links * assumed.request_s / (config.hosts_at_once * slots)
    limited = links.links / config.requests_per_second / slots if config.requests_per_second else 0.0
    shuffled = links.links * (links.url_bytes + _SHUFFLED_LINK)
    least, cpu = max(busiest, together, limited), links.links * _FETCH_CPU
    launcher = min(shuffled + links.links * _OBJECT, _GROUPED) + links.links * _WAITING
    adding.add("pages", pages.pages, pages.bytes, shuffled, cpu, least_s=least, launcher=launcher, tasks=slots)


def _summed(
    stages: list[StageEstimate], filter_size: int, machine: Machine, prices: Prices, crawled: float
) -> Estimate:
    size = sum(stage.bytes for stage in stages)
    return Estimate(
        stages=tuple(stages),
        ngram_filter_bytes=filter_size,
        bytes=size,
        cpu_s=sum(stage.cpu_s for stage in stages),
        wall_s=sum(stage.wall_s for stage in stages),
        cost=sum(stage.cost for stage in stages),
        storage_a_month=size / 1e9 * prices.storage_gb_month,
        warnings=tuple(_warnings(stages, size, filter_size, machine, crawled)),
    )


def _warnings(
    stages: list[StageEstimate], size: float, filter_size: int, machine: Machine, crawled: float
) -> list[str]:
    """Name what will not fit."""
    told = []
    usable = machine.memory * 4 // 5
    if machine.is_local and size > machine.disk:
        told.append(f"disk: the output takes {_gb(size)}, and {_gb(machine.disk)} are free: choose another --output")
    for stage in stages:
        needed = stage.worker_bytes * machine.workers + (stage.launcher_bytes if machine.is_local else 0.0)
        if needed > usable:
            told.append(
                f"memory: {stage.name} takes {_gb(needed)} of the {_gb(usable)} that may be used: "
                "fewer --workers, a larger machine, or parts that are built --against one another"
            )
    if filter_size > usable:
        told.append(
            f"n-gram filter: {_gb(filter_size)} for the whole corpus, {_gb(usable)} of memory may be used: "
            "measure overlap on a larger machine, or with a higher --error-rate"
        )
    if not machine.is_local and machine.disk < _IMAGE + crawled:
        told.append(
            f"worker disk: the image and a worker's share of the archive take {_gb(_IMAGE + crawled)}, and "
            f"{_gb(machine.disk)} are there: raise --disk_size_gb, or --slots and --max_num_workers"
        )
    return told


def _gb(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"
