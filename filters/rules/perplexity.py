"""Perplexity by an n-gram model: text that surprises a model of good text, or not at all, is seldom prose.

Source: Wenzek et al. 2020 (CCNet), which keeps terciles of perplexity under a Kneser-Ney model of Wikipedia. Ours is a
word trigram model with Witten-Bell smoothing in hashed tables: small, trained in seconds on the user's own good text
(`webtext filters --train-perplexity`), and enough to rank documents. No model comes with webtext.
"""

import math
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from filters.rules.lib.model_files import read_arrays
from filters.rules.lib.steps import over, threshold, under
from webtext.errors import UsageError
from webtext.local import FilePath
from webtext.reasons import Reason
from webtext.records import Document

REASONS = ("perplexity",)

ORDER = 3
_TABLE = 1 << 20  # cells of a table; two n-grams that share a cell share their counts
_VOCABULARY = 1 << 20  # what an unknown word is one of
_WORD = re.compile(r"\w+|[^\w\s]")
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))  # odd constants of SplitMix64

Tables = dict[str, NDArray[np.uint32]]


@dataclass(frozen=True, slots=True)
class Perplexity:
    """Reject documents whose perplexity a word is out of a range."""

    model: FilePath = threshold("", "path of a model made by `webtext filters --train-perplexity`")
    max_perplexity: float = threshold(
        5000.0, "greatest perplexity a word", "ours; look at your own with build --dry-run. CCNet cuts at terciles"
    )
    min_perplexity: float = threshold(0.0, "least perplexity a word: repeated or templated text has little")

    def __post_init__(self) -> None:
        if not self.model:
            raise UsageError(
                "the perplexity rule needs a model: webtext filters --train-perplexity, then perplexity.model=PATH"
            )
        if not 0 <= self.min_perplexity < self.max_perplexity:
            raise ValueError(f"min_perplexity {self.min_perplexity} must be under max_perplexity {self.max_perplexity}")
        _load(self.model)

    def __call__(self, document: Document) -> Reason | None:
        found = perplexity(document.text, _load(self.model))
        if found > self.max_perplexity:
            return Reason("perplexity", over(found, self.max_perplexity, "a word"))
        if found < self.min_perplexity:
            return Reason("perplexity", under(found, self.min_perplexity, "a word"))
        return None


def train(texts: Iterable[str]) -> Tables:
    """Count the n-grams of texts into tables: places of each, and how many different words follow each context.

    Raises:
        UsageError: there is no text.
    """
    tables = {
        f"{kind}_{n}": np.zeros(_TABLE, dtype=np.uint32) for kind in ("count", "follow") for n in range(1, ORDER + 1)
    }
    tables["total"] = np.zeros(2, dtype=np.uint32)  # words, different words
    words = 0
    for text in texts:
        hashes = _ngram_hashes(text)
        words += len(hashes[0])
        for n, cells in enumerate(hashes, start=1):
            _count(tables, n, cells, hashes[n - 2] if n > 1 else None)
    if not words:
        raise UsageError("training needs texts, got none")
    tables["total"][:] = words, np.count_nonzero(tables["count_1"])
    return tables


def _count(tables: Tables, n: int, cells: NDArray[np.uint64], contexts: NDArray[np.uint64] | None) -> None:
    places = (cells % _TABLE).astype(np.int64)
    distinct, first = np.unique(places, return_index=True)
    new = tables[f"count_{n}"][distinct] == 0
    np.add.at(tables[f"count_{n}"], places, 1)
    if contexts is not None:
        followed = (contexts[first[new]] % _TABLE).astype(np.int64)
        np.add.at(tables[f"follow_{n}"], followed, 1)


def perplexity(text: str, tables: Tables) -> float:
    """Give the perplexity of a text a word; infinite for a text without words."""
    hashes = _ngram_hashes(text)
    if not len(hashes[0]):
        return math.inf
    words, different = (float(value) for value in tables["total"])
    known = tables["count_1"][(hashes[0] % _TABLE).astype(np.int64)]
    probability = (known + different / _VOCABULARY) / (words + different)
    for n in range(2, ORDER + 1):
        skip = len(probability) - len(hashes[n - 1])
        contexts = (hashes[n - 2][: len(hashes[n - 1])] % _TABLE).astype(np.int64)
        seen = tables[f"count_{n - 1}"][contexts].astype(np.float64)
        kinds = tables[f"follow_{n}"][contexts].astype(np.float64)
        here = tables[f"count_{n}"][(hashes[n - 1] % _TABLE).astype(np.int64)].astype(np.float64)
        longer = np.divide(np.minimum(here, seen) + kinds * probability[skip:], seen + kinds,
                           out=probability[skip:].copy(), where=seen + kinds > 0)  # fmt: skip
        probability = np.concatenate([probability[:skip], longer])
    return float(np.exp(-np.log(probability).mean()))


def _ngram_hashes(text: str) -> list[NDArray[np.uint64]]:
    """Hash the n-grams of a text, n = 1, 2, 3; the hash of an n-gram is made of that of its first n - 1 words."""
    words = np.array([zlib.crc32(word.encode()) for word in _WORD.findall(text.lower())], dtype=np.uint64)
    hashes = [_mix(words)]
    for n in range(2, ORDER + 1):
        hashes.append(_mix(hashes[-1][: max(0, len(words) - n + 1)] * _MIX[0] + words[n - 1 :]))
    return hashes


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = (values ^ (values >> np.uint64(30))) * _MIX[1]
    return mixed ^ (mixed >> np.uint64(27))


@cache
def _load(path: FilePath) -> Tables:
    names = [f"{kind}_{n}" for kind in ("count", "follow") for n in range(1, ORDER + 1)]
    return read_arrays(path, [*names, "total"])
