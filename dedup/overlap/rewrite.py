"""A corpus file rewritten without what benchmarks have too: same columns, same order, and a record of each cut."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.kernels.hashes import Hashes
from dedup.near.against import Columns
from dedup.overlap.decontaminate import STAGE, Pieces, WindowsConfig, judge_share, remove_windows
from dedup.overlap.exact_ngrams import ExactSet
from dedup.overlap.ngrams import Grams
from webtext.code_points import count_words
from webtext.hashing import document_id
from webtext.reasons import Reason
from webtext.records import Rejection
from webtext.tables import open_writer, to_table, write_records

CUTS = pa.schema(
    [
        ("url", pa.string()),
        ("id", pa.string()),
        ("start", pa.int32()),  # characters of the text as it was
        ("stop", pa.int32()),
        ("why", pa.string()),
        ("pieces", pa.int32()),  # how many are left of the document
        ("text", pa.string()),
    ]
)
_BATCH_ROWS = 1000


@dataclass(frozen=True)
class Rule:
    """What removal removes: documents above a share of `grams`, or windows where `share` is None."""

    grams: Grams
    share: float | None = None
    windows: WindowsConfig = field(default_factory=WindowsConfig)

    def __post_init__(self) -> None:
        if self.share is not None and not 0 <= self.share < 1:
            raise ValueError(f"documents are removed above a share of 0 to below 1, not {self.share}")

    def judge(self, text: str, wanted: ExactSet) -> Pieces | Reason | None:
        """Tell what becomes of a text: None where it stays as it is."""
        if self.share is not None:
            return judge_share(text, self.grams, wanted, self.share)
        return remove_windows(text, wanted, self.windows)


@dataclass(frozen=True)
class CutRow:
    """A stretch that was taken out of a document that stays."""

    url: str
    id: str
    start: int
    stop: int
    why: str
    pieces: int
    text: str


def rewrite(
    source: BinaryIO,
    name: str,
    columns: Columns,
    wanted: ExactSet,
    rule: Rule,
    targets: tuple[BinaryIO, BinaryIO, BinaryIO],
) -> None:
    """Rewrite a Parquet file.

    A document that is cut becomes a row for each piece. The first keeps its id; the others' ids are those of its URL
    with `#piece-2` and so on behind it, and `n_words` is counted anew, where there are such columns.

    Args:
        source: the file.
        name: what it is called, for documents without a URL.
        columns: how its columns are called.
        wanted: the n-grams to remove.
        rule: how.
        targets: streams for the documents, for `CUTS`, and for rejections.
    """
    file = pq.ParquetFile(source)
    cuts: list[CutRow] = []
    rejections: list[Rejection] = []
    row = 0
    with open_writer(targets[0], file.schema_arrow) as writer:
        for batch in file.iter_batches(_BATCH_ROWS):
            kept: list[dict[str, Any]] = []
            for values in batch.to_pylist():
                url = str(values.get(columns.url) or f"{name}#{row}")
                row += 1
                kept += _documents(values, url, columns.text, rule, wanted, (cuts, rejections))
            writer.write_table(pa.Table.from_pylist(kept, schema=file.schema_arrow))
    with open_writer(targets[1], CUTS) as writer:
        writer.write_table(to_table(cuts, CUTS))
    write_records(targets[2], rejections, Rejection)


def _documents(
    values: dict[str, Any],
    url: str,
    text_column: str,
    rule: Rule,
    wanted: ExactSet,
    records: tuple[list[CutRow], list[Rejection]],
) -> Iterator[dict[str, Any]]:
    text = values[text_column]
    verdict = None if text is None else rule.judge(text, wanted)
    if verdict is None:
        yield values
    elif isinstance(verdict, Reason):
        records[1].append(Rejection(url, STAGE, verdict.reason, verdict.detail))
    else:
        identity = str(values.get("id") or document_id(url))
        records[0].extend(
            CutRow(url, identity, cut.start, cut.stop, cut.why, len(verdict.kept), text[cut.start : cut.stop])
            for cut in verdict.cuts
        )
        for number, piece in enumerate(verdict.texts(text), 1):
            changed = {text_column: piece}
            if number > 1 and "id" in values:
                changed["id"] = document_id(f"{url}#piece-{number}")
            yield {**values, **changed, **({"n_words": count_words(piece)} if "n_words" in values else {})}


def write_hashes(stream: BinaryIO, hashes: Hashes) -> None:
    """Write n-gram hashes, little-endian, 64 bits each."""
    stream.write(np.asarray(hashes).astype("<u8").tobytes())


def read_hashes(stream: BinaryIO) -> Hashes:
    """Read them back."""
    return np.frombuffer(stream.read(), "<u8").astype(np.uint64)
