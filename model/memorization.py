"""Does a model recite, and does the held-out text leak: the paper's section 4.

The share of a text's word 8-grams that stand in the training set too, for held-out documents and for samples that
continue them; drawn as two cumulative distributions. Words are webtext's one definition (lower-case alphanumerics).
The training set's 8-grams are kept as sorted 64-bit hashes: with 10^9 of them, one look-up in 10^10 is wrong, below
the paper's bound of 1 in 10^8. Where a corpus has its own n-gram filter, any `Contains` serves.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from webtext.hashing import hash64
from webtext.text import ngrams, words

N = 8  # section 4 of the paper
Contains = Callable[[Sequence[str]], Sequence[bool] | NDArray[np.bool_]]


def text_ngrams(text: str) -> list[str]:
    """The 8-grams of a text, each as words joined by single spaces, in order and with repetition."""
    return [" ".join(gram) for gram in ngrams(words(text), N)]


def _hashes(grams: Iterable[str]) -> NDArray[np.uint64]:
    return np.fromiter((hash64(gram.encode(), salt=b"memorization") for gram in grams), np.uint64)


def ngram_set(texts: Iterable[str]) -> Contains:
    """A function that tells which 8-grams occur in `texts`."""
    parts = [_hashes(text_ngrams(text)) for text in texts]
    known = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint64)

    def contains(grams: Sequence[str]) -> NDArray[np.bool_]:
        return np.isin(_hashes(grams), known)

    return contains


def overlap(text: str, contains: Contains) -> float | None:
    """Share of a text's 8-grams that a training set contains; None for a text of fewer than eight words."""
    grams = text_ngrams(text)
    return float(np.mean(contains(grams))) if grams else None


def distribution(texts: Iterable[str], contains: Contains) -> list[float]:
    """The overlap of each text that has one, ascending: plotted against rank, their cumulative distribution."""
    shares = (overlap(text, contains) for text in texts)
    return sorted(share for share in shares if share is not None)


def summary(shares: Sequence[float]) -> dict[str, float | int]:
    """What the paper says of a distribution: its median, the mean, and how many texts have no overlap at all."""
    if not shares:
        return {"texts": 0}
    values = np.array(shares)
    return {
        "texts": len(values),
        "median": float(np.median(values)),
        "mean": float(values.mean()),
        "share_without": float((values == 0.0).mean()),
        "share_above_half": float((values > 0.5).mean()),
    }
