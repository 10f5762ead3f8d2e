"""Repeated lines or passages of a corpus on any Beam runner: text is read where it lies, only counts are shuffled.

A task counts the units of one part by host before it sends them, 16 bytes for each unit and host; a range of hashes is
then summed in one place, and only what is repeated goes on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import PBegin, PCollection

from dedup.kernels import Hashes
from dedup.packed import divide, pack, unpack
from dedup.parts import Catalog, PartReader
from dedup.repeats import RepeatsConfig, line_hashes, repeated_units, span_hashes, tally_units
from webtext import storage
from webtext.tables import write_table

REPEATS = pa.schema([("hash", pa.uint64()), ("documents", pa.int64()), ("hosts", pa.int64())])
NAME = "repeats.parquet"
UNITS = ("lines", "spans")
_RANGE_SHIFT = np.uint64(58)  # the six highest bits of a hash: 64 ranges


@dataclass
class FindRepeats(beam.PTransform):
    """Find what many documents of many hosts have in common, and write it as `repeats.parquet`, hashes ascending.

    The parts of the catalog need `text` and `host`. `unit` is "lines" or "spans"; 64-bit numbers for each word of
    the corpus are shuffled for spans, so these are an option for corpora of moderate size.
    """

    catalog: Catalog
    output: str
    unit: str = "lines"
    config: RepeatsConfig = field(default_factory=RepeatsConfig)

    def __post_init__(self) -> None:
        super().__init__("FindRepeats")
        if self.unit not in UNITS:
            raise ValueError(f"unit must be one of {', '.join(UNITS)}, not {self.unit!r}")

    def expand(self, root: PBegin) -> PCollection:
        return (
            root
            | "Parts" >> beam.Create(range(self.catalog.parts))
            | beam.Reshuffle()
            | "TallyPart" >> beam.FlatMap(self._tally).with_output_types(tuple[int, bytes])
            | "ByRange" >> beam.GroupByKey()
            | "SumRange" >> beam.Map(self._sum).with_output_types(tuple[int, bytes])
            | "OneFile" >> beam.GroupByKey()
            | "WriteRepeats" >> beam.Map(self._write)
        )

    def _tally(self, part: int) -> Iterator[tuple[int, bytes]]:
        table = PartReader(self.catalog, storage.open_file).columns(part, ["host", "text"])
        hosts, texts = (table.column(name).to_pylist() for name in ("host", "text"))
        rows = tally_units((host, self._units(text)) for host, text in zip(hosts, texts, strict=True))
        owners = (rows[:, 0].copy().view(np.uint64) >> _RANGE_SHIFT).astype(np.int64)
        yield 0, b""  # so that there is something to sum, and a file
        for owner, positions in divide(owners):
            yield owner, pack(rows[positions])

    def _units(self, text: str) -> Hashes:
        if self.unit == "lines":
            return line_hashes(text, self.config.min_words)
        return span_hashes(text, self.config.span_words)

    def _sum(self, grouped: tuple[int, Iterable[bytes]]) -> tuple[int, bytes]:
        hashes, documents, hosts = repeated_units(unpack(grouped[1]), self.config.min_documents, self.config.min_hosts)
        return 0, np.stack([hashes.view(np.int64), documents, hosts], axis=1).astype("<i8").tobytes()

    def _write(self, grouped: tuple[int, Iterable[bytes]]) -> str:
        rows = np.frombuffer(b"".join(grouped[1]), "<i8").reshape(-1, 3)
        hashes = rows[:, 0].copy().view(np.uint64)
        order = np.argsort(hashes)
        columns = [pa.array(hashes[order]), pa.array(rows[order, 1]), pa.array(rows[order, 2])]
        with storage.create_file(storage.join(self.output, NAME)) as stream:
            write_table(stream, pa.Table.from_arrays(columns, schema=REPEATS))
        return NAME
