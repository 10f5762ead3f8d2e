"""Read an earlier corpus for `--against`: one task a Parquet file, nothing shuffled, nothing of it rewritten.

Somebody's file may hold millions of documents. It becomes as many parts as keep what is later read at once small.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, islice
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection

from dedup.near.against import Columns, read_texts, write_sketches
from dedup.near.minhash import MinHashConfig
from dedup.near.parts import Source
from webtext import storage
from webtext.urls import canonicalize_url

DOCUMENTS_A_PART = 1 << 14


@dataclass(frozen=True, slots=True)
class EarlierFile:
    """A Parquet file of an earlier corpus."""

    path: str
    name: str  # what evidence calls it
    rows: int

    @property
    def parts(self) -> int:
        """How many parts it becomes."""
        return max(1, -(-self.rows // DOCUMENTS_A_PART))


@dataclass
class SketchCorpus(beam.PTransform):
    """Sketch the texts of Parquet files into parts in `directory`; gives (part, documents)."""

    files: list[EarlierFile]
    directory: str
    config: MinHashConfig
    columns: Columns = field(default_factory=Columns)

    def __post_init__(self) -> None:
        super().__init__("SketchCorpus")

    @property
    def source(self) -> Source:
        """The parts that this writes, as `dedup.near.parts.Catalog` names them."""
        return Source(self.directory, sum(file.parts for file in self.files), earlier=True)

    def expand(self, root: PBegin) -> PCollection:
        first = accumulate((file.parts for file in self.files), initial=0)
        return (
            root
            | "Files" >> beam.Create(list(zip(first, self.files, strict=False)))
            | beam.Reshuffle()
            | beam.FlatMap(self._sketch).with_output_types(tuple[int, int])
        )

    def _sketch(self, numbered: tuple[int, EarlierFile]) -> Iterator[tuple[int, int]]:
        first, file = numbered
        with storage.open_file(file.path) as stream:
            texts = _canonical(read_texts(stream, file.name, self.columns))
            for number in range(first, first + file.parts):
                yield number, self._write(number, islice(texts, DOCUMENTS_A_PART))

    def _write(self, number: int, texts: Iterable[tuple[str, dict[str, Any]]]) -> int:
        suffix = self.source.suffix(number)
        with (
            storage.create_file(storage.join(self.directory, f"part-{suffix}.parquet")) as part,
            storage.create_file(storage.join(self.directory, f"shingles-{suffix}.bin")) as shingles,
        ):
            return write_sketches(part, shingles, texts, self.config)


def _canonical(texts: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Write URLs as ours are written, so that equal ones meet; what is no URL stays as it is."""
    for text, facts in texts:
        yield text, {**facts, "url": canonicalize_url(facts["url"]) or facts["url"]}
