"""Is a corpus any good: better than another, worse, or cannot tell.

The protocol is DESIGN's: no corpus is judged on a held-out set of its own. The same model learns as many tokens from
each, all are scored on the same texts, and a verdict comes with its error bar (model/verdict/compare.py). The positive
control is built in: `damaged` compares a corpus with copies of itself that are known to be worse.
"""

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from model.gpt2.corpora import Corpus, take
from model.gpt2.damage import DAMAGES, shuffle_paragraphs
from model.gpt2.device import join_world
from model.gpt2.generate import Sampling, write
from model.gpt2.optimizers import Schedule
from model.gpt2.progress import read_log
from model.gpt2.tokenizer import Tokenizer, gpt2_tokenizer, train_tokenizer
from model.gpt2.train import TrainConfig
from model.scores.likelihood import bits_per_byte, document_bits
from model.verdict.compare import WORSE, Comparison, PanelScores, compare
from model.verdict.efficiency import Efficiency, efficiency
from model.verdict.judge import (
    NgramJudge,
    Panel,
    Run,
    Scores,
    gpt_bits,
    gpt_runs,
    gpt_scores,
    model_of,
    ngram_entropy,
    ngram_judges,
    unseen_loss,
)
from model.verdict.memorization import Recital, fitting, overlap_with, overlaps, recite
from model.verdict.order import Bits, OrderProbe, preferred
from model.verdict.question import Question, own_panel
from model.verdict.tiers import Tier
from webtext.local import write_whole

LOGGER = logging.getLogger(__name__)
VERDICT_FILE, SAMPLES_FILE, LOG_FILE = "verdict.json", "samples.txt", "log.jsonl"
_EVALUATIONS = 10  # how often a run measures its held-out loss
# Each evaluation reads this part of a run's tokens: a tenth of the cost of training at most.
_EVALUATED_SHARE, _LEAST_EVALUATED = 50, 1 << 14
_TOKENIZER_BYTES = 20_000_000  # the amount of each corpus that a trained tokenizer sees
_BESIDE_BYTES = 50_000  # What the GPT-2 beside the n-gram model scores of each text set: its figures do not count.
_OVERLAP_BYTES = 5_000_000  # the amount of training text in which recitation is looked for
_SAMPLES, _PROMPT_WORDS, _SAMPLE_TOKENS = 5, 20, 100
_RECITAL = Recital(samples=100)
_GOES_ON = " >>>"  # between a prompt and what the model wrote


@dataclass(frozen=True)
class Check:
    """Something that must hold if training on the corpus works at all."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Verdict:
    """The answer, and everything it rests on; the same for the same corpora and software."""

    tier: Tier
    judge: str
    comparisons: dict[str, Comparison]
    efficiencies: dict[str, Efficiency]
    """What a token of each other corpus is worth in tokens of the corpus, where its judge measured a curve."""
    order: OrderProbe | None
    checks: tuple[Check, ...]
    training: dict[str, Any]
    memorization: dict[str, Any]

    @property
    def is_good(self) -> bool:
        """Every check passed, and no damaged copy came out better than the corpus.

        A small corpus may not be told from a damaged copy; the report says so, and that is no fault of the corpus.
        """
        damaged = [found.verdict for name, found in self.comparisons.items() if name in DAMAGES]
        return all(check.passed for check in self.checks) and WORSE not in damaged


def validate(question: Question, tier: Tier, output: Path, device: str = "auto") -> Verdict | None:
    """Judge a corpus; write verdict.json, samples.txt and log.jsonl into `output`.

    Under torchrun all processes call this, and all but the first return None. A run that was killed goes on where its
    GPT-2 was.
    """
    with join_world() as world:
        corpora, panels = question.corpora(), question.panels(tier.panel_bytes)
        output.mkdir(parents=True, exist_ok=True)
        is_counted = tier.judge == "ngram" and world.is_first
        judges = ngram_judges(corpora, tier, gpt2_tokenizer()) if is_counted else {}
        tokenizer = _tokenizer(corpora, tier)
        config = _train_config(tier, tier.schedule(), device)
        trained = corpora[: tier.trained] if tier.trained else corpora
        runs = gpt_runs(trained, tier, tokenizer, config, output / "runs", world)
        return _judge(question, tier, panels, judges, runs, output) if world.is_first else None


def _train_config(tier: Tier, schedule: Schedule, device: str) -> TrainConfig:
    often = max(1, schedule.steps // _EVALUATIONS)
    return TrainConfig(
        schedule=schedule,
        tokens_per_step=tier.tokens_per_step,
        optimizer=tier.optimizer,
        device=device,
        evaluate_every=often,
        evaluate_tokens=min(TrainConfig.evaluate_tokens, max(_LEAST_EVALUATED, tier.tokens // _EVALUATED_SHARE)),
        checkpoint_every=often,
        keep=1,
    )


def _tokenizer(corpora: Sequence[Corpus], tier: Tier) -> Tokenizer:
    """GPT-2's, or one trained on as many bytes of each corpus compared (a damaged copy has the words of its original).

    One tokenizer for all, or figures could not be compared.
    """
    if tier.vocab_size == 0:
        return gpt2_tokenizer()
    texts = [take(corpus.train(), _TOKENIZER_BYTES) for corpus in corpora if corpus.damage is None]
    least = min(sum(len(text.encode()) for text in part) for part in texts)
    return train_tokenizer((text for part in texts for text in take(iter(part), least)), tier.vocab_size)


def _judge(
    question: Question,
    tier: Tier,
    panels: Sequence[Panel],
    judges: Mapping[str, NgramJudge],
    runs: Sequence[Run],
    output: Path,
) -> Verdict:
    corpora, tokenizer = question.corpora(), runs[0].split.tokenizer
    scored, scores = panels, {other: judge.score(panels) for other, judge in judges.items()}
    if scores:
        scored = [panel.part(_BESIDE_BYTES) for panel in panels]
        beside = gpt_bits(runs, scored, tokenizer)
    else:
        found = gpt_scores(runs, panels, tier, tokenizer)
        scores = {other.name: found for other in corpora[1:]}
        beside = {name: at[-1] for name, at in found.bits.items()}
    tokens = min(len(run.split.train.ids) for run in runs)
    pairs = {other: _pair(panels, found, corpora[0].name, other) for other, found in scores.items()}
    jackknife = bool(judges)
    comparisons = {name: compare(at[-1], jackknife=jackknife, on=question.on) for name, at in pairs.items()}
    checks, figures = _checks(runs[0], tier)
    training: dict[str, Any] = {
        "judge_tokens": min(int(found.tokens[-1, 0]) for found in scores.values()) if judges else tokens,
        "tokens": tokens,
        "tokens_read": tier.tokens,
        "vocab_size": tokenizer.vocab_size,
        "gpt2_bits_per_byte": {name: _bits_per_byte(scored, rows) for name, rows in beside.items()},
    }
    order = _order(corpora[0], own_panel(panels), tier, runs)
    memorization = _memorization(runs[0], corpora[0], panels, tier)
    verdict = Verdict(
        tier,
        tier.judge_name,
        comparisons,
        _worth(scores, pairs, jackknife=jackknife),
        order,
        checks,
        training | figures,
        memorization,
    )
    _write(verdict, runs, _samples(runs[0], own_panel(panels), tokenizer), output)
    return verdict


def _write(verdict: Verdict, runs: Sequence[Run], samples: Sequence[str], output: Path) -> None:
    write_whole(output / SAMPLES_FILE, "\n\n--------\n\n".join(samples) + "\n")
    write_whole(output / LOG_FILE, "".join(json.dumps(line) + "\n" for line in _logs(runs)))
    write_whole(output / VERDICT_FILE, json.dumps(verdict_json(verdict), indent=1, ensure_ascii=False) + "\n")


def _pair(panels: Sequence[Panel], scores: Scores, corpus: str, other: str) -> list[list[PanelScores]]:
    """The text sets scored by the models of two corpora, for each budget."""
    return [
        [
            PanelScores(panel.name, panel.decides, panel.n_bytes(), a, b)
            for panel, a, b in zip(panels, of_corpus, of_other, strict=True)
        ]
        for of_corpus, of_other in zip(scores.bits[corpus], scores.bits[other], strict=True)
    ]


def _worth(
    scores: Mapping[str, Scores], pairs: Mapping[str, Sequence[Sequence[PanelScores]]], *, jackknife: bool
) -> dict[str, Efficiency]:
    """The data-efficiency ratio of each other corpus, on the text that decides, or on all where none does."""
    found = {}
    for name, budgets in pairs.items():
        deciding = [[panel for panel in at if panel.decides] or list(at) for at in budgets]
        worth = efficiency(scores[name].tokens, deciding, jackknife=jackknife)
        if worth is not None:
            found[name] = worth
    return found


def _bits_per_byte(panels: Sequence[Panel], rows: Sequence[Any]) -> dict[str, float]:
    pairs = zip(panels, rows, strict=True)
    return {panel.name: float(bits[0].sum() / panel.n_bytes().sum()) for panel, bits in pairs}


def _order(corpus: Corpus, own: Panel, tier: Tier, runs: Sequence[Run]) -> OrderProbe | None:
    """Ask the judge of the corpus, and the one of a copy with shuffled paragraphs, for the order of held-out pages."""
    if tier.judge == "gpt2":
        found = preferred(own.texts, lambda texts: document_bits(runs[0].trained.model, runs[0].split.tokenizer, texts))
        return None if found is None else OrderProbe(found.items, found, None)
    whole, shuffled = (
        preferred(own.texts, _ngram_bits(replace(corpus, damage=damage), tier)) for damage in (None, shuffle_paragraphs)
    )
    return None if whole is None else OrderProbe(whole.items, whole, shuffled)


def _ngram_bits(corpus: Corpus, tier: Tier) -> Bits:
    tokenizer = gpt2_tokenizer()
    model = model_of(corpus, tier, tokenizer)
    return lambda texts: np.array([nats.sum() for nats in model.nats(tokenizer.encode_batch(list(texts)))])


def _checks(run: Run, tier: Tier) -> tuple[tuple[Check, ...], dict[str, float]]:
    """What training must show: it starts at ln V, ends below unigram entropy on unseen text, and stays a number."""
    log, vocab_size = read_log(run.folder), run.split.tokenizer.vocab_size
    assert run.split.heldout is not None
    heldout, limit = run.split.heldout, math.log(vocab_size)
    end = unseen_loss(run.trained.model, run.split.tokenizer, heldout)
    figures = {"first_loss": log[0]["loss"], "last_loss": log[-1]["loss"], "heldout_loss": end}
    figures["heldout_bits_per_byte"] = _heldout_bits(run, end)
    checks = [
        Check("starts at ln V", abs(log[0]["loss"] - limit) < 0.2, f"{log[0]['loss']:.3f} nats, ln V = {limit:.3f}"),
        Check("every loss is a number", all(math.isfinite(record["loss"]) for record in log), f"{len(log)} steps"),
    ]
    if tier.judge == "ngram":
        entropies = {order: ngram_entropy(run.split.train, heldout, vocab_size, order) for order in (1, 2, 5)}
        figures |= {"unigram_entropy": entropies[1], "bigram_entropy": entropies[2], "fivegram_entropy": entropies[5]}
        bits = {order: _heldout_bits(run, nats) for order, nats in entropies.items()}
        figures |= {"unigram_bits": bits[1], "bigram_bits": bits[2], "fivegram_bits": bits[5]}
        detail = f"{end:.3f} nats a held-out token, unigrams of the same text {entropies[1]:.3f}"
        checks.append(Check("beats unigrams on unseen text", end < entropies[1], detail))
    return tuple(checks), figures


def _heldout_bits(run: Run, nats_a_token: float) -> float:
    assert run.split.heldout is not None
    about = run.split.heldout.about
    tokens = int(about["tokens"]) - int(about["documents"])
    return bits_per_byte(nats_a_token * tokens, int(about["bytes"]))


def _samples(run: Run, panel: Panel, tokenizer: Tokenizer) -> list[str]:
    """Text of the first model: the first words of held-out documents, and how it goes on."""
    found = []
    for number, text in enumerate(panel.texts[:_SAMPLES]):
        prompt = " ".join(text.split()[:_PROMPT_WORDS])
        sampling = Sampling(max_tokens=_SAMPLE_TOKENS, seed=number)
        found.append(f"{prompt}{_GOES_ON}{write(run.trained.model, tokenizer, prompt, sampling)}")
    return found


def _logs(runs: Sequence[Run]) -> list[dict[str, Any]]:
    return [{"corpus": run.corpus, "seed": run.seed, **record} for run in runs for record in read_log(run.folder)]


def _memorization(run: Run, corpus: Corpus, panels: Sequence[Panel], tier: Tier) -> dict[str, Any]:
    """8-gram overlap with the training text: of what the model writes, of what really follows, of every text set."""
    overlap = overlap_with(take(corpus.train(), min(_OVERLAP_BYTES, max(tier.tokens, tier.ngram_tokens) * 6)))
    recital, own = fitting(_RECITAL, run.trained.model.config.block_size), own_panel(panels)
    recited = recite(run.trained.model, run.split.tokenizer, own.texts, recital)
    texts = {"samples": recited.written, "what really follows": recited.real, own.name: own.texts}
    return overlaps(texts | {panel.name: panel.texts for panel in panels}, overlap)


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON values."""
    plain = asdict(verdict)
    for name, comparison in verdict.comparisons.items():
        for key, difference in comparison.panels.items():
            plain["comparisons"][name]["panels"][key]["verdict"] = difference.verdict
    return {"good": verdict.is_good, **plain}
