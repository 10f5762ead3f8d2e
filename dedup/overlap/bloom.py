"""A Bloom filter of a corpus's n-grams: sized from a count, merged by OR, kept in a file that outlives the corpus.

GPT-2's authors put WebText's 8-grams into Bloom filters and looked up what share of each benchmark's 8-grams is there,
with a false-positive rate of at most 1 in 10^8 (paper, section 4). Ours is blocked (`dedup.kernels.ngram_kernels`), and
its rate comes from the exact sum over block loads, not from the formula for plain filters, which a blocked one misses
by far. The file is described in docs/ngram-filter-format.md.
"""

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from dedup.kernels import ngram_kernels
from dedup.kernels.hashes import Hashes
from dedup.kernels.ngram_kernels import BLOCK_BYTES, BLOCK_WORDS, MOST_BLOCKS
from dedup.overlap.ngrams import Grams
from webtext.errors import UsageError

ERROR_RATE = 1e-8  # GPT-2 paper, section 4
MAGIC = b"\x89NGF\r\n\x1a\n"  # the shape of PNG's: it shows a file that was sent as text
VERSION = 1
HASH = "webtext-2"  # names the hashes of words and n-grams: dedup.kernels.hashes.word_hash and ngram_hash
_PREFIX = len(MAGIC) + 8
_CHUNK = 1 << 24  # bytes read, written or merged at a time
_SAFETY = 2  # sized for half the rate that is promised ...
_SMALL, _SMALL_SAFETY = 1 << 24, 8  # ... and with few blocks, where one that is full by chance weighs more, an eighth
_ONES = np.array([value.bit_count() for value in range(256)], np.uint8)


def false_positive_rate(keys: int, blocks: int) -> float:
    """The chance that a random key not added is found, after so many distinct keys in so many blocks.

    A block's load is Poisson; with a load of L a word's bit is set with probability 1 - (63/64)^L, and 16 must be.
    """
    if not keys:
        return 0.0
    mean = keys / blocks
    spread = 12 * math.sqrt(mean) + 30
    total = 0.0
    for load in range(max(0, int(mean - spread)), int(mean + spread) + 1):
        log_chance = load * math.log(mean) - mean - math.lgamma(load + 1)
        total += math.exp(log_chance) * (1 - (63 / 64) ** load) ** BLOCK_WORDS
    return min(1.0, total)


def blocks_needed(keys: int, error_rate: float = ERROR_RATE) -> int:
    """The fewest blocks that keep so many distinct keys safely below the error rate.

    Raises:
        ValueError: the rate is not between 0 and 1.
    """
    if not 0 < error_rate < 1:
        raise ValueError(f"an error rate lies between 0 and 1, for example 1e-8: not {error_rate}")
    wanted = error_rate / (_SMALL_SAFETY if keys < _SMALL else _SAFETY)
    low, high = 0, max(1, keys)
    while high - low > max(1, high >> 20):  # a millionth is close enough: the rest costs more time than memory
        middle = (low + high) // 2
        if middle and false_positive_rate(keys, middle) <= wanted:
            high = middle
        else:
            low = middle
    return high


def filter_bytes(keys: int, error_rate: float = ERROR_RATE) -> int:
    """The size in bytes of a filter for so many distinct n-grams; some 7.2 bytes each at 1e-8."""
    return blocks_needed(keys, error_rate) * BLOCK_BYTES


@dataclass(frozen=True)
class FilterInfo:
    """What a filter is of."""

    grams: Grams = field(default_factory=Grams)
    error_rate: float = ERROR_RATE
    capacity: int = 1  # distinct n-grams that it is sized for
    ngrams: int = 0  # added, repeats included
    documents: int = 0

    def __post_init__(self) -> None:
        if self.capacity < 1:
            raise ValueError(f"capacity is {self.capacity}: a filter is for 1 n-gram or more")
        if not 0 < self.error_rate < 1:
            raise ValueError(f"an error rate lies between 0 and 1, for example 1e-8: not {self.error_rate}")


class NgramFilter:
    """A set of n-gram hashes that may say yes wrongly, rarely, and never wrongly says no."""

    def __init__(self, info: FilterInfo, table: Hashes | None = None) -> None:
        """Make an empty filter, or take the table of one, shape (blocks * 16,).

        Raises:
            UsageError: it would be larger than the format allows.
        """
        if table is None:
            blocks = blocks_needed(info.capacity, info.error_rate)
            if blocks > MOST_BLOCKS:
                raise UsageError(
                    f"a filter of {blocks * BLOCK_BYTES:,} bytes is beyond the format's {MOST_BLOCKS * BLOCK_BYTES:,}: "
                    "make one of each part of the corpus"
                )
            table = np.zeros(blocks * BLOCK_WORDS, np.uint64)
        self.info = info
        self.table = table

    def add(self, hashes: Hashes, documents: int = 0) -> None:
        """Add n-gram hashes, shape (n,), of so many documents."""
        ngram_kernels.add(self.table, hashes)
        ngrams, counted = self.info.ngrams + len(hashes), self.info.documents + documents
        self.info = replace(self.info, ngrams=ngrams, documents=counted)

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Tell of each hash, shape (n,), whether it may have been added; False is certain."""
        return ngram_kernels.contains(self.table, hashes)

    def merge(self, other: "NgramFilter") -> None:
        """Take in what another filter of the same kind and size holds.

        Raises:
            UsageError: they are not of one kind and size.
        """
        ours = (self.info.grams, self.info.error_rate, len(self.table))
        theirs = (other.info.grams, other.info.error_rate, len(other.table))
        if ours != theirs:
            raise UsageError(
                f"filters merge only when equal in kind and size: {self.kind()} and {other.kind()}; "
                "build both with the capacity of the two together"
            )
        np.bitwise_or(self.table, other.table, out=self.table)
        self.info = replace(
            self.info,
            ngrams=self.info.ngrams + other.info.ngrams,
            documents=self.info.documents + other.info.documents,
            capacity=max(self.info.capacity, other.info.capacity),
        )

    def kind(self) -> str:
        """Say in words what two filters must share to be merged."""
        grams = self.info.grams
        return f"{grams.n}-grams ({grams.normalizer}) at {self.info.error_rate:g} in {self.table.nbytes:,} bytes"

    def rate(self) -> float:
        """The false-positive rate of this very table for random keys: what its words' shares of set bits come to."""
        total, words_a_chunk = 0.0, _CHUNK // 8
        for begin in range(0, len(self.table), words_a_chunk):
            part = self.table[begin : begin + words_a_chunk]
            ones = _ONES[part.view(np.uint8)].reshape(-1, BLOCK_WORDS, 8).sum(axis=2)
            total += float(np.prod(ones / 64, axis=1).sum())
        return total / (len(self.table) // BLOCK_WORDS)


def write_filter(stream: BinaryIO, ngram_filter: NgramFilter) -> None:
    """Write a filter: magic, version, header in JSON, padding to 128 bytes, table."""
    info, table = ngram_filter.info, ngram_filter.table.astype("<u8", copy=False)
    header = {
        "block_words": BLOCK_WORDS,
        "blocks": len(table) // BLOCK_WORDS,
        "capacity": info.capacity,
        "documents": info.documents,
        "error_rate": info.error_rate,
        "hash": HASH,
        "n": info.grams.n,
        "ngrams": info.ngrams,
        "normalizer": info.grams.normalizer,
        "sha256": sha256(table.data).hexdigest(),
    }
    text = json.dumps(header, sort_keys=True).encode()
    text += b" " * (-(_PREFIX + len(text)) % BLOCK_BYTES)
    stream.write(MAGIC + VERSION.to_bytes(4, "little") + len(text).to_bytes(4, "little") + text)
    content = memoryview(table.view(np.uint8).data)
    stream.writelines(content[begin : begin + _CHUNK] for begin in range(0, len(content), _CHUNK))


def read_filter(stream: BinaryIO, name: str) -> NgramFilter:
    """Read a filter, and check its bytes.

    Raises:
        UsageError: it is not a filter, of another version, cut short, damaged, or larger than this machine's memory.
    """
    info, blocks, checksum = _read_header(stream, name)
    check_memory(blocks * BLOCK_BYTES, name)
    table = np.empty(blocks * BLOCK_WORDS, "<u8")
    content = memoryview(table.view(np.uint8).data)
    digest, begin = sha256(), 0
    while begin < len(content):
        chunk = stream.read(min(_CHUNK, len(content) - begin))
        if not chunk:
            raise UsageError(f"{name} is cut short: {begin:,} of {len(content):,} bytes of its table are there")
        content[begin : begin + len(chunk)] = chunk
        digest.update(chunk)
        begin += len(chunk)
    if stream.read(1) or digest.hexdigest() != checksum:
        raise UsageError(f"{name} is damaged: its table has not the checksum of its header; build it again")
    return NgramFilter(info, table.astype(np.uint64, copy=False))


def _read_header(stream: BinaryIO, name: str) -> tuple[FilterInfo, int, str]:
    prefix = stream.read(_PREFIX)
    if len(prefix) < _PREFIX or prefix[: len(MAGIC)] != MAGIC:
        raise UsageError(f"{name} is no n-gram filter")
    version, length = (int.from_bytes(prefix[start : start + 4], "little") for start in (8, 12))
    if version != VERSION:
        raise UsageError(f"{name} is an n-gram filter of version {version}, and this release reads {VERSION}")
    try:
        header = json.loads(stream.read(length))
        if (header["hash"], header["block_words"]) != (HASH, BLOCK_WORDS):
            raise UsageError(f"{name} was made with the hash {header['hash']}, and this release has {HASH}")
        grams = Grams(header["n"], header["normalizer"])
        counts = (header[key] for key in ("error_rate", "capacity", "ngrams", "documents"))
        return FilterInfo(grams, *counts), int(header["blocks"]), str(header["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"the header of {name} is damaged ({error}); build it again") from error


def merge_filters(filters: Iterable[NgramFilter]) -> NgramFilter:
    """Merge filters of one kind and size, in any order to the same bytes.

    Raises:
        ValueError: there is none.
    """
    merged: NgramFilter | None = None
    for one in filters:
        if merged is None:
            merged = one
        else:
            merged.merge(one)
    if merged is None:
        raise ValueError("there is no filter to merge")
    return merged


def check_memory(needed: int, name: str = "the n-gram filter", copies: int = 1) -> None:
    """Refuse a filter that this machine cannot hold.

    Raises:
        UsageError: `copies` of it are more than four fifths of the memory.
    """
    limit = machine_memory() * 4 // 5
    if needed * copies > limit:
        times = f" {copies} times" if copies > 1 else ""
        raise UsageError(
            f"{name} takes {needed:,} bytes{times}, more than the {limit:,} that may be used here: "
            "use a larger machine, fewer --workers or a higher --error-rate"
        )


def machine_memory() -> int:
    """The memory of this machine, or of the container that it is, in bytes."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    allowed = limit.read_text("ascii").strip() if limit.is_file() else "max"
    return physical if allowed == "max" else min(physical, int(allowed))
