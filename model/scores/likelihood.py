"""Scores of text under a model: each token once, after end of text, the same for every batch size.

Texts are read in windows of the model's block size. Rows of a batch are padded on the right and masked, so a row's
score does not depend on its neighbours. Everything is summed in nats and divided at the end, by bytes (bits per byte,
which no tokenizer can flatter) or by the units of the published benchmark.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from model.gpt2.network import GPT
from model.gpt2.tokenizer import Tokenizer

BATCH_TOKENS = 1 << 13  # the most in one pass; it bounds memory at 50,257 float32 logits a token

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """A piece of a document in one pass: its inputs, and the targets of which the last `scored` count."""

    document: int
    ids: list[int]
    scored: int


def windows(documents: Sequence[Sequence[int]], end_of_text: int, block_size: int, stride: int) -> Iterator[Window]:
    """Cut documents so that each token is scored once, with as much context as the stride allows.

    With `stride` equal to `block_size` the windows are disjoint, as in lm-eval: the first token of each but the first
    is seen after one token of context.
    """
    if not 1 <= stride <= block_size:
        raise ValueError(f"stride {stride} is not between 1 and the block size {block_size}")
    for number, document in enumerate(documents):
        ids = [end_of_text, *document]
        done = 0
        while done < len(document):
            stop = min(len(document), done + (block_size if done == 0 else stride))
            start = max(0, stop - block_size)
            yield Window(number, ids[start : stop + 1], stop - done)
            done = stop


@torch.no_grad()
def token_nats(
    model: GPT,
    documents: Sequence[Sequence[int]],
    end_of_text: int,
    *,
    stride: int = 0,
    batch_tokens: int = BATCH_TOKENS,
) -> list[Floats]:
    """Minus log probability of each token of each document; `stride` 0 stands for the block size."""
    model.eval()
    found: list[list[Floats]] = [[] for _ in documents]
    cut = list(windows(documents, end_of_text, model.config.block_size, stride or model.config.block_size))
    order = sorted(range(len(cut)), key=lambda index: -len(cut[index].ids))
    scores: dict[int, Floats] = {}
    for batch in _batches(order, [len(window.ids) for window in cut], batch_tokens):
        nats = _target_nats(model, [cut[index].ids for index in batch])
        for index, row in zip(batch, nats, strict=True):
            scores[index] = row[-cut[index].scored :]
    for index, window in enumerate(cut):
        found[window.document].append(scores[index])
    return [np.concatenate(parts) if parts else np.empty(0) for parts in found]


def _batches(order: Sequence[int], lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Indices in order of falling length, in batches whose padded size is at most `batch_tokens` (or one row)."""
    batch: list[int] = []
    for index in order:
        if batch and (len(batch) + 1) * lengths[batch[0]] > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _target_nats(model: GPT, rows: Sequence[Sequence[int]]) -> list[Floats]:
    """Minus log probability of each id but the first of each row."""
    longest = max(len(row) for row in rows)
    ids = torch.zeros((len(rows), longest), dtype=torch.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
    ids = ids.to(model.wte.weight.device)
    logits = model(ids[:, :-1]).float()
    nats: Tensor = functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none").double().cpu()
    return [nats[number, : len(row) - 1].numpy() for number, row in enumerate(rows)]


def bits_per_byte(nats: float, n_bytes: int) -> float:
    """Nats of a text over its UTF-8 bytes, in bits."""
    if n_bytes <= 0:
        raise ValueError(f"a text of {n_bytes} bytes has no bits per byte")
    return nats / (math.log(2.0) * n_bytes)


def perplexity(nats: float, units: int) -> float:
    """Exponential of nats a canonical unit: words of the original set, not tokens (openai/gpt-2, issue 78)."""
    if units <= 0:
        raise ValueError(f"a text of {units} units has no perplexity")
    return math.exp(nats / units)


def document_bits(model: GPT, tokenizer: Tokenizer, texts: Sequence[str]) -> Floats:
    """Bits that each text takes."""
    documents = tokenizer.encode_batch(list(texts))
    nats = token_nats(model, documents, tokenizer.end_of_text)
    return np.array([part.sum() for part in nats]) / math.log(2.0)


@dataclass(frozen=True)
class Continuation:
    """How a model likes a continuation after a context: summed nats, its length in three units, and if it is greedy.

    The space before an answer is scored, but is no part of its length: lm-eval and ai2-olmo-eval count so.
    """

    nats: float
    tokens: int
    characters: int
    n_bytes: int
    is_greedy: bool
    is_cut: bool
    """Longer, with its context, than the network reads: it was scored on its end."""


def encode_pair(tokenizer: Tokenizer, context: str, continuation: str) -> tuple[list[int], list[int]]:
    """Ids of a context and of what follows it, cut where the whole is cut; spaces move to the continuation.

    >>> from model.gpt2.tokenizer import gpt2_tokenizer
    >>> encode_pair(gpt2_tokenizer(), "Hello ", "world")
    ([15496], [995])
    """
    kept = context.rstrip()
    whole = tokenizer.encode(context + continuation)
    before = tokenizer.encode(kept)
    return whole[: len(before)], whole[len(before) :]


def score_continuations(
    model: GPT, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], batch_tokens: int = BATCH_TOKENS
) -> list[Continuation]:
    """Score (context, continuation) pairs; a context too long for the block loses its beginning."""
    encoded = [encode_pair(tokenizer, context, continuation) for context, continuation in pairs]
    scored = score_ids(model, encoded, tokenizer.end_of_text, batch_tokens)
    answers = (text.removeprefix(" ") or text for _, text in pairs)
    return [
        Continuation(nats, len(ids[1]), len(answer), len(answer.encode()), is_greedy, is_cut(ids, model))
        for (nats, is_greedy), ids, answer in zip(scored, encoded, answers, strict=True)
    ]


def is_cut(pair: tuple[Sequence[int], Sequence[int]], model: GPT) -> bool:
    """Whether a context and what follows it are longer than the network reads, so that only their end is scored."""
    return len(pair[0]) + len(pair[1]) > model.config.block_size


@torch.no_grad()
def score_ids(
    model: GPT, pairs: Sequence[tuple[list[int], list[int]]], end_of_text: int, batch_tokens: int = BATCH_TOKENS
) -> list[tuple[float, bool]]:
    """For (context, continuation) as ids: summed nats of the continuation, and whether greedy decoding gives it.

    What is longer than a block is scored on its end (`is_cut` tells). Raises ValueError for an empty continuation.
    """
    model.eval()
    rows = []
    for before, after in pairs:
        if not after:
            raise ValueError("a continuation has no tokens: there is nothing to score")
        block = model.config.block_size
        rows.append(([end_of_text, *before, *after][-block - 1 :], min(len(after), block)))
    order = sorted(range(len(rows)), key=lambda index: -len(rows[index][0]))
    scored: dict[int, tuple[float, bool]] = {}
    for batch in _batches(order, [len(row) for row, _ in rows], batch_tokens):
        scored.update(_tail_scores(model, {index: rows[index] for index in batch}))
    return [scored[index] for index in range(len(rows))]


def _tail_scores(model: GPT, rows: dict[int, tuple[list[int], int]]) -> dict[int, tuple[float, bool]]:
    """Summed nats of the last ids of each row, and whether each of them is the likeliest."""
    longest = max(len(row) for row, _ in rows.values())
    ids = torch.zeros((len(rows), longest), dtype=torch.int64)
    for number, (row, _) in enumerate(rows.values()):
        ids[number, : len(row)] = torch.tensor(row)
    logits = model(ids[:, :-1].to(model.wte.weight.device)).float().cpu()
    found = {}
    for number, (index, (row, tail)) in enumerate(rows.items()):
        targets = ids[number, len(row) - tail : len(row)]
        own = logits[number, len(row) - 1 - tail : len(row) - 1]
        nats = functional.cross_entropy(own, targets, reduction="sum").item()
        found[index] = nats, bool((own.argmax(dim=1) == targets).all())
    return found
