"""Documents less duplicates to the corpus: each shard is a run of buckets, read once and written once.

Shards are runs of buckets of URL hashes, so topics and dates are mixed in each, and no text crosses a shuffle. The
split is by the hash of the near-duplicate cluster: whatever is held out has no near-duplicate among what is trained on.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.metrics.metric import Metrics

from pipelines.engine.tasks import Worker
from pipelines.stages.kept import PARTS, Kept
from pipelines.stages.ledger import count_rows
from webtext import storage
from webtext.hashing import split_of
from webtext.manifest import Counts
from webtext.shards import FOLDER, SPLITS, list_shards, shard_name
from webtext.tables import DOCUMENTS, ROW_GROUP_ROWS, open_writer, read_columns

CORPUS = pa.schema([field for field in DOCUMENTS if field.name != "body_digest"])
TEXT_BYTES_A_SHARD = 256 << 20


@dataclass(frozen=True)
class ShardsConfig:
    """How the corpus is cut."""

    held_out: float = 0.05  # the share of the clusters; GPT-2 paper, section 3
    text_bytes_a_shard: int = TEXT_BYTES_A_SHARD
    folder: str = FOLDER  # their place in the corpus; by it, one of a release that had them elsewhere is another
    honoured: Sequence[str] = ()  # what the pages' sites could say no by, for the card: "robots.txt", names of signals
    made: Mapping[str, Any] = field(default_factory=dict)  # what the stages before did, for the card (`build`)

    def __post_init__(self) -> None:
        if not 0 <= self.held_out < 1:
            raise ValueError(f"held_out is a share of the clusters, 0 to below 1, not {self.held_out}")
        if self.text_bytes_a_shard < 1:
            raise ValueError(f"text_bytes_a_shard must be positive, not {self.text_bytes_a_shard}")


@dataclass(frozen=True, slots=True)
class Shard:
    """One task: the parts that make shard `number` of `shards`."""

    parts: tuple[str, ...]
    number: int
    shards: int

    def name(self, split: str) -> str:
        """Name the file of a split, by its path from the corpus."""
        return shard_name(split, self.number, self.shards)


def plan_shards(documents: str, config: ShardsConfig) -> list[Shard]:
    """Cut the parts of a documents directory into runs of about as many bytes of text as a shard holds."""
    parts = storage.list_files(documents, PARTS)
    text_bytes = sum(_text_bytes(storage.join(documents, part)) for part in parts)
    shards = min(len(parts), max(1, -(-text_bytes // config.text_bytes_a_shard)))
    bounds = [number * len(parts) // shards for number in range(shards + 1)]
    return [Shard(tuple(parts[bounds[n] : bounds[n + 1]]), n, shards) for n in range(shards)]


def _text_bytes(path: str) -> int:
    with storage.open_file(path) as stream:
        metadata = pq.ParquetFile(stream).metadata
    column = metadata.schema.names.index("text")
    groups = range(metadata.num_row_groups)
    return sum(metadata.row_group(group).column(column).total_uncompressed_size for group in groups)


@dataclass
class WriteShards(Worker):
    """Writes each shard's splits from what stays of its parts."""

    kept: Kept
    output: str
    config: ShardsConfig

    def do(self, shard: Shard) -> None:
        write_shard(shard, self.kept, self.output, self.config)


def write_shard(shard: Shard, kept: Kept, output: str, config: ShardsConfig) -> None:
    """Write the train and held-out files of one shard."""
    for split in SPLITS:  # read twice: one split's rows in memory at a time, and the text is compressed on disk
        with (
            storage.create_file(storage.join(output, shard.name(split))) as stream,
            open_writer(stream, CORPUS) as writer,
        ):
            tables = (kept.cut(part, _rows_of_split(part, split, kept, config)) for part in shard.parts)
            for group in _row_groups(tables):
                writer.write_table(group, row_group_size=ROW_GROUP_ROWS)
                Metrics.counter("corpus", split).inc(len(group))


def copy_shard(shard: Shard, source: str, target: str) -> None:
    """Copy the files of one shard as they are; a split that has no files there has no document of this shard."""
    for split in SPLITS:
        name = shard.name(split)
        with storage.create_file(storage.join(target, name)) as to:
            if storage.exists(storage.join(source, name)):
                with storage.open_file(storage.join(source, name)) as read:
                    shutil.copyfileobj(read, to)
            else:
                open_writer(to, CORPUS).close()


def drop_empty_splits(directory: str) -> None:
    """Remove the files of a split that has no document, where another has some: `datasets` loads no empty split."""
    rows: Counter[str] = Counter()
    for split in SPLITS:
        for name in list_shards(directory, split):
            with storage.open_file(storage.join(directory, name)) as stream:
                rows[split] += pq.ParquetFile(stream).metadata.num_rows
    for split in (split for split in SPLITS if not rows[split] and rows.total()):
        for name in list_shards(directory, split):
            storage.remove_file(storage.join(directory, name))


def _rows_of_split(part: str, split: str, kept: Kept, config: ShardsConfig) -> pa.Table:
    """Read the rows of a part that stay, and that belong to a split."""
    with storage.open_file(storage.join(kept.documents, part)) as stream:
        table = read_columns(stream, CORPUS.names)
    members, asked_away = kept.members(part), kept.asked_away(part)
    keep = []
    for identity in table.column("id").to_pylist():
        cluster, stays = members.get(identity, (identity, True))
        stays = stays and identity not in asked_away
        keep.append(stays and split_of(cluster, config.held_out) == split)
    return table.filter(pa.array(keep, pa.bool_())).cast(CORPUS)


def _row_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Regroup tables into ones of exactly `ROW_GROUP_ROWS` rows, the last one shorter."""
    waiting = CORPUS.empty_table()
    for table in tables:
        waiting = pa.concat_tables([waiting, table])
        while len(waiting) >= ROW_GROUP_ROWS:
            yield waiting.slice(0, ROW_GROUP_ROWS)
            waiting = waiting.slice(ROW_GROUP_ROWS)
    if len(waiting):
        yield waiting


def count_corpus(directory: str, given: int) -> Counts:
    """Count a corpus directory; all it is given stays."""
    splits = {split: count_rows(directory, f"{split}-*.parquet") for split in SPLITS}
    return Counts(given, sum(splits.values()), {}, notes=splits)
