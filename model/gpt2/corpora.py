"""What a verdict compares: corpora as streams of texts, damaged copies of them, and neutral text.

Two corpora must teach as much as one another, and be read without favour: documents come in an order that their hashes
choose, so the first of them are a sample of the whole, however its rows and shards are sorted. A document and its exact
copies come together, so a sample repeats itself as much as the whole does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.gpt2.damage import Damage
from model.gpt2.data import hash_files, open_shard, read_texts, shard_paths
from webtext.errors import UsageError
from webtext.foreign import field, json_objects, read_bytes, text_of
from webtext.hashing import hash64, split_of
from webtext.items import read_choice

HELD_OUT = 0.05  # the share of a corpus without a held-out split; the paper's (section 3)
_LABEL = "Question:"  # a benchmark's prompt has it, not its text: one document with that word would move a verdict
_PIECE_BYTES = 2000  # a plain text file is scored in pieces of this size, at line ends
_SLICE_BYTES = 256_000_000  # the amount of text that is sorted in memory at a time
_PASSES = 8  # over a corpus, at most, for a sample: larger samples are sorted in larger slices
LONG, SLICES = 8192, 8  # characters of a document that stays whole; slices of a longer one, of LONG / SLICES each


def thin(text: str) -> str:
    """A text of at most `LONG` characters as it is; of a longer one, `SLICES` slices at even distances, a line each.

    Web corpora hold a few documents as long as books. Left whole, one of them, or one copy of it, would decide a
    verdict on a million tokens; n-grams lose nothing by slices, and each part of a document keeps its share.
    """
    if len(text) <= LONG:
        return text
    size = LONG // SLICES
    starts = ((len(text) - size) * number // (SLICES - 1) for number in range(SLICES))
    return "\n".join(text[start : start + size] for start in starts)


@dataclass(frozen=True)
class Corpus:
    """A corpus, or a damaged copy of it: streams of texts to train on and of texts held out."""

    name: str
    path: Path
    damage: Damage | None = None

    def train(self, salt: int = 0, n_bytes: int = _SLICE_BYTES) -> Iterator[str]:
        """Texts to train on, in the order of their hashes; another salt gives another order, and so another sample.

        `n_bytes` is about what will be taken: it decides how much is sorted in memory at a time, and no more.
        """
        yield from self._damaged(self._sorted(shard_paths(self.path, "train"), "train", salt, n_bytes))

    def heldout(self, n_bytes: int = _SLICE_BYTES) -> Iterator[str]:
        """Texts held out, in the order of their hashes: the split of that name, else 5 % by hash."""
        paths = shard_paths(self.path, "heldout") or shard_paths(self.path, "train")
        yield from self._damaged(self._sorted(paths, "heldout", 0, n_bytes))

    def fingerprint(self) -> str:
        """A hash of all that the texts are a function of."""
        paths = (*shard_paths(self.path, "train"), *shard_paths(self.path, "heldout"))
        return f"{hash_files(paths)} {self.damage.__name__ if self.damage else 'whole'}"

    def _damaged(self, texts: Iterator[str]) -> Iterator[str]:
        return texts if self.damage is None else self.damage(texts)

    def _sorted(self, paths: list[Path], split: str, salt: int, n_bytes: int) -> Iterator[str]:
        """Texts by their hashes, a pass over the files for each slice of the hashes: bounded memory, any size."""
        whole = bool(shard_paths(self.path, "heldout"))
        slices = max(1, round(_text_bytes(paths) / max(_SLICE_BYTES, n_bytes / _PASSES)))
        for number in range(slices):
            texts = (text for text in read_texts(paths) if whole or _is_trained_on(text) == (split == "train"))
            keyed = ((hash64(text.encode(), salt=b"sample%d" % salt), text) for text in texts)
            yield from (text for _, text in sorted(pair for pair in keyed if pair[0] * slices >> 64 == number))


def _is_trained_on(text: str) -> bool:
    return split_of(text, HELD_OUT) == "train"


def _text_bytes(paths: list[Path]) -> int:
    """Bytes of text in Parquet files by their footers: about as much as there is."""
    total = 0
    for path in paths:
        with open_shard(path) as shard:
            column = next(n for n in range(len(shard.schema)) if shard.schema.column(n).path == "text")
            groups = (shard.metadata.row_group(number) for number in range(shard.metadata.num_row_groups))
            total += sum(group.column(column).total_uncompressed_size for group in groups)
    return total


def take(texts: Iterator[str], n_bytes: int) -> list[str]:
    """Texts up to the one that reaches `n_bytes` in UTF-8."""
    taken, size = [], 0
    for text in texts:
        taken.append(text)
        size += len(text.encode())
        if size >= n_bytes:
            break
    return taken


def read_neutral(path: Path) -> Iterator[str]:
    """Documents of a neutral text: Parquet with `text`, JSON lines, or plain text in pieces at line ends.

    JSON lines hold `text`, or an item of a benchmark, of which the question with its right answer is the text. Raises
    UsageError for what cannot be read, with the line.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist: name a file of neutral text")
    if path.is_dir() or path.suffix == ".parquet":
        yield from read_texts(shard_paths(path, "train"))
    elif path.name.endswith((".jsonl", ".jsonl.gz", ".json")):
        yield from (_item_text(f"{path}:{line}", row) for line, row in json_objects(read_bytes(path), str(path)))
    else:
        yield from _pieces(path)


def _item_text(where: str, row: Mapping[str, Any]) -> str:
    if "text" in row:
        return str(field(where, row, "text"))
    item = read_choice(where, row)
    context, continuation = item.options[item.gold]
    return f"{context.strip().removeprefix(_LABEL).strip()} {continuation.strip()}"


def _pieces(path: Path) -> Iterator[str]:
    piece: list[str] = []
    for line in text_of(read_bytes(path), str(path)).splitlines(keepends=True):
        piece.append(line)
        if sum(map(len, piece)) >= _PIECE_BYTES:
            yield "".join(piece)
            piece = []
    if "".join(piece).strip():
        yield "".join(piece)
