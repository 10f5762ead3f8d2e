"""What a verdict compares: corpora as streams of texts, damaged copies of them, and neutral text.

Two corpora must teach as much as one another, and be read without favour: row groups come in an order that a hash
chooses, so a budget of tokens is a sample of the whole even where shards are sorted by time.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from model.gpt2.damage import Damage
from model.gpt2.data import hash_files, read_texts, shard_paths
from webtext.errors import UsageError
from webtext.hashing import hash64, split_of

HELD_OUT = 0.05  # of a corpus without a held-out split; the paper's share (section 3)
_LABEL = "Question:"  # of a benchmark's prompt, not of its text: one document with that word would move a verdict
_PIECE_BYTES = 2000  # a plain text file is scored in pieces of this size, at line ends


@dataclass(frozen=True)
class Corpus:
    """A corpus, or a damaged copy of it: streams of texts to train on and of texts held out."""

    name: str
    path: Path
    damage: Damage | None = None

    def train(self, salt: int = 0) -> Iterator[str]:
        """Texts to train on; another salt gives another order of the row groups."""
        texts = _shuffled_texts(shard_paths(self.path, "train"), salt)
        if not shard_paths(self.path, "heldout"):
            texts = (text for text in texts if _split(text) == "train")
        yield from self._damaged(texts)

    def heldout(self) -> Iterator[str]:
        """Texts held out: the split of that name, else 5 % by hash."""
        paths = shard_paths(self.path, "heldout")
        if paths:
            texts = read_texts(paths)
        else:
            texts = (text for text in read_texts(shard_paths(self.path, "train")) if _split(text) == "heldout")
        yield from self._damaged(texts)

    def fingerprint(self) -> str:
        """A hash of all that the texts are a function of."""
        paths = (*shard_paths(self.path, "train"), *shard_paths(self.path, "heldout"))
        return f"{hash_files(paths)} {self.damage.__name__ if self.damage else 'whole'}"

    def _damaged(self, texts: Iterator[str]) -> Iterator[str]:
        return texts if self.damage is None else self.damage(texts)


def _split(text: str) -> str:
    return split_of(text, HELD_OUT)


def _shuffled_texts(paths: list[Path], salt: int) -> Iterator[str]:
    groups = [(path, number) for path in paths for number in range(pq.read_metadata(path).num_row_groups)]
    groups.sort(key=lambda group: hash64(f"{salt}/{group[0].name}/{group[1]}".encode()))
    for path, number in groups:
        with pq.ParquetFile(path) as shard:
            if "text" not in shard.schema_arrow.names:
                raise UsageError(f"{path} has no column `text`: its columns are {', '.join(shard.schema_arrow.names)}")
            yield from (text for text in shard.read_row_group(number, ["text"]).column(0).to_pylist() if text)


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

    JSON lines hold `text`, or an item of a benchmark, of which the question with its right answer is the text.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist: name a file of neutral text")
    if path.is_dir() or path.suffix == ".parquet":
        yield from read_texts(shard_paths(path, "train"))
    elif path.suffix == ".jsonl":
        with path.open(encoding="utf-8") as stream:
            yield from (_item_text(path, json.loads(line)) for line in stream if line.strip())
    else:
        yield from _pieces(path)


def _item_text(path: Path, item: Mapping[str, Any]) -> str:
    if "text" in item:
        return str(item["text"])
    if {"query", "choices", "gold"} <= item.keys():
        query = item["query"].strip().removeprefix(_LABEL).strip()
        return f"{query} {item['choices'][item['gold']].strip()}"
    if {"context_options", "continuation", "gold"} <= item.keys():
        return f"{item['context_options'][item['gold']]} {item['continuation']}"
    if {"context", "continuation"} <= item.keys():
        return f"{item['context']} {item['continuation'].strip()}"
    raise UsageError(f"{path}: a line has neither `text` nor a benchmark's item, but {', '.join(item)}")


def _pieces(path: Path) -> Iterator[str]:
    piece: list[str] = []
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            piece.append(line)
            if sum(map(len, piece)) >= _PIECE_BYTES:
                yield "".join(piece)
                piece = []
    if "".join(piece).strip():
        yield "".join(piece)
