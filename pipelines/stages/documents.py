"""Pages to documents: read each page, have it judged (`pipelines.pages.page_work`), sketch and write what is kept.

A bucket is a range of URL hashes, so what a task reads and writes depends on the URLs alone: not on the archive's
layout, the order of the crawl, or the number of workers. HTML never leaves the step, and no text crosses a shuffle.
Three files a bucket: `part-*` (documents with their signatures, by id), `shingles-*` (their shingle hashes, 64 bits
each, little-endian; a part's `shingles_offset` counts them) and `rejections-*`.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Self

import pyarrow as pa
from apache_beam.metrics.metric import Metrics

from dedup.near.minhash import MinHashConfig
from dedup.near.sketch import Sketch, sketch
from filters import load_preset
from filters.outside import Outside, rules_of
from filters.presets import Entry, Preset, file_settings, read_preset
from filters.rules.length import Length
from pipelines.engine.tasks import Worker
from pipelines.pages.page_index import PageIndex
from pipelines.pages.page_pool import Judged, PageConfig, PagePool
from pipelines.stages.earlier import sketch_settings
from pipelines.stages.ledger import count_rejections, once_a_file
from pipelines.stages.stage import as_json
from webtext import storage
from webtext.extract.config import ExtractConfig
from webtext.extract.extractors import PACKAGES
from webtext.manifest import Counts
from webtext.records import Document, Page, Rejection
from webtext.sandbox.heap import give_back
from webtext.tables import DOCUMENTS, from_table, read_columns, to_table, write_records, write_table
from webtext.warc.warc_reader import read_response

PAGES_A_BUCKET = 128  # some seconds of extraction
MOST_BUCKETS = 4096  # keeps the number of files bounded; beyond it buckets grow
_PAGES_AHEAD = 4  # a process has so many pages handed out for it

PARTS = pa.schema(
    [
        *DOCUMENTS,
        ("text_digest", pa.string()),
        ("signature", pa.binary()),
        ("shingles_offset", pa.int64()),
        ("n_shingles", pa.int32()),
        ("masked", pa.map_(pa.string(), pa.int32())),
    ]
)


@dataclass(frozen=True)
class DocumentsConfig:
    """How pages become documents."""

    extract: ExtractConfig = field(default_factory=ExtractConfig)
    preset: str = "webtext"  # the name of a preset, or the path of one
    overrides: tuple[tuple[str, Any], ...] = ()  # thresholds by "rule.field"
    minhash: MinHashConfig = field(default_factory=MinHashConfig)
    outside: tuple[Outside, ...] = ()  # sources of rules that are not ours

    @property
    def rules(self) -> Preset:
        """The rules that the preset comes to, with the overrides in their places."""
        return read_preset(self.preset, dict(self.overrides))

    @property
    def least_words(self) -> int:
        """The fewest words that the rules let a document have."""
        rules = load_preset(self.preset, **dict(self.overrides))
        return max([1, *(rule.min_words for rule in rules if isinstance(rule, Length))])

    @property
    def page(self) -> PageConfig:
        """What this comes to for one page."""
        return PageConfig(self.extract, self.preset, self.overrides, self.outside)

    def identity(self) -> dict[str, Any]:
        """What documents are a function of, apart from pages and libraries: the rules, and what lies in their files.

        Raises:
            UsageError: a file that a rule names is not there.
        """
        rules = [replace(entry, settings=tuple(_by_content(entry))) for entry in self.rules.entries]
        sketched = sketch_settings(self.minhash)
        named = {entry.name for entry in rules if entry.enabled}
        sources = sorted(found.digest for found in self.outside if named & rules_of(found).keys())
        extract = {name: value for name, value in as_json(self.extract).items() if name != "reference"}
        identity = {"extract": extract, "rules": [as_json(rule) for rule in rules], "sketch": sketched}
        return identity | ({"rules_from_outside": sources} if sources else {})

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages besides our dependencies that make the documents."""
        named = PACKAGES.get(self.extract.extractor, "")
        return (named.partition("[")[0],) if named else ()


def _by_content(entry: Entry) -> Iterator[tuple[str, Any]]:
    """Yield the settings of a rule, with the identity of its content in the place of each file."""
    files = file_settings(entry)
    for name, value in entry.settings:
        paths = [inner for path in files.get(name, ()) for inner in _contents(path)] if entry.enabled else []
        yield name, [storage.file_identity(path)[0] for path in paths] if paths else value


def _contents(path: str) -> list[str]:
    """List the files that a path stands for: itself, or those of a folder of lists."""
    if storage.is_local(path) and Path(path).is_dir():
        return [storage.join(path, name) for name in storage.list_files(path)]
    return [path]


@dataclass(frozen=True, slots=True)
class Bucket:
    """One task: the pages of an index file whose URLs hash into one of `buckets` buckets."""

    index_file: str
    bucket: int
    buckets: int

    @property
    def suffix(self) -> str:
        """The end of this bucket's file names."""
        return f"{self.bucket:05d}-of-{self.buckets:05d}"


def plan_buckets(index_files: list[str], pages: int) -> list[Bucket]:
    """Divide an index (its files hold equal ranges of URL hashes, in order) into buckets of about 128 pages."""
    wanted = min(max(1, -(-pages // PAGES_A_BUCKET)), MOST_BUCKETS)
    each = -(-wanted // len(index_files))
    buckets = each * len(index_files)
    return [Bucket(index_files[bucket // each], bucket, buckets) for bucket in range(buckets)]


def read_pages(bucket: Bucket, index: PageIndex) -> list[Page]:
    """Read the fetched pages of a bucket, in the order in which they lie in the archive."""
    pages = from_table(index.fetched(bucket.index_file, bucket.bucket, bucket.buckets), Page)
    return sorted(pages, key=lambda page: (page.warc_file, page.warc_offset))


@dataclass
class _Open:
    """A bucket whose pages are on their way."""

    suffix: str
    minhash: MinHashConfig
    documents: list[tuple[Document, Sketch]] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    def take(self, outcome: Callable[[], Judged]) -> None:
        judged = outcome()
        if isinstance(judged, Rejection):
            self.rejections.append(judged)
            Metrics.counter("documents", judged.reason).inc()
        else:
            self.documents.append((judged, sketch(judged.text, self.minhash)))
            Metrics.counter("documents", "kept").inc()

    def write(self, directory: str) -> None:
        write_bucket(directory, self.suffix, self.documents, self.rejections)
        self.documents.clear()
        give_back()


@dataclass
class WriteBuckets(Worker):
    """Turns each bucket of pages into its three files of documents, shingles and rejections.

    The pages of the next bucket are handed out while those of this one are still judged, so that no process waits for
    the end of a bucket. Judgements are taken in the order of the pages.
    """

    directory: str
    config: DocumentsConfig
    processes: int = 1  # the processes that judge a worker's pages

    def open(self) -> None:
        give_back()  # what reading archives and their index has left
        self._pool = PagePool(self.config.page, self.processes)
        self._index = PageIndex()
        self._ahead: deque[Callable[[], None]] = deque()  # what is to be done as pages are judged, in order

    def do(self, bucket: Bucket) -> None:
        made = _Open(bucket.suffix, self.config.minhash)
        for page, response in read_responses(bucket, self._index):
            self._ahead.append(partial(made.take, self._pool.submit(page, response)))
            self._catch_up(self.processes * _PAGES_AHEAD)
        self._ahead.append(partial(made.write, self.directory))

    def finish(self) -> None:
        self._catch_up(0)

    def close(self) -> None:
        self._pool.__exit__(None, None, None)

    def spread(self, processes: int) -> Self:
        return replace(self, processes=processes)

    def _catch_up(self, most: int) -> None:
        while len(self._ahead) > most:
            self._ahead.popleft()()


def read_responses(bucket: Bucket, index: PageIndex) -> Iterator[tuple[Page, Any]]:
    """Read the archived response of each page of a bucket; one archive file is open at a time."""
    archive = bucket.index_file.rpartition("/")[0]
    opened, stream = "", None
    with ExitStack() as stack:
        for page in read_pages(bucket, index):
            path = storage.join(archive, page.warc_file)
            if path != opened:
                stack.close()
                stream, opened = stack.enter_context(storage.open_file(path)), path
            assert stream is not None
            assert page.warc_offset is not None
            assert page.warc_length is not None
            yield page, read_response(stream, page.warc_offset, page.warc_length, page.digest)


def sample_documents(buckets: list[Bucket], config: DocumentsConfig, pages: int) -> Iterator[Document]:
    """Extract a sample of about so many pages, those of the smallest URL hashes, and leave all filtering aside."""
    from pipelines.pages.page_work import judge_page  # noqa: PLC0415 - what a build leaves to other processes
    from webtext.extract.pages import ExtractionPool  # noqa: PLC0415 - likewise

    with ExtractionPool(replace(config.extract, languages=())) as extract:
        seen, index = 0, PageIndex()
        for bucket in buckets:
            for page, response in read_responses(bucket, index):
                result = extract(response.body, response.header("Content-Type"), page.final_url)
                judged = judge_page(page, result, ())
                if isinstance(judged, Document):
                    yield judged
                seen += 1
                if seen >= pages:
                    return


def write_bucket(
    directory: str, suffix: str, documents: list[tuple[Document, Sketch]], rejections: list[Rejection]
) -> None:
    """Write the files of one bucket: documents by id, rejections by URL."""
    documents = sorted(documents, key=lambda pair: pair[0].id)
    with storage.create_file(storage.join(directory, f"shingles-{suffix}.bin")) as stream:
        offsets = list(_write_shingles(stream, [sketched for _, sketched in documents]))
    table = to_table([document for document, _ in documents], DOCUMENTS)
    sketches = [sketched for _, sketched in documents]
    columns = [
        pa.array([sketched.text_digest for sketched in sketches], pa.string()),
        pa.array([sketched.signature for sketched in sketches], pa.binary()),
        pa.array(offsets, pa.int64()),
        pa.array([len(sketched.shingles) for sketched in sketches], pa.int32()),
        pa.array([getattr(document, "masked", ()) for document, _ in documents], PARTS.field("masked").type),
    ]
    with storage.create_file(storage.join(directory, f"part-{suffix}.parquet")) as stream:
        write_table(stream, pa.Table.from_arrays([*table.columns, *columns], schema=PARTS))
    with storage.create_file(storage.join(directory, f"rejections-{suffix}.parquet")) as stream:
        write_records(stream, sorted(rejections, key=lambda rejection: rejection.url), Rejection)


def _write_shingles(stream: BinaryIO, sketches: list[Sketch]) -> Iterator[int]:
    """Write shingle hashes one document after another, and yield the offset of each, in hashes."""
    offset = 0
    for sketched in sketches:
        stream.write(sketched.shingles.astype("<u8").tobytes())
        yield offset
        offset += len(sketched.shingles)


def count_documents(pages: int, directory: str) -> Counts:
    """Count a documents directory against the fetched pages that it was given."""
    kept, masked = 0, Counter[str]()
    for name in storage.list_files(directory, "part-*.parquet"):
        documents, found = _masked(storage.join(directory, name))
        kept += documents
        masked.update(found)
    return Counts(pages, kept, count_rejections(directory), notes=dict(sorted(masked.items())))


@once_a_file
def _masked(path: str) -> tuple[int, Counter[str]]:
    """Count the documents of a part, and what was masked in them, by kind."""
    with storage.open_file(path) as stream:
        table = read_columns(stream, ["masked"])
    found = Counter[str]()
    for things in table.column("masked").to_pylist():
        found.update({f"masked_{kind}": number for kind, number in things})
    return len(table), found
