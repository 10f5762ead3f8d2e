"""Read an earlier corpus for `--against`: one task a Parquet file, nothing shuffled, nothing of it rewritten."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection

from dedup.against import Columns, read_texts, write_sketches
from dedup.minhash import MinHashConfig
from dedup.parts import Source
from webtext import storage
from webtext.errors import UsageError

_OWN_SHARDS = ("train-*.parquet", "heldout-*.parquet")


def earlier_files(directory: str) -> list[str]:
    """List the Parquet files of an earlier corpus: its shards if it is one of ours, else every `*.parquet`.

    Raises:
        UsageError: there are none.
    """
    shards = [name for pattern in _OWN_SHARDS for name in storage.list_files(directory, pattern)]
    names = shards or storage.list_files(directory, "*.parquet")
    if not names:
        raise UsageError(f"{directory} holds no *.parquet: give the corpus/ directory of an output, or any with texts")
    return [storage.join(directory, name) for name in names]


@dataclass
class SketchCorpus(beam.PTransform):
    """Sketch the texts of Parquet files into `directory`, a part for each file; gives (part, documents)."""

    files: list[str]
    directory: str
    config: MinHashConfig
    columns: Columns = field(default_factory=Columns)

    def __post_init__(self) -> None:
        super().__init__("SketchCorpus")

    @property
    def source(self) -> Source:
        """The parts that this writes, as `dedup.parts.Catalog` names them."""
        return Source(self.directory, len(self.files), earlier=True)

    def expand(self, root: PBegin) -> PCollection:
        return (
            root
            | "Files" >> beam.Create(list(enumerate(self.files)))
            | beam.Reshuffle()
            | beam.FlatMap(self._sketch).with_output_types(tuple[int, int])
        )

    def _sketch(self, numbered: tuple[int, str]) -> Iterator[tuple[int, int]]:
        number, path = numbered
        suffix = self.source.suffix(number)
        name = path.rpartition("/")[2]
        with (
            storage.open_file(path) as stream,
            storage.create_file(storage.join(self.directory, f"part-{suffix}.parquet")) as part,
            storage.create_file(storage.join(self.directory, f"shingles-{suffix}.bin")) as shingles,
        ):
            yield number, write_sketches(part, shingles, read_texts(stream, name, self.columns), self.config)
