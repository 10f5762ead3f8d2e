"""Perplexity by an n-gram model: text that surprises a model of good text, or not at all, is seldom prose.

Source: Wenzek et al. 2020 (CCNet), which keeps terciles of perplexity under a Kneser-Ney model of Wikipedia. Ours is
the same kind, of word trigrams (`webtext.ngram_model`), trained in seconds on the user's own good text (`webtext
filters --train-perplexity`). A model with Witten-Bell smoothing in hashed tables stood here before: trained on half of
WikiText-2's test text, it told paragraphs of the other half from the same with their words shuffled with an area under
the curve of .56, this one with .90, at .3 ms a paragraph for .15; and it gave some texts no chance. No model comes with
webtext.
"""

import math
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filters.rules.lib.model_files import read_arrays
from filters.rules.lib.steps import over, threshold, under
from webtext.errors import UsageError
from webtext.local import FilePath
from webtext.ngram_model import NgramModel, Order, train_ngrams
from webtext.reasons import Reason
from webtext.records import Document

REASONS = ("perplexity",)

ORDER = 3
MOST_WORDS = 5_000_000  # A model is trained on so many at most: some 100 MB.
_VOCABULARY = 1 << 20  # what an unknown word is one of; the last is the end of a text, the one before an unknown word
_WORD = re.compile(r"\w+|[^\w\s]")
_PARTS = ("keys", "counts", "discounts", "totals", "backoffs")  # the fields of `webtext.ngram_model.Order`

Arrays = dict[str, NDArray[Any]]


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
        found = _load(self.model).perplexity(document.text)
        if found > self.max_perplexity:
            return Reason("perplexity", over(found, self.max_perplexity, "a word"))
        if found < self.min_perplexity:
            return Reason("perplexity", under(found, self.min_perplexity, "a word"))
        return None


@dataclass(frozen=True)
class WordModel:
    """An n-gram model of words."""

    words: NDArray[np.uint32]  # hashes of the known ones, ascending; the place is the id
    ngrams: NgramModel

    def perplexity(self, text: str) -> float:
        """Give the perplexity of a text a word; infinite for a text without words."""
        ids = _ids(_hashes(text), self.words)
        return math.exp(float(self.ngrams.nats([ids])[0].mean())) if ids else math.inf


def train(texts: Iterable[str]) -> Arrays:
    """Train a model of words on texts, and lay it out as arrays.

    Raises:
        UsageError: there is no text.
    """
    hashed, seen = [], 0
    for words in map(_hashes, texts):
        hashed.append(words[: MOST_WORDS - seen])
        seen += len(words)
        if seen >= MOST_WORDS:
            break
    if not seen:
        raise UsageError("training needs texts, got none")
    known, counts = np.unique(np.concatenate(hashed), return_counts=True)
    known = np.sort(known[np.argsort(-counts, kind="stable")[: _VOCABULARY - 2]])
    model = train_ngrams([_ids(words, known) for words in hashed], _VOCABULARY, ORDER)
    parts = {f"{part}_{n}": getattr(order, part) for n, order in enumerate(model.orders) for part in _PARTS}
    return {"words": known, **parts}


def read_model(path: FilePath) -> WordModel:
    """Read a model that `train` made.

    Raises:
        UsageError: there is no such file, or it is no model of this kind.
    """
    arrays = read_arrays(path, ["words", *(f"{part}_{n}" for n in range(ORDER) for part in _PARTS)])
    orders = tuple(Order(*(arrays[f"{part}_{n}"] for part in _PARTS)) for n in range(ORDER))
    return WordModel(arrays["words"], NgramModel(_VOCABULARY, orders))


def _hashes(text: str) -> NDArray[np.uint32]:
    return np.array(
        [zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in _WORD.findall(text.lower())], np.uint32
    )


def _ids(hashes: NDArray[np.uint32], known: NDArray[np.uint32]) -> list[int]:
    """Give the ids of words: their places among those that are known, or that of an unknown word."""
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    ids: list[int] = np.where(known[places] == hashes, places, _VOCABULARY - 2).tolist()
    return ids


_load = cache(read_model)
