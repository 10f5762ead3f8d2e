"""GPT-3's quality classifier: keep what resembles good text, and by chance a little of what does not.

Source: Brown et al. 2020, appendix A: logistic regression on hashed word counts (Spark's Tokenizer and HashingTF),
curated text against raw web, and a document is kept where `np.random.pareto(9) > 1 - score`. The chance here is a hash
of the document, so the same document always meets the same fate.

No model comes with webtext: what is good is the user's to say. `webtext filters --train-classifier` makes one.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from filters.rules.lib.model_files import read_arrays, write_arrays
from filters.rules.lib.steps import threshold, under
from webtext.errors import UsageError
from webtext.hashing import hash64
from webtext.local import FilePath
from webtext.reasons import Reason
from webtext.records import Document

REASONS = ("gpt3_classifier",)

NUM_FEATURES = 1 << 18  # Spark's HashingTF default
_STEPS, _RATE, _DECAY = (
    300,
    0.5,
    1e-4,
)  # Training converged with these on sets from a hundred to ten thousand documents.
_WORD = re.compile(r"\w+")

Features = tuple[NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class GPT3Classifier:
    """Keep a document where a Pareto draw seeded by its address is over 1 minus its score."""

    model: FilePath = threshold("", "path of a model made by `webtext filters --train-classifier`")
    alpha: float = threshold(
        9.0, "shape of the Pareto distribution; higher keeps fewer poor documents", "GPT-3 paper, A"
    )

    def __post_init__(self) -> None:
        if not self.model:
            raise UsageError("the gpt3 rule needs a model: webtext filters --train-classifier, then gpt3.model=PATH")
        if self.alpha <= 0:
            raise ValueError(f"alpha must be positive, got {self.alpha}; the paper has 9")
        _load(self.model)

    def __call__(self, document: Document) -> Reason | None:
        weights, bias = _load(self.model)
        score = classify(document.text, weights, bias)
        draw = pareto_draw(document.url, self.alpha)
        if draw > 1 - score:
            return None
        return Reason("gpt3_classifier", under(score, 1 - draw, "score"))


def hash_features(text: str) -> Features:
    """Count the words of a text by the hash of each; the counts have Euclidean length 1, so length does not matter."""
    hashed = [zlib.crc32(word.encode()) % NUM_FEATURES for word in _WORD.findall(text.lower())]
    indices, counts = np.unique(np.array(hashed, dtype=np.int64), return_counts=True)
    return indices, counts / max(1.0, float(np.sqrt(np.square(counts).sum())))


def classify(text: str, weights: NDArray[np.float32], bias: float) -> float:
    """Score a text from 0 (raw web) to 1 (curated)."""
    indices, values = hash_features(text)
    return float(1 / (1 + np.exp(-(np.dot(weights[indices].astype(np.float64), values) + bias))))


def pareto_draw(identity: str, alpha: float) -> float:
    """Draw from NumPy's (Lomax) Pareto distribution, the same for the same identity."""
    uniform = hash64(identity.encode(), salt=b"gpt3") / 2**64
    return float((1 - uniform) ** (-1 / alpha)) - 1


def train(good: Sequence[str], bad: Sequence[str]) -> tuple[NDArray[np.float32], float]:
    """Fit the classifier by full-batch AdaGrad, each class weighing the same; the same texts give the same weights.

    Raises:
        UsageError: a side is empty.
    """
    if not good or not bad:
        raise UsageError(f"training needs texts of both kinds, got {len(good)} good and {len(bad)} bad")
    features = [hash_features(text) for text in (*good, *bad)]
    rows = np.repeat(np.arange(len(features)), [len(indices) for indices, _ in features])
    columns = np.concatenate([indices for indices, _ in features])
    values = np.concatenate([counts for _, counts in features])
    labels = np.repeat([1.0, 0.0], [len(good), len(bad)])
    importance = np.repeat([0.5 / len(good), 0.5 / len(bad)], [len(good), len(bad)])
    weights, bias = np.zeros(NUM_FEATURES), 0.0
    squares, bias_square = np.full(NUM_FEATURES, 1e-8), 1e-8
    for _ in range(_STEPS):
        margins = np.bincount(rows, weights[columns] * values, minlength=len(features)) + bias
        errors = (1 / (1 + np.exp(-margins)) - labels) * importance
        gradient = np.bincount(columns, errors[rows] * values, minlength=NUM_FEATURES) + _DECAY * weights
        squares += np.square(gradient)
        bias_square += float(errors.sum()) ** 2
        weights -= _RATE * gradient / np.sqrt(squares)
        bias -= _RATE * float(errors.sum()) / bias_square**0.5
    return weights.astype(np.float32), bias


def write_model(path: str, weights: NDArray[np.float32], bias: float) -> None:
    """Write a trained model where the rule finds it."""
    write_arrays(path, {"weights": weights, "bias": np.float64(bias)})


@cache
def _load(path: FilePath) -> tuple[NDArray[np.float32], float]:
    arrays = read_arrays(path, ("weights", "bias"))
    return arrays["weights"].astype(np.float32), float(arrays["bias"])
