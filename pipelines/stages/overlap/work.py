"""The work of an overlap report: a pass that looks for benchmarks, a pass that builds the filter, and the figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq

from dedup.near.against import Columns
from dedup.overlap.benchmarks import Benchmark
from dedup.overlap.bloom import ERROR_RATE, FilterInfo, NgramFilter, check_memory, filter_bytes, read_filter
from dedup.overlap.clean_subsets import split_items
from dedup.overlap.decontaminate import rare_ngrams
from dedup.overlap.exact_ngrams import ItemGrams
from dedup.overlap.measure import Measured, evidence, measure
from dedup.overlap.ngrams import Grams
from dedup.overlap.plan import Lookup, OverlapConfig, write_benchmarks
from dedup.overlap.probes import PAGE_CHARACTERS, PROBES, Probed, Recalled, probe, recall
from dedup.overlap.rewrite import Rule, write_hashes
from dedup.overlap.scan import Scan
from dedup.overlap.transforms import BuildFilter, Corpus, ScanCorpus
from pipelines.engine.runner import Engine
from pipelines.stages.overlap.files import write_report
from webtext import storage
from webtext.errors import UnbalancedError, UsageError
from webtext.splits import split_files

FILTER = "corpus.ngrams"
REMOVAL = "removal.hashes"
_BYTES_AN_NGRAM = 12  # a first guess from the files' footers that is not too high: English has 6 bytes a word
_RECALL_PAGES = 50


@dataclass(frozen=True)
class Asked:
    """A benchmark that was asked for, and its own training split where there is one."""

    benchmark: Benchmark
    own_train: Benchmark | None = None


@dataclass(frozen=True)
class Settings:
    """How to measure."""

    grams: Grams
    error_rate: float = ERROR_RATE
    probes: int = PROBES
    rule: Rule | None = None

    def __post_init__(self) -> None:
        if not 0 < self.error_rate < 1:
            raise ValueError(f"--error-rate lies between 0 and 1, for example 1e-8: not {self.error_rate}")
        if self.probes < 1:
            raise ValueError(f"--probes is 1 or more, not {self.probes}")

    @property
    def lookup(self) -> OverlapConfig:
        """What the pass over the corpus looks for."""
        return OverlapConfig(self.grams, self.rule.grams if self.rule else None)


def find_corpus(path: str, columns: Columns) -> Corpus:
    """Find the files of a corpus: a directory's training split (`webtext.splits` tells it), or files.

    Raises:
        UsageError: there is none.
    """
    names = storage.list_tree(path, "*.parquet")
    found = split_files(names, _card(path)) if names else None
    if found is not None and not found.train:
        raise UsageError(f"{path} has no training split: {found.description()}")
    if found is not None:
        found.say(path)
        return Corpus(tuple(storage.join(path, name) for name in found.train), columns, path)
    files = tuple(name for name in storage.expand(path) if name.endswith(".parquet"))
    if not files:
        raise UsageError(f"{path} holds no Parquet file: give a corpus directory, or files with a text column")
    return Corpus(files, columns)


def _card(path: str) -> str:
    card = storage.join(path, "README.md")
    if not storage.exists(card):
        return ""
    with storage.open_file(card) as stream:
        return stream.read().decode("utf-8", "replace")


def least_ngrams(corpus: Corpus) -> int:
    """Guess from the files' footers, without reading them, how many n-grams there are at least."""
    total = 0
    for path in corpus.files:
        with storage.open_file(path) as stream:
            try:
                metadata = pq.ParquetFile(stream).metadata
            except pa.ArrowInvalid as error:
                raise UsageError(f"{path} is not a Parquet file: {str(error).splitlines()[0]}") from error
        names = [metadata.schema.column(number).path for number in range(metadata.num_columns)]
        if corpus.columns.text not in names:
            raise UsageError(f"{path} has no column {corpus.columns.text!r}: name the text column with --text-field")
        column = names.index(corpus.columns.text)
        groups = (metadata.row_group(number).column(column) for number in range(metadata.num_row_groups))
        total += sum(group.total_uncompressed_size for group in groups)
    return max(1, total // _BYTES_AN_NGRAM)


@dataclass(frozen=True)
class Work:
    """The work of the stage, in its unfinished directory."""

    corpus: Corpus
    asked: Sequence[Asked]
    settings: Settings
    engine: Engine
    partials: int

    def __call__(self, directory: str) -> None:
        """Scan, build the filter, measure, and write all files."""
        scratch = storage.join(directory, "scratch")
        lookup = Lookup([one.benchmark for one in self.asked], self.settings.lookup)
        scan = self._scan(scratch, lookup)
        ngram_filter = self._build(scan, scratch, storage.join(directory, FILTER))
        storage.remove_directory(scratch)
        own = [one.own_train for one in self.asked]
        measured = measure_all(lookup, ngram_filter, scan, own)
        subsets = {table.benchmark.name: split_items(table, scan.index, scan.counts) for table in lookup.clean}
        found = list(evidence(lookup.tables, scan.sightings))
        trust = trust_in(ngram_filter, self.settings.probes, lookup.tables, self._pages())
        write_report(directory, measured, found, ngram_filter, trust, subsets, scan)
        if self.settings.rule is not None:
            self._write_removal(scan, storage.join(directory, REMOVAL))

    def _scan(self, scratch: str, lookup: Lookup) -> Scan:
        benchmarks = storage.join(scratch, "benchmarks.json")
        with storage.create_file(benchmarks) as stream:
            write_benchmarks(stream, [one.benchmark for one in self.asked])
        transform = ScanCorpus(self.corpus, benchmarks, self.settings.lookup, scratch)
        self.engine.run(lambda root: root | transform, tasks=len(self.corpus.files))
        scan = lookup.scan()
        for name in storage.list_files(scratch, "scan-*.npz"):
            with storage.open_file(storage.join(scratch, name)) as stream:
                scan.load(stream)
        if not scan.ngrams:
            raise UsageError(f"the corpus has {scan.documents:,} documents and no {self.settings.grams.n}-gram in them")
        return scan

    def _build(self, scan: Scan, scratch: str, target: str) -> NgramFilter:
        check_memory(filter_bytes(scan.ngrams, self.settings.error_rate), copies=max(self.partials, 2))
        info = FilterInfo(self.settings.grams, self.settings.error_rate, capacity=scan.ngrams)
        build = BuildFilter(self.corpus, info, self.partials, scratch, target)
        self.engine.run(lambda root: root | build, tasks=self.partials)
        with storage.open_file(target) as stream:
            return read_filter(stream, target)

    def _pages(self) -> list[str]:
        """Some documents of the corpus, into which items are planted."""
        texts = self.corpus.texts(self.corpus.files[0])
        return [text[:PAGE_CHARACTERS] for text, _ in islice(texts, _RECALL_PAGES)]

    def _write_removal(self, scan: Scan, path: str) -> None:
        rule = self.settings.rule
        assert rule is not None
        most = rule.windows.most_documents if rule.share is None else scan.documents
        with storage.create_file(path) as stream:
            write_hashes(stream, rare_ngrams(scan.index[rule.grams], scan.counts[rule.grams], most))


def measure_all(
    lookup: Lookup, ngram_filter: NgramFilter, scan: Scan | None, own_train: Sequence[Benchmark | None]
) -> list[Measured]:
    """Measure all sets, and see that the filter lacks nothing that the corpus has.

    Raises:
        UnbalancedError: it does.
    """
    measured = [measure(table, ngram_filter, scan, own) for table, own in zip(lookup.tables, own_train, strict=True)]
    missed = sum(one.row.missed or 0 for one in measured)
    if missed:
        raise UnbalancedError(f"the n-gram filter lacks {missed:,} n-grams that the corpus has")
    return measured


def trust_in(
    ngram_filter: NgramFilter, probes: int, tables: Sequence[ItemGrams], pages: Sequence[str]
) -> tuple[Probed, list[Recalled]]:
    """Measure the error of a report: random probes, and items planted into pages of the corpus where there are some."""
    measurable = [table for table in tables if (table.stops > table.starts).any()]
    return probe(ngram_filter, probes), recall(measurable, pages) if pages and measurable else []
