"""The two judges: n-gram models on samples in memory, and GPT-2 runs on disk.

Both give, for each corpus, how many bits each document of each text set takes: first by the model that stands for the
corpus, then by its replicates. All corpora teach the same number of tokens, in every replicate.
"""

import itertools
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.gpt2.branches import train_branches
from model.gpt2.corpora import Corpus, take, thin
from model.gpt2.data import TokenFile, encode_texts
from model.gpt2.device import World
from model.gpt2.network import GPT, size
from model.gpt2.tokenizer import Tokenizer
from model.gpt2.train import Split, TrainConfig, Trained
from model.scores.likelihood import document_bits, token_nats
from model.verdict.tiers import Tier
from webtext.errors import UsageError
from webtext.hashing import hash64
from webtext.ngram_model import NgramModel, count_ngrams, locate, train_ngrams

LOGGER = logging.getLogger(__name__)
Floats = NDArray[np.float64]
_LEAST_KEPT = 0.5  # the least share of a budget's tokens in each replicate: less would hang on a few documents
_READ = 256  # documents tokenised at a time
_BYTES_A_TOKEN = 5  # English has about as many: a sample is sorted in memory by this


@dataclass(frozen=True)
class Panel:
    """A set of texts on which all models are scored."""

    name: str
    decides: bool
    texts: tuple[str, ...]

    def n_bytes(self) -> Floats:
        """UTF-8 bytes of each text."""
        return np.array([len(text.encode()) for text in self.texts], float)

    def part(self, n_bytes: int) -> "Panel":
        """The first texts, up to the one that reaches `n_bytes`."""
        return replace(self, texts=tuple(take(iter(self.texts), n_bytes)))


@dataclass(frozen=True)
class Sample:
    """Documents of a corpus as ids, each with the group of the jackknife it falls into."""

    documents: list[list[int]]
    groups: list[int]

    def upto(self, tokens: int) -> tuple[list[list[int]], list[int]]:
        """The first documents, of which the last is cut so that they have `tokens` ids, with their groups."""
        documents, left = [], tokens
        for ids in self.documents:
            if left <= 0:
                break
            documents.append(ids[:left])
            left -= len(ids)
        return documents, self.groups[: len(documents)]

    def kept(self, group: int) -> NDArray[np.bool_]:
        """For each token, in order, whether its document is outside a group; all are, for one that does not exist."""
        return np.repeat(np.array(self.groups) != group, [len(ids) for ids in self.documents])


@dataclass(frozen=True)
class Scores:
    """What a judge found: bits of each text by the models of each corpus, at one budget or more.

    `bits[corpus][k][panel]` is (1 + R, D), at the budget `tokens[k]` (1 + R,), which ascend; row 0 is the model that
    stands for the corpus, the others are its replicates.
    """

    tokens: Floats
    bits: dict[str, list[list[Floats]]]


class NgramJudge:
    """N-gram models with Kneser-Ney smoothing, of samples of corpora in memory.

    Replicate g lacks the documents of group g in every corpus. A document and its damaged copy are in one group, as
    are two copies of one text, so what corpora share cancels.
    """

    def __init__(self, samples: Mapping[str, Sample], tier: Tier, tokenizer: Tokenizer) -> None:
        """Take samples by the names of their corpora.

        Raises UsageError for a corpus that has too few documents for an error bar.
        """
        self.tier, self.tokenizer, self._samples = tier, tokenizer, samples
        whole = min(tier.ngram_tokens, *(sum(map(len, one.documents)) for one in self._samples.values()))
        halved = [self._budgets(whole >> halving) for halving in range(tier.halvings, -1, -1)]
        self.tokens = np.array([row for row in halved if row.min() >= _LEAST_KEPT * row[0] > 0])
        if not len(self.tokens) or self.tokens[-1, 0] != whole:
            counts = ", ".join(
                f"{name} {len(set(map(tuple, one.documents))):,} different of {len(one.documents):,}"
                for name, one in self._samples.items()
            )
            raise UsageError(f"too few documents for an error bar: {counts}; give at least a few times {tier.groups}")

    def _budgets(self, tokens: int) -> Floats:
        """Tokens that every corpus has among its first `tokens`, in all and in each replicate."""
        parts = [(one, first(one.kept(-1), tokens)) for one in self._samples.values()]
        replicates = range(-1, self.tier.groups)
        return np.array([min(int((one.kept(g) & part).sum()) for one, part in parts) for g in replicates], float)

    def score(self, panels: Sequence[Panel]) -> Scores:
        """Bits of texts by every model."""
        targets = [self.tokenizer.encode_batch(list(panel.texts)) for panel in panels]
        return Scores(self.tokens, {name: self._score(name, targets) for name in self._samples})

    def _score(self, name: str, targets: Sequence[list[list[int]]]) -> list[list[Floats]]:
        sample, found = self._samples[name], []
        LOGGER.info("n-grams: %s, %s tokens, %d replicates", name, f"{self.tokens[-1, 0]:,.0f}", self.tier.groups)
        for budgets in self.tokens:
            documents, groups = sample.upto(int(budgets[0]))
            counted = count_ngrams(documents, self.tokenizer.vocab_size, self.tier.ngram_order)
            located = [locate(counted.keys, self.tokenizer.vocab_size, target) for target in targets]
            rows: list[list[Floats]] = [[] for _ in targets]
            part = Sample(documents, groups)
            for group, tokens in zip(range(-1, self.tier.groups), budgets, strict=True):
                model = counted.model(first(part.kept(group), int(tokens)))
                for own, places in zip(rows, located, strict=True):
                    own.append(np.array([nats.sum() for nats in model.nats_at(places)]) / math.log(2.0))
            found.append([np.stack(own) for own in rows])
        return found


def ngram_judges(corpora: Sequence[Corpus], tier: Tier, tokenizer: Tokenizer) -> dict[str, NgramJudge]:
    """A judge of the first corpus and each other one, by the name of the other.

    Each comparison has budgets of its own. Where several shared the tokens that all of their corpora have in every
    replicate, a replicate lacked more than its group, another part for each corpus, and intervals of realweb's copies
    were up to 1.6 times as wide. Raises UsageError as `NgramJudge` does.
    """
    (name, whole), *others = zip([one.name for one in corpora], _samples(corpora, tier, tokenizer), strict=True)
    return {other: NgramJudge({name: whole, other: sample}, tier, tokenizer) for other, sample in others}


def first(kept: NDArray[np.bool_], tokens: int) -> NDArray[np.bool_]:
    """The first `tokens` of the tokens that are kept."""
    return kept & (np.cumsum(kept) <= tokens)


def _samples(corpora: Sequence[Corpus], tier: Tier, tokenizer: Tokenizer) -> list[Sample]:
    """The first documents of each corpus by hash, up to the tier's tokens after thinning."""
    found = []
    originals: dict[Path, list[str]] = {}
    for corpus in corpora:
        if corpus.path not in originals:
            originals[corpus.path] = _enough(replace(corpus, damage=None), tier, tokenizer)
        texts = originals[corpus.path]
        groups = [hash64(text.encode(), salt=b"group") % tier.groups for text in texts]
        if corpus.damage is not None:
            texts = list(corpus.damage(iter(texts)))
            known: dict[str, int] = {}
            groups = [known.setdefault(text, group) for text, group in zip(texts, groups, strict=True)]
        found.append(Sample(tokenizer.encode_batch([thin(text) for text in texts]), groups))
    return found


def _enough(corpus: Corpus, tier: Tier, tokenizer: Tokenizer) -> list[str]:
    taken: list[str] = []
    tokens, texts = 0, corpus.train()
    while tokens < tier.ngram_tokens and (batch := list(itertools.islice(texts, _READ))):
        taken += batch
        tokens += sum(map(len, tokenizer.encode_batch([thin(text) for text in batch])))
    return taken


def model_of(corpus: Corpus, tier: Tier, tokenizer: Tokenizer) -> NgramModel:
    """The n-gram model of a corpus alone, of as many tokens as the tier gives."""
    (sample,) = _samples([corpus], tier, tokenizer)
    documents, _ = sample.upto(tier.ngram_tokens)
    return train_ngrams(documents, tokenizer.vocab_size, tier.ngram_order)


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
    models: tuple[GPT, ...]
    """At each of the tier's lengths; the last is that of `trained`."""


def gpt_runs(
    corpora: Sequence[Corpus], tier: Tier, tokenizer: Tokenizer, config: TrainConfig, folder: Path, world: World
) -> list[Run]:
    """Train on each corpus with each seed, the same tokens, order of steps and initial weights for all.

    The longest run takes the steps of `config`; where the tier has shorter ones, they are branches of it.
    """
    runs = []
    for seed in range(tier.seeds):
        splits = _splits(corpora, tier, tokenizer, folder / f"seed{seed}", seed, world)
        for corpus, split in zip(corpora, splits, strict=True):
            LOGGER.info("GPT-2 on %s, seed %d", corpus.name, seed)
            output = folder / f"seed{seed}" / _slug(corpus.name) / "run"
            shape = replace(size(tier.size), vocab_size=tokenizer.vocab_size)
            lengths = (*tier.lengths()[:-1], config.schedule.steps)
            trained = list(train_branches(shape, replace(config, seed=seed), split, output, lengths, world))
            models = tuple(one.model for one in trained)
            runs.append(Run(corpus.name, seed, split, trained[-1], output, models))
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
            texts = corpus.train(seed, tier.tokens * _BYTES_A_TOKEN)
            texts = map(thin, texts) if tier.judge == "ngram" else texts
            encode_texts(texts, tokenizer, place / "train", source=source, max_tokens=tier.tokens)
            heldout = iter(take(map(thin, corpus.heldout()), tier.panel_bytes))
            encode_texts(heldout, tokenizer, place / "heldout", source=f"{source} {tier.panel_bytes}")
        pairs.append((TokenFile(place / "train"), TokenFile(place / "heldout")))
    world.wait()
    limit = min(tier.tokens, *(len(tokens.ids) for tokens, _ in pairs))
    return [Split(replace(tokens, limit=limit), heldout, tokenizer) for tokens, heldout in pairs]


def _slug(name: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in name.lower())


def gpt_scores(runs: Sequence[Run], panels: Sequence[Panel], tier: Tier, tokenizer: Tokenizer) -> Scores:
    """What GPT-2 runs found, as the n-gram judge puts it: at the tokens read by each of the tier's lengths."""
    tokens = np.repeat(np.array(tier.lengths(), float)[:, None] * tier.tokens_per_step, 1 + tier.seeds, axis=1)
    at = [gpt_bits(runs, panels, tokenizer, length) for length in range(len(tokens))]
    return Scores(tokens, {name: [bits[name] for bits in at] for name in at[0]})


def gpt_bits(
    runs: Sequence[Run], panels: Sequence[Panel], tokenizer: Tokenizer, length: int = -1
) -> dict[str, list[Floats]]:
    """Bits by GPT-2 runs: for each corpus, and each panel, (1 + seeds, documents), the first row being their mean."""
    by_corpus: Mapping[str, list[GPT]] = {
        name: [run.models[length] for run in runs if run.corpus == name]
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
