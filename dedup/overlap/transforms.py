"""The passes over a corpus as Beam transforms: one task a file, small results, and files instead of shuffles.

A filter is as large as the corpus is long, so it never travels through Beam: each group of files makes a partial filter
and writes it, and one task combines them by OR, which no order of arrival can change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PBegin, PCollection

from dedup.near.against import Columns, read_texts
from dedup.overlap.bloom import FilterInfo, NgramFilter, merge_filters, read_filter, write_filter
from dedup.overlap.decontaminate import only
from dedup.overlap.ngrams import text_ngram_hashes
from dedup.overlap.plan import Lookup, OverlapConfig, read_benchmarks
from dedup.overlap.rewrite import Rule, read_hashes, rewrite
from webtext import storage

NAMESPACE = "overlap"


@dataclass(frozen=True)
class Corpus:
    """The files of a corpus, and what their columns are called."""

    files: tuple[str, ...]
    columns: Columns
    root: str = ""
    """The directory that they lie in, at any depth; "" where they were named one by one."""

    def place_of(self, path: str) -> str:
        """Give the place of what is made of a file: its path from the root, or its name.

        >>> Corpus((), Columns(), "c").place_of("c/data/train-0.parquet"), Corpus((), Columns()).place_of("x/y.parquet")
        ('data/train-0.parquet', 'y.parquet')
        """
        return path.removeprefix(self.root.rstrip("/") + "/") if self.root else path.rpartition("/")[2]

    def texts(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Read the texts of one file, and what is known of each."""
        with storage.open_file(path) as stream:
            yield from read_texts(stream, path.rpartition("/")[2], self.columns)

    def groups(self, count: int) -> list[tuple[int, tuple[str, ...]]]:
        """Divide the files into so many groups, numbered."""
        count = min(count, len(self.files))
        return [(number, self.files[number::count]) for number in range(count)]


@dataclass
class ScanCorpus(beam.PTransform):
    """Scan each file of a corpus for benchmarks' n-grams; writes a scan for each into `scratch`, gives their names."""

    corpus: Corpus
    benchmarks: str
    config: OverlapConfig
    scratch: str

    def __post_init__(self) -> None:
        super().__init__("ScanCorpus")

    def expand(self, root: PBegin) -> PCollection:
        files = root | beam.Create(list(enumerate(self.corpus.files))) | beam.Reshuffle()
        return files | beam.ParDo(_Scan(self.corpus, self.benchmarks, self.config, self.scratch))


class _Scan(beam.DoFn):
    """Holds the benchmarks' n-grams for all files of a worker."""

    def __init__(self, corpus: Corpus, benchmarks: str, config: OverlapConfig, scratch: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._corpus, self._benchmarks, self._config, self._scratch = corpus, benchmarks, config, scratch

    def setup(self) -> None:
        with storage.open_file(self._benchmarks) as stream:
            self._lookup = Lookup(read_benchmarks(stream), self._config)

    def process(self, numbered: tuple[int, str]) -> Iterator[str]:
        number, path = numbered
        scan = self._lookup.scan()
        for text, facts in self._corpus.texts(path):
            scan.read(text, facts["id"], facts["url"])
        Metrics.counter(NAMESPACE, "documents").inc(scan.documents)
        name = f"scan-{number:05d}.npz"
        with storage.create_file(storage.join(self._scratch, name)) as stream:
            scan.write(stream)
        yield name


@dataclass
class BuildFilter(beam.PTransform):
    """Build the n-gram filter of a corpus from so many partial ones, into the file `target`."""

    corpus: Corpus
    info: FilterInfo
    partials: int
    scratch: str
    target: str

    def __post_init__(self) -> None:
        super().__init__("BuildFilter")

    def expand(self, root: PBegin) -> PCollection:
        groups = root | beam.Create(self.corpus.groups(self.partials)) | beam.Reshuffle()
        names = groups | "Add" >> beam.MapTuple(self._add)
        return names | beam.WithKeys(0) | beam.GroupByKey() | "Combine" >> beam.MapTuple(self._combine)

    def _add(self, number: int, files: Sequence[str]) -> str:
        partial = NgramFilter(self.info)
        for path in files:
            for text, _ in self.corpus.texts(path):
                partial.add(text_ngram_hashes(text, self.info.grams), documents=1)
        name = f"partial-{number:05d}.ngrams"
        with storage.create_file(storage.join(self.scratch, name)) as stream:
            write_filter(stream, partial)
        return name

    def _combine(self, _: int, names: Sequence[str]) -> str:
        merged = merge_filters(self._partials(names))
        with storage.create_file(self.target) as stream:
            write_filter(stream, merged)
        return self.target

    def _partials(self, names: Sequence[str]) -> Iterator[NgramFilter]:
        for name in sorted(names):
            with storage.open_file(storage.join(self.scratch, name)) as stream:
                yield read_filter(stream, name)


@dataclass
class RemoveOverlap(beam.PTransform):
    """Rewrite each file of a corpus without what benchmarks have too; gives the files' names."""

    corpus: Corpus
    rule: Rule
    hashes: str
    output: str

    def __post_init__(self) -> None:
        super().__init__("RemoveOverlap")

    def expand(self, root: PBegin) -> PCollection:
        files = root | beam.Create(list(enumerate(self.corpus.files))) | beam.Reshuffle()
        return files | beam.ParDo(_Rewrite(self.corpus, self.rule, self.hashes, self.output))


class _Rewrite(beam.DoFn):
    """Holds the n-grams that removal goes by for all files of a worker."""

    def __init__(self, corpus: Corpus, rule: Rule, hashes: str, output: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._corpus, self._rule, self._hashes, self._output = corpus, rule, hashes, output

    def setup(self) -> None:
        with storage.open_file(self._hashes) as stream:
            self._wanted = only(read_hashes(stream))

    def process(self, numbered: tuple[int, str]) -> Iterator[str]:
        number, path = numbered
        name, files = path.rpartition("/")[2], len(self._corpus.files)
        suffix = f"{number:05d}-of-{files:05d}.parquet"
        with (
            storage.open_file(path) as source,
            storage.create_file(storage.join(self._output, self._corpus.place_of(path))) as target,
            storage.create_file(storage.join(self._output, f"cuts-{suffix}")) as cuts,
            storage.create_file(storage.join(self._output, f"rejections-{suffix}")) as rejections,
        ):
            rewrite(source, name, self._corpus.columns, self._wanted, self._rule, (target, cuts, rejections))
        yield name
