"""Tombstones: what somebody has asked to have taken out of a corpus, and the stage that takes it out of every build.

They stand in `OUTPUT/removals.jsonl`, one request a line, outside the stages, so that they outlive each build. The
stage `removed/` reads them after the duplicates and rejects what they match; the shards leave that out. A copy of a
text that was dropped as its duplicate stays dropped: a removal never brings anything back.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace

import apache_beam as beam

from pipelines.engine.runner import Engine
from pipelines.stages.kept import Kept, beside
from pipelines.stages.ledger import count_rejections
from pipelines.stages.output import Output
from pipelines.stages.stage import Stage, discard, run_stage
from webtext import storage
from webtext.errors import UsageError
from webtext.hosts import normalize_host, parents
from webtext.manifest import Counts
from webtext.records import Rejection
from webtext.tables import read_columns, read_records, write_records
from webtext.urls import canonicalize_url, host_of

KINDS = ("url", "host", "author")
_DETAIL = "asked for by "  # the kind of the request follows
_COLUMNS = ("id", "url", "final_url", "host", "author")


@dataclass(frozen=True, order=True)
class Tombstone:
    """One request: a page, a host with all below it, or an author as pages name them."""

    kind: str
    value: str  # a canonical URL, a host, or a name in lower case with single spaces: it is compared so

    @classmethod
    def of(cls, kind: str, value: str) -> "Tombstone":
        """Write a request as it is compared.

        Raises:
            UsageError: it names no URL, host or author.

        >>> Tombstone.of("host", "WWW.Example.ORG."), Tombstone.of("author", " Jane  DOE ").value
        (Tombstone(kind='host', value='example.org'), 'jane doe')
        """
        if kind not in KINDS:
            raise UsageError(f"cannot remove by {kind!r}: {', '.join(KINDS)} are what a request can name")
        written = {"url": canonicalize_url, "host": _host, "author": _name}[kind](value)
        if not written:
            raise UsageError(f"{value!r} is no {kind}: give one as it stands in the corpus (`webtext sample --kept`)")
        return cls(kind, written)


def _host(value: str) -> str | None:
    return (normalize_host(value.strip()) or "").removeprefix("www.")


def _name(value: str) -> str:
    return " ".join(value.split()).casefold()


@dataclass(frozen=True)
class Requests:
    """All tombstones of an output, by what they name."""

    urls: frozenset[str]
    hosts: frozenset[str]
    authors: frozenset[str]

    @classmethod
    def of(cls, tombstones: Iterable[Tombstone]) -> "Requests":
        """Sort tombstones by kind."""
        by_kind: dict[str, set[str]] = {kind: set() for kind in KINDS}
        for tombstone in tombstones:
            by_kind[tombstone.kind].add(tombstone.value)
        return cls(*(frozenset(by_kind[kind]) for kind in KINDS))

    def kind_of(self, url: str, final_url: str, host: str, author: str) -> str | None:
        """Tell which kind of request a document is removed by, or None where it stays.

        A URL is a page's name as posted or as reached; a host stands for all names below it; a page of several authors
        (`A; B`) is each one's.

        >>> Requests.of([Tombstone("author", "b")]).kind_of("https://x.test/", "http://x.test/", "x.test", "A; B")
        'author'
        """
        return next((request.kind for request in self.meeting(url, final_url, host, author)), None)

    def meeting(self, url: str, final_url: str, host: str, author: str) -> Iterator[Tombstone]:
        """Yield every request that a document meets."""
        yield from (Tombstone("url", name) for name in {url, canonicalize_url(final_url) or url} & self.urls)
        above = {parent for name in (host, host_of(url)) for parent in parents(name)}
        yield from (Tombstone("host", name) for name in above & self.hosts)
        names = {_name(name) for name in (author, *author.split(";"))}
        yield from (Tombstone("author", name) for name in names & self.authors)


@dataclass(frozen=True)
class Unwanted:
    """What a crawl must not ask for: what requests name, and the pages that an earlier build knew an author by."""

    requests: Requests
    pages_of_authors: frozenset[str]

    def kind_of(self, url: str) -> str:
        """Tell which kind of request a URL is not asked for by; "" where it may be.

        >>> Unwanted(Requests.of([Tombstone("host", "x.test")]), frozenset()).kind_of("http://www.x.test/a")
        'host'
        """
        canonical = canonicalize_url(url) or url
        if canonical in self.pages_of_authors:
            return "author"
        return self.requests.kind_of(canonical, canonical, host_of(url), "") or ""


NOTHING_UNWANTED = Unwanted(Requests.of(()), frozenset())


def read_unwanted(output: str) -> Unwanted:
    """Read what an output's tombstones forbid to ask for.

    Raises:
        UsageError: a line is no request.
    """
    requests = Requests.of(read_tombstones(output))
    removed = Output(output).removed
    pages: set[str] = set()
    for name in storage.list_files(removed, "rejections-*.parquet") if requests.authors else ():
        with storage.open_file(storage.join(removed, name)) as stream:
            for row in read_records(stream, Rejection):
                pages.update([row.url] if row.detail == _DETAIL + "author" else [])
    return Unwanted(requests, frozenset(pages))


def read_tombstones(output: str) -> list[Tombstone]:
    """Read the requests of an output; none where nobody has asked.

    Raises:
        UsageError: a line is no request.
    """
    path = Output(output).tombstones
    if not storage.exists(path):
        return []
    with storage.open_file(path) as stream:
        lines = stream.read().decode(errors="replace").splitlines()
    return [_parse(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _parse(path: str, number: int, line: str) -> Tombstone:
    try:
        request = json.loads(line)
        return Tombstone.of(request["kind"], request["value"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f'{path}, line {number}: a request is {{"kind": "host", "value": "example.org"}}') from error


def write_tombstones(output: str, tombstones: Iterable[Tombstone]) -> None:
    """Write the requests of an output, each once, sorted."""
    lines = [json.dumps(asdict(tombstone), ensure_ascii=False) + "\n" for tombstone in sorted(set(tombstones))]
    with storage.create_file(Output(output).tombstones, durable=True) as stream:
        stream.write("".join(lines).encode())


def run_removals(output: str, engine: Engine) -> Kept:
    """Find what the tombstones of an output match among the documents that stay, and give what stays then.

    Tombstones that match nothing change nothing: what stays is the same as without them.

    Raises:
        UsageError: documents/ or duplicates/ are not there, or a tombstone cannot be read.
    """
    place = Output(output)
    kept = Kept(place.documents, place.duplicates)
    if not storage.exists(place.tombstones):
        discard(place.removed, "removed")  # requests may have been taken back
        return kept
    requests = Requests.of(read_tombstones(output))
    given, parts = kept.count(), kept.parts()

    def removals(root: beam.Pipeline, unfinished: str) -> None:
        root | beam.Create(parts) | beam.Reshuffle() | FindRemovals(kept, unfinished, requests)

    def count(unfinished: str) -> Counts:
        rejected = count_rejections(unfinished)
        return Counts(given, given - sum(rejected.values()), rejected)

    done = run_stage(
        Stage("removed", place.removed, {}, (*kept.inputs, place.tombstones)),
        work=lambda unfinished: engine.run(lambda root: removals(root, unfinished), tasks=len(parts)),
        count=count,
    )
    return replace(kept, removed=place.removed) if done.counts.rejected else kept


@dataclass
class FindRemovals(beam.PTransform):
    """Write, for each part of the documents, the rejections of what has been asked to be removed."""

    kept: Kept
    output: str
    requests: Requests

    def __post_init__(self) -> None:
        super().__init__("FindRemovals")

    def expand(self, parts: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        return parts | beam.Map(self._find)

    def _find(self, part: str) -> str:
        rejections = sorted(find_removals(part, self.kept, self.requests), key=lambda row: row.url)
        with storage.create_file(storage.join(self.output, beside(part, "rejections"))) as stream:
            write_records(stream, rejections, Rejection)
        return part


def find_removals(part: str, kept: Kept, requests: Requests) -> Iterator[Rejection]:
    """Yield the rejections of one part: its documents that stay, and that somebody asked to be removed."""
    members = kept.members(part)
    for row in _rows(kept.documents, part):
        kind = requests.kind_of(row["url"], row["final_url"], row["host"], row["author"])
        if kind is not None and members.get(row["id"], ("", True))[1]:
            yield Rejection(row["url"], "removal", "removed", _DETAIL + kind)


def _rows(documents: str, part: str) -> list[dict[str, str]]:
    """Read what requests are compared with of the documents of a part."""
    with storage.open_file(storage.join(documents, part)) as stream:
        rows: list[dict[str, str]] = read_columns(stream, _COLUMNS).to_pylist()
    return rows


def count_met(kept: Kept, asked: Iterable[Tombstone]) -> dict[Tombstone, int]:
    """Count the removed documents that each of some requests meets, in their order, each request once."""
    wanted = dict.fromkeys(asked)
    requests = Requests.of(wanted)
    met = dict.fromkeys(wanted, 0)
    for part in kept.parts() if kept.removed else ():
        gone = kept.asked_away(part)
        for row in _rows(kept.documents, part) if gone else ():
            if row["id"] in gone:
                for request in set(requests.meeting(row["url"], row["final_url"], row["host"], row["author"])):
                    met[request] += 1
    return met
