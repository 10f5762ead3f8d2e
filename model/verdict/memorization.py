"""Does a model recite, and does the held-out text leak: the paper's section 4.

Two things are drawn. Training against held-out loss (Figure 4): a gap that opens says that the model has begun to learn
its texts by heart. And the share of a text's word 8-grams that stand in the training set too (Figure 5): for what the
model writes after the first words of held-out pieces, for what really follows those words, and for whole held-out
documents. Words are webtext's one definition (lower-case alphanumerics). The training set's 8-grams are kept as sorted
64-bit hashes: with 10^9 of them, one look-up in 10^10 is wrong, below the paper's bound of 1 in 10^8. Where a corpus
has its own n-gram filter, its share of hits serves instead (`Measure`).
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model.gpt2.generate import Sampling, generate
from model.gpt2.network import GPT
from model.gpt2.tokenizer import Tokenizer
from model.scores.likelihood import bits_per_byte, token_nats
from model.verdict.compare import t_975
from webtext.errors import UsageError
from webtext.hashing import hash64
from webtext.text import ngrams, words

N = 8  # section 4 of the paper
_ROWS = 50  # prompts that are continued at once: part of what a seed means
Measure = Callable[[str], float | None]
"""The share of a text's 8-grams that a training set contains; None for a text of fewer than eight words."""


def text_ngrams(text: str) -> list[str]:
    """The 8-grams of a text, each as words joined by single spaces, in order and with repetition."""
    return [" ".join(gram) for gram in ngrams(words(text), N)]


def _hashes(grams: Iterable[str]) -> NDArray[np.uint64]:
    return np.fromiter((hash64(gram.encode(), salt=b"memorization") for gram in grams), np.uint64)


def overlap_with(texts: Iterable[str]) -> Measure:
    """A function that measures a text's overlap with `texts`, exactly."""
    parts = [_hashes(text_ngrams(text)) for text in texts]
    known = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint64)

    def overlap(text: str) -> float | None:
        own = _hashes(text_ngrams(text))
        if not len(own) or not len(known):
            return 0.0 if len(own) else None
        nearest = known[np.minimum(np.searchsorted(known, own), len(known) - 1)]
        return float((nearest == own).mean())

    return overlap


def distribution(texts: Iterable[str], overlap: Measure) -> list[float]:
    """The overlap of each text that has one, ascending: plotted against rank, their cumulative distribution."""
    return sorted(share for text in texts if (share := overlap(text)) is not None)


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


def overlaps(texts: Mapping[str, Sequence[str]], overlap: Measure) -> dict[str, Any]:
    """For each set of texts its summary and its `distribution`."""
    found = {name: distribution(part, overlap) for name, part in texts.items()}
    return {name: {**summary(shares), "distribution": shares} for name, shares in found.items()}


@dataclass(frozen=True)
class Recital:
    """How a model is asked to go on: after `prompt_tokens` of a held-out piece, for `sample_tokens`, by top-k."""

    samples: int = 200
    prompt_tokens: int = 32
    sample_tokens: int = 96
    top_k: int = 40  # Figure 5 of the paper
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for a recital without prompts, or without text."""
        if min(self.samples, self.prompt_tokens, self.sample_tokens, self.top_k) < 1:
            raise ValueError(
                f"samples {self.samples}, prompt_tokens {self.prompt_tokens}, sample_tokens {self.sample_tokens} and "
                f"top_k {self.top_k} must be at least 1"
            )


@dataclass(frozen=True)
class Recited:
    """What a model wrote after each prompt, and what really follows it there, of as many tokens."""

    written: tuple[str, ...]
    real: tuple[str, ...]


def recite(model: GPT, tokenizer: Tokenizer, texts: Sequence[str], recital: Recital) -> Recited:
    """Let a model go on after pieces of held-out texts.

    The first pieces of all texts come before the second ones, so many texts are asked; where no text is as long as a
    prompt and a sample, there are none. Raises UsageError where both together do not fit into the network.
    """
    length = recital.prompt_tokens + recital.sample_tokens
    if length > model.config.block_size:
        raise UsageError(
            f"a prompt of {recital.prompt_tokens} and a sample of {recital.sample_tokens} tokens do not fit into "
            f"the {model.config.block_size} that this network reads: ask for less"
        )
    pieces = list(itertools.islice(_pieces(tokenizer.encode_batch(list(texts)), length), recital.samples))
    prompts = [piece[: recital.prompt_tokens] for piece in pieces]
    written: list[str] = []
    for start in range(0, len(prompts), _ROWS):
        rows = torch.tensor(prompts[start : start + _ROWS], device=model.wte.weight.device)
        sampling = Sampling(recital.sample_tokens, top_k=recital.top_k, seed=recital.seed + start)
        for ids in generate(model, rows, sampling).tolist():
            stop = ids.index(tokenizer.end_of_text) if tokenizer.end_of_text in ids else len(ids)
            written.append(tokenizer.decode(ids[:stop]))
    return Recited(tuple(written), tuple(tokenizer.decode(piece[recital.prompt_tokens :]) for piece in pieces))


def fitting(recital: Recital, block_size: int) -> Recital:
    """The recital with its sample cut to what a network can read after the prompt."""
    room = max(1, block_size - recital.prompt_tokens)
    return replace(recital, sample_tokens=min(recital.sample_tokens, room))


def _pieces(documents: Sequence[Sequence[int]], length: int) -> Iterator[Sequence[int]]:
    """Pieces of `length` ids that do not overlap: the first of each document, then the second of each, and so on."""
    longest = max(map(len, documents), default=0)
    for start in range(0, longest - length + 1, length):
        for document in documents:
            if len(document) >= start + length:
                yield document[start : start + length]


def losses(model: GPT, tokenizer: Tokenizer, texts: Sequence[str]) -> dict[str, Any]:
    """What a model loses on texts, each read after end of text: nats a token with its standard error, bits a byte.

    The error is over documents (of a ratio, by its first terms); it is None for one document.
    """
    nats = token_nats(model, tokenizer.encode_batch(list(texts)), tokenizer.end_of_text)
    total, tokens = float(sum(part.sum() for part in nats)), sum(map(len, nats))
    n_bytes = sum(len(text.encode()) for text in texts)
    if tokens == 0:
        raise UsageError("there is no text to score: every document is empty")
    return {
        "documents": len(texts),
        "tokens": tokens,
        "nats_per_token": total / tokens,
        "error": _ratio_error([float(part.sum()) for part in nats], [len(part) for part in nats]),
        "bits_per_byte": bits_per_byte(total, n_bytes),
    }


def _ratio_error(sums: Sequence[float], counts: Sequence[int]) -> float | None:
    """Standard error of sum(sums) / sum(counts) over documents; None for a single one."""
    ratio, total, documents = sum(sums) / sum(counts), sum(counts), len(sums)
    if documents < 2:
        return None
    left = sum((one - ratio * count) ** 2 for one, count in zip(sums, counts, strict=True))
    return math.sqrt(left * documents / (documents - 1)) / total


@dataclass(frozen=True)
class Gap:
    """Held-out minus training loss, nats a token, with its 95 % interval over the documents of both.

    There is no interval, None, where one of them is a single document.
    """

    value: float
    low: float | None
    high: float | None


def gap(training: Mapping[str, Any], heldout: Mapping[str, Any]) -> Gap:
    """The gap between two `losses`: where its interval holds 0, nothing shows that the model learnt by heart."""
    value = heldout["nats_per_token"] - training["nats_per_token"]
    if training["error"] is None or heldout["error"] is None:
        return Gap(value, None, None)
    few = min(training["documents"], heldout["documents"]) - 1
    reach = t_975(few) * math.hypot(heldout["error"], training["error"])
    return Gap(value, value - reach, value + reach)


def loss_curve(log: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Points of a run's log at which held-out loss was measured, with the mean training loss shortly before.

    That is over the later half of the steps since the last such point: one step is noisy, and all of them lag behind.
    """
    points: list[dict[str, float]] = []
    since: list[float] = []
    for record in log:
        since.append(record["loss"])
        if record.get("heldout_loss") is not None:
            recent = float(np.mean(since[len(since) // 2 :]))
            points.append({"step": record["step"] + 1, "loss": recent, "heldout_loss": record["heldout_loss"]})
            since = []
    return points
