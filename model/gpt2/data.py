"""From Parquet shards to batches of tokens, in an order that is a pure function of the step.

Documents are read from the shards as a stream, each preceded by end of text, and their ids kept in one flat file that
training maps into memory. A permutation without replacement, computed and not stored, tells which block comes when:
resuming at step 100,000 costs what step 0 costs, and neither the number of processes nor of micro-batches changes a
global batch. Documents are packed end to end without a mask between them, as GPT-2's were.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from model.gpt2.tokenizer import Tokenizer
from webtext.errors import UsageError
from webtext.hashing import hash64, sha256_of
from webtext.local import sync
from webtext.splits import TRAIN, split_files

_READ_ROWS = 256  # documents tokenised at a time: bounds memory, feeds all threads
_FEISTEL_ROUNDS = 6  # Luby and Rackoff (1988) need 4 for a strong pseudo-random permutation
_FORMAT = 1  # the version of the token cache

Ids = NDArray[np.integer]
Longs = NDArray[np.int64]


def shard_paths(corpus: Path, split: str) -> list[Path]:
    """The Parquet files of a split (`train` or `heldout`) of a corpus folder, by name; or one file itself.

    Which files are which is `webtext.splits`' judgement, and what is neither is logged. A held-out file without a row
    is none. Raises UsageError where there is nothing to train on, or a file is no Parquet.
    """
    if corpus.is_file():
        return [corpus] if split == TRAIN else []
    if not corpus.is_dir():
        raise UsageError(f"{corpus} does not exist: name a corpus folder or a Parquet file")
    card = corpus / "README.md"
    names = [path.relative_to(corpus).as_posix() for path in corpus.rglob("*.parquet")]
    found = split_files(names, card.read_text("utf-8", "replace") if card.is_file() else "")
    found.say(str(corpus))
    if not found.train:
        why = f": {found.description()}" if found.left_out else ""
        raise UsageError(f"{corpus} holds no Parquet file to train on{why}")
    if split == TRAIN:
        return [corpus / name for name in found.train]
    return [path for path in map(corpus.joinpath, found.heldout) if _rows(path)]


def _rows(path: Path) -> int:
    with open_shard(path) as shard:
        return int(shard.metadata.num_rows)


@contextmanager
def open_shard(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file of texts, and say of what cannot be read in one line.

    Raises UsageError where it is none, is cut off, or has no column `text` that holds text.
    """
    try:
        with pq.ParquetFile(path) as shard:
            kinds = {field.name: field.type for field in shard.schema_arrow}
            if "text" not in kinds:
                raise UsageError(f"{path} has no column `text`: its columns are {', '.join(kinds)}")
            kind = kinds["text"].value_type if pa.types.is_dictionary(kinds["text"]) else kinds["text"]
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
                raise UsageError(f"{path}: the column `text` holds {kind}, not text")
            yield shard
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from error


def read_texts(paths: Sequence[Path]) -> Iterator[str]:
    """The `text` column of Parquet files, in their order, with bounded memory; empty texts are skipped."""
    for path in paths:
        with open_shard(path) as shard:
            for batch in shard.iter_batches(batch_size=_READ_ROWS, columns=["text"]):
                yield from (text for text in batch.column(0).to_pylist() if text)


@dataclass(frozen=True)
class TokenFile:
    """A split of a corpus as token ids: `tokens.bin`, `starts.npy` and `about.json` in one folder."""

    folder: Path
    limit: int | None = None
    """Only so many ids are read, so that two corpora teach as much; None reads all."""

    @cached_property
    def about(self) -> dict[str, int | str]:
        """What the split is: tokenizer, tokens, documents, bytes, and the fingerprint of all that made it."""
        loaded: dict[str, int | str] = json.loads((self.folder / "about.json").read_text("utf-8"))
        return loaded

    @cached_property
    def ids(self) -> Ids:
        """All ids, each document preceded by end of text: a read-only map of the file."""
        return np.memmap(self.folder / "tokens.bin", dtype=str(self.about["dtype"]), mode="r")[: self.limit]

    @cached_property
    def starts(self) -> Longs:
        """Where each document's end of text stands; one more entry, the end, closes the last document."""
        starts: Longs = np.load(self.folder / "starts.npy")
        return starts

    def documents(self) -> list[list[int]]:
        """Ids of each document, without end of text."""
        return [
            self.ids[start + 1 : stop].tolist() for start, stop in zip(self.starts[:-1], self.starts[1:], strict=True)
        ]


_FILES = {"about.json", "starts.npy", "tokens.bin"}  # all that a folder of tokens holds


def encode_corpus(paths: Sequence[Path], tokenizer: Tokenizer, folder: Path) -> TokenFile:
    """Tokenise shards into `folder`, or find there what an earlier call left for the same shards and tokenizer."""
    return encode_texts(read_texts(paths), tokenizer, folder, source=hash_files(paths))


def encode_texts(
    texts: Iterator[str], tokenizer: Tokenizer, folder: Path, *, source: str = "", max_tokens: int | None = None
) -> TokenFile:
    """Tokenise texts into `folder`, up to the 256 documents that reach `max_tokens`.

    With a `source`, a name for all that the texts depend on, what an earlier call left for it is used again; without,
    the folder is written anew. Raises UsageError where there is no text, or where the folder holds anything else.
    """
    identity = f"{_FORMAT} {tokenizer.fingerprint} {source} {max_tokens}"
    fingerprint = hashlib.sha256(identity.encode()).hexdigest()
    tokens = TokenFile(folder)
    if source and (folder / "about.json").is_file() and tokens.about["fingerprint"] == fingerprint:
        return tokens
    partial = folder.with_name(f"{folder.name}.partial")
    for replaced in (folder, partial):
        foreign = sorted({path.name for path in replaced.iterdir()} - _FILES) if replaced.is_dir() else []
        if foreign:
            raise UsageError(
                f"{replaced} holds {foreign[0]}, which is not webtext's: move it away, or choose another place"
            )
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    about = _write_tokens(texts, tokenizer, partial, max_tokens)
    content = fingerprint if source else hashlib.sha256((partial / "tokens.bin").read_bytes()).hexdigest()
    about |= {"tokenizer": tokenizer.fingerprint, "fingerprint": content}
    (partial / "about.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    for written in partial.iterdir():
        sync(written)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    sync(folder.parent)
    return TokenFile(folder)


def hash_files(paths: Sequence[Path]) -> str:
    """A hash of the content of files, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as shard:
            digest.update(sha256_of(shard)[0].encode())
    return digest.hexdigest()


def _write_tokens(
    texts: Iterator[str], tokenizer: Tokenizer, folder: Path, max_tokens: int | None
) -> dict[str, int | str]:
    """Write `tokens.bin` and `starts.npy`; return their description."""
    dtype = np.dtype(np.uint16 if tokenizer.vocab_size <= 1 << 16 else np.uint32)
    starts, n_bytes = [0], 0
    with (folder / "tokens.bin").open("wb") as stream:
        for batch in _batched(texts, _READ_ROWS):
            n_bytes += sum(len(text.encode()) for text in batch)
            for ids in tokenizer.encode_batch(batch):
                stream.write(np.array([tokenizer.end_of_text, *ids], dtype).tobytes())
                starts.append(starts[-1] + len(ids) + 1)
            if max_tokens is not None and starts[-1] >= max_tokens:
                break
    if len(starts) == 1:
        raise UsageError("the corpus has no text to train on or to score: its shards are empty")
    np.save(folder / "starts.npy", np.array(starts, np.int64))
    return {"dtype": dtype.name, "documents": len(starts) - 1, "tokens": starts[-1], "bytes": n_bytes}


def _batched(texts: Iterator[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def permute(indices: Longs, size: int, key: int) -> Longs:
    """Images of `indices` under a permutation of range(size) that `key` chooses; O(1) memory in `size`.

    A Feistel network over the smallest even number of bits that holds `size`; what falls outside walks on along its
    cycle until it falls inside (Black and Rogaway, 2002).
    """
    if size < 1:
        raise ValueError(f"a permutation needs at least one element, not {size}")
    half = np.uint64(max(1, ((size - 1).bit_length() + 1) // 2))
    mask = (np.uint64(1) << half) - np.uint64(1)
    keys = [np.uint64(hash64(f"{key}/{number}".encode(), salt=b"feistel")) for number in range(_FEISTEL_ROUNDS)]
    values = np.asarray(indices).astype(np.uint64)
    outside = np.ones(values.shape, bool)
    while outside.any():
        left, right = values[outside] >> half, values[outside] & mask
        for round_key in keys:
            left, right = right, left ^ (_mix(right ^ round_key) & mask)
        values[outside] = (left << half) | right
        outside = values >= size
    return values.astype(np.int64)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): each bit in changes about half the bits out."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@dataclass(frozen=True)
class Batches:
    """The global batches of a run: `batch_size` blocks of `block_size` tokens at each step, epoch after epoch."""

    ids: Ids
    block_size: int
    batch_size: int
    seed: int

    def __post_init__(self) -> None:
        """Raise UsageError where not even one block can be cut."""
        if self.blocks < 1:
            raise UsageError(
                f"{len(self.ids):,} tokens do not fill one block of {self.block_size} and its targets: "
                "give more text, or a model with a smaller block size"
            )

    @property
    def blocks(self) -> int:
        """Blocks in an epoch. Each epoch starts its blocks at another offset, so up to one block is left out."""
        return max(len(self.ids) // self.block_size - 1, int(len(self.ids) > self.block_size))

    def samples(self, step: int) -> Longs:
        """Where each block of the global batch of `step` starts among the ids."""
        numbers = np.arange(step * self.batch_size, (step + 1) * self.batch_size, dtype=np.int64)
        starts = np.empty_like(numbers)
        for epoch in np.unique(numbers // self.blocks):
            chosen = numbers // self.blocks == epoch
            blocks = permute(numbers[chosen] % self.blocks, self.blocks, hash64(f"{self.seed}/{epoch}".encode()))
            starts[chosen] = blocks * self.block_size + self._offset(int(epoch))
        return starts

    def _offset(self, epoch: int) -> int:
        spare = len(self.ids) - 1 - self.blocks * self.block_size
        return hash64(f"{self.seed}/{epoch}".encode(), salt=b"offset") % (min(spare, self.block_size) + 1)

    def read(self, starts: Longs) -> NDArray[np.int64]:
        """(B, block_size + 1) ids of blocks and the one target after each."""
        blocks: NDArray[np.int64] = self.ids[starts[:, None] + np.arange(self.block_size + 1)].astype(np.int64)
        return blocks
