"""The two judges: n-gram models on samples in memory, and GPT-2 runs on disk.

Both give, for each corpus, how many bits each document of each text set takes: first by the model that stands for the
corpus, then by its replicates. All corpora teach the same number of tokens, in every replicate.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.gpt2.corpora import Corpus, take
from model.gpt2.data import TokenFile, encode_texts
from model.gpt2.device import World
from model.gpt2.network import GPT, size
from model.gpt2.tokenizer import Tokenizer
from model.gpt2.train import Split, TrainConfig, Trained, train
from model.scores.likelihood import document_bits, token_nats
from model.verdict.ngram_model import count_ngrams, locate, train_ngrams
from model.verdict.tiers import Tier
from webtext.hashing import hash64

LOGGER = logging.getLogger(__name__)
Floats = NDArray[np.float64]
_BYTES_A_TOKEN = 6  # more than GPT-2's tokenizer takes of English, so that a sample of bytes holds enough tokens

SLICES, SLICE_TOKENS = 8, 256  # of a long document


@dataclass(frozen=True)
class Panel:
    """A set of texts on which all models are scored."""

    name: str
    neutral: bool
    texts: tuple[str, ...]

    def n_bytes(self) -> Floats:
        """UTF-8 bytes of each text."""
        return np.array([len(text.encode()) for text in self.texts], float)

    def part(self, n_bytes: int) -> "Panel":
        """The first texts, up to the one that reaches `n_bytes`."""
        return replace(self, texts=tuple(take(iter(self.texts), n_bytes)))


@dataclass(frozen=True)
class Sample:
    """Documents of a corpus as ids, or slices of long ones, each with the group of the jackknife it falls into."""

    documents: list[list[int]]
    groups: list[int]

    def kept(self, group: int) -> NDArray[np.bool_]:
        """For each token, in order, whether its document is outside a group; all are, for one that does not exist."""
        return np.repeat(np.array(self.groups) != group, [len(ids) for ids in self.documents])


def ngram_bits(
    corpora: Sequence[Corpus], panels: Sequence[Panel], tier: Tier, tokenizer: Tokenizer
) -> tuple[dict[str, list[Floats]], int]:
    """Bits by n-gram models: for each corpus, and each panel, (1 + groups, documents); and the tokens each one taught.

    Replicate g lacks the documents of group g in every corpus. A document and its damaged copy are in one group, as
    are two copies of one text, so what corpora share cancels.
    """
    samples = _samples(corpora, tier, tokenizer)
    targets = [tokenizer.encode_batch(list(panel.texts)) for panel in panels]
    replicates = range(-1, tier.groups)
    budgets = {group: min(tier.ngram_tokens, *(int(one.kept(group).sum()) for one in samples)) for group in replicates}
    bits: dict[str, list[Floats]] = {}
    for corpus, sample in zip(corpora, samples, strict=True):
        LOGGER.info("n-grams: %s, %s tokens, %d replicates", corpus.name, f"{budgets[-1]:,}", tier.groups)
        counted = count_ngrams(sample.documents, tokenizer.vocab_size, tier.ngram_order)
        located = [locate(counted.keys, tokenizer.vocab_size, target) for target in targets]
        rows: list[list[Floats]] = [[] for _ in panels]
        for group in replicates:
            model = counted.model(first(sample.kept(group), budgets[group]))
            for own, places in zip(rows, located, strict=True):
                own.append(np.array([part.sum() for part in model.nats_at(places)]) / math.log(2.0))
        bits[corpus.name] = [np.stack(own) for own in rows]
    return bits, budgets[-1]


def first(kept: NDArray[np.bool_], tokens: int) -> NDArray[np.bool_]:
    """The first `tokens` of the tokens that are kept."""
    return kept & (np.cumsum(kept) <= tokens)


def _samples(corpora: Sequence[Corpus], tier: Tier, tokenizer: Tokenizer) -> list[Sample]:
    found = []
    originals: dict[Path, list[str]] = {}
    for corpus in corpora:
        if corpus.path not in originals:
            whole = replace(corpus, damage=None)
            originals[corpus.path] = take(whole.train(), tier.ngram_tokens * _BYTES_A_TOKEN)
        texts = originals[corpus.path]
        groups = [hash64(text.encode(), salt=b"group") % tier.groups for text in texts]
        if corpus.damage is not None:
            texts = list(corpus.damage(iter(texts)))
            first: dict[str, int] = {}
            groups = [first.setdefault(text, group) for text, group in zip(texts, groups, strict=True)]
        slices = [
            (part, group)
            for ids, group in zip(tokenizer.encode_batch(texts), groups, strict=True)
            for part in thin(ids)
        ]
        found.append(Sample([part for part, _ in slices], [group for _, group in slices]))
    return found


def thin(ids: list[int]) -> list[list[int]]:
    """A document of at most `SLICES` * `SLICE_TOKENS` ids as it is; of a longer one, so many slices at even distances.

    Web corpora hold a few documents as long as books. Left whole, one of them, or one copy of it, would decide a
    verdict on a million tokens; n-grams lose nothing by slices, and each part of a document keeps its share.
    """
    if len(ids) <= SLICES * SLICE_TOKENS:
        return [ids]
    last = len(ids) - SLICE_TOKENS
    starts = [last * number // (SLICES - 1) for number in range(SLICES)]
    return [ids[start : start + SLICE_TOKENS] for start in starts]


def ngram_entropy(tokens: TokenFile, heldout: TokenFile, vocab_size: int, order: int) -> float:
    """Nats a token of held-out text under n-grams of an order: what a model that learnt anything more must beat."""
    model = train_ngrams(tokens.documents(), vocab_size, order)
    nats = model.nats(heldout.documents())
    return float(sum(part.sum() for part in nats) / sum(len(part) for part in nats))


@dataclass(frozen=True)
class Run:
    """A GPT-2 trained on a corpus with a seed."""

    corpus: str
    seed: int
    split: Split
    trained: Trained
    folder: Path


def gpt_runs(
    corpora: Sequence[Corpus], tier: Tier, tokenizer: Tokenizer, config: TrainConfig, folder: Path, world: World
) -> list[Run]:
    """Train on each corpus with each seed, the same tokens, order of steps and initial weights for all."""
    runs = []
    for seed in range(tier.seeds):
        splits = _splits(corpora, tier, tokenizer, folder / f"seed{seed}", seed, world)
        for corpus, split in zip(corpora, splits, strict=True):
            LOGGER.info("GPT-2 on %s, seed %d", corpus.name, seed)
            output = folder / f"seed{seed}" / _slug(corpus.name) / "run"
            shape = replace(size(tier.size), vocab_size=tokenizer.vocab_size)
            trained = train(shape, replace(config, seed=seed), split, output)
            runs.append(Run(corpus.name, seed, split, trained, output))
    return runs


def _splits(
    corpora: Sequence[Corpus], tier: Tier, tokenizer: Tokenizer, folder: Path, seed: int, world: World
) -> list[Split]:
    """Token files of all corpora, limited to as many tokens as the smallest has; the first process writes them."""
    pairs = []
    for corpus in corpora:
        place = folder / _slug(corpus.name)
        if world.is_first:
            source = f"{corpus.fingerprint()} {seed}"
            encode_texts(corpus.train(seed), tokenizer, place / "train", source=source, max_tokens=tier.tokens)
            texts = iter(take(corpus.heldout(), tier.panel_bytes))
            encode_texts(texts, tokenizer, place / "heldout", source=f"{source} {tier.panel_bytes}")
        pairs.append((TokenFile(place / "train"), TokenFile(place / "heldout")))
    world.wait()
    limit = min(tier.tokens, *(len(tokens.ids) for tokens, _ in pairs))
    return [Split(replace(tokens, limit=limit), heldout, tokenizer) for tokens, heldout in pairs]


def _slug(name: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in name.lower())


def gpt_bits(runs: Sequence[Run], panels: Sequence[Panel], tokenizer: Tokenizer) -> dict[str, list[Floats]]:
    """Bits by GPT-2 runs: for each corpus, and each panel, (1 + seeds, documents), the first row being their mean."""
    by_corpus: Mapping[str, list[GPT]] = {
        name: [run.trained.model for run in runs if run.corpus == name]
        for name in dict.fromkeys(r.corpus for r in runs)
    }
    found = {}
    for name, models in by_corpus.items():
        rows = [np.stack([document_bits(model, tokenizer, panel.texts) for model in models]) for panel in panels]
        found[name] = [np.concatenate((row.mean(axis=0, keepdims=True), row)) for row in rows]
    return found


def unseen_loss(model: GPT, tokenizer: Tokenizer, heldout: TokenFile) -> float:
    """Nats a token of held-out documents, each read after end of text."""
    nats = token_nats(model, heldout.documents(), tokenizer.end_of_text)
    return float(sum(part.sum() for part in nats) / sum(len(part) for part in nats))
