"""All that the paper measures of a trained model, on the files that the user has, in one table.

A result is named after its set. The name chooses the protocol: a language-modelling set, LAMBADA, the Children's Book
Test, Winograd, a generative task, `heldout` for a corpus; any other name is a multiple-choice set.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.gpt2.corpora import Corpus, take
from model.gpt2.network import GPT
from model.gpt2.tokenizer import Tokenizer
from model.scores.generative_tasks import (
    Complete,
    answer_f1,
    answer_in_conversation,
    answer_question,
    bleu,
    completer,
    exact_match,
    rouge,
    summarize,
    translate,
)
from model.scores.lambada import PROTOCOLS, score_lambada
from model.scores.language_modeling import SETS, score_set
from model.scores.likelihood import document_bits
from model.scores.tasks import by_overlap, read_cbt, read_conversations, read_items, read_lines, score_choices
from webtext.errors import UsageError

_HELDOUT_BYTES = 20_000_000  # a fixed budget, so that figures of one corpus compare
EXAMPLES = 5  # pairs that a translation or a question comes after


@dataclass(frozen=True)
class Settings:
    """How sets are scored; all of it is part of a result."""

    stride: int = 0
    """Of rolling windows, in tokens; 0 is disjoint windows."""
    limit: int = 0
    """Items of each task; 0 is all."""
    dirty: Mapping[str, Sequence[int]] | None = None
    """By task, positions of items that overlap with the training set."""


@dataclass(frozen=True)
class Scored:
    """The figures of a set by name, and the details that make them comparable."""

    figures: dict[str, float]
    details: dict[str, Any]


def evaluate_set(model: GPT, tokenizer: Tokenizer, name: str, path: Path, settings: Settings) -> Scored:
    """Score one set. Raises UsageError where the file cannot be read as that set."""
    if not path.exists():
        raise UsageError(f"{path} does not exist: name the file of {name}")
    if name in SETS:
        found = score_set(model, tokenizer, name, path.read_text("utf-8"), stride=settings.stride)
        return Scored({found.name: found.value}, asdict(found))
    if name == "heldout":
        return _heldout(model, tokenizer, path)
    if name in GENERATIVE:
        items = read_conversations(path) if name == "coqa" else read_lines(path)
        return GENERATIVE[name](completer(model, tokenizer), items[: settings.limit or None])
    return _choices(model, tokenizer, name, path, settings)


def _heldout(model: GPT, tokenizer: Tokenizer, path: Path) -> Scored:
    texts = take(Corpus("", path).heldout(), _HELDOUT_BYTES)
    n_bytes = sum(len(text.encode()) for text in texts)
    if n_bytes == 0:
        raise UsageError(f"{path} has no held-out text")
    value = float(document_bits(model, tokenizer, texts).sum()) / n_bytes
    return Scored({"heldout_bits_per_byte": value}, {"documents": len(texts), "bytes": n_bytes})


def _choices(model: GPT, tokenizer: Tokenizer, name: str, path: Path, settings: Settings) -> Scored:
    """LAMBADA by each protocol, the Children's Book Test, Winograd fully and partly, or plain multiple choice."""
    items = (read_cbt(path) if name.startswith("cbt") else read_items(path))[: settings.limit or None]
    dirty = (settings.dirty or {}).get(name, ())
    if name == "lambada":
        results = {protocol: score_lambada(model, tokenizer, items, protocol) for protocol in PROTOCOLS}
        figures = {"lambada_perplexity": results["last_bpe"].perplexity}
        figures["lambada_accuracy"] = results["stopword"].accuracy.percent
        figures |= {f"lambada_accuracy_{key}": found.accuracy.percent for key, found in results.items()}
        figures["lambada_word_perplexity"] = results["word"].perplexity
        parts = {key: by_overlap(found.right, dirty) for key, found in results.items()}
    else:
        scores = score_choices(model, tokenizer, items, full=name == "winograd")
        parts = {key: by_overlap(scores.right(key), dirty) for key in scores.picks}
        figures = {f"{name}_{_CALLED.get((name, key), key)}": part["all"].percent for key, part in parts.items()}
        if name.startswith("cbt"):
            figures[f"{name}_accuracy"] = parts["acc"]["all"].percent
        gold = scores.gold_bits_per_byte
        figures[f"{name}_gold_bits_per_byte"] = sum(gold) / len(gold)
    details = {key: {part: asdict(value) for part, value in by_part.items()} for key, by_part in parts.items()}
    return Scored(figures, {"items": len(items), "accuracies": details})


_CALLED = {("winograd", "acc"): "partial_accuracy", ("winograd", "full"): "full_accuracy"}
Items = Sequence[Mapping[str, Any]]


def _coqa(complete: Complete, items: Items) -> Scored:
    """Lines with `story`, `history` (pairs), `question`, `answers`."""
    scores = [
        answer_f1(answer_in_conversation(complete, item["story"], item["history"], item["question"]), item["answers"])
        for item in items
    ]
    return Scored({"coqa_f1": 100.0 * _mean(scores)}, {"items": len(items)})


def _summaries(complete: Complete, items: Items) -> Scored:
    """Lines with `article`, `summary`."""
    scores = [
        rouge(summarize(complete, item["article"], seed=number), item["summary"]) for number, item in enumerate(items)
    ]
    figures = {f"cnn_dm_{key}": 100.0 * _mean([score[key] for score in scores]) for key in scores[0]}
    return Scored(figures, {"items": len(items)})


def _translations(name: str) -> Callable[[Complete, Items], Scored]:
    """Lines with `source`, `target`; the first ones are the examples."""

    def score(complete: Complete, items: Items) -> Scored:
        pairs = [(item["source"], item["target"]) for item in items]
        examples, rest = pairs[:EXAMPLES], pairs[EXAMPLES:]
        made = [translate(complete, examples, source) for source, _ in rest]
        return Scored({f"{name}_bleu": bleu(made, [target for _, target in rest])}, {"items": len(rest)})

    return score


def _questions(complete: Complete, items: Items) -> Scored:
    """Lines with `question`, `answers`; the first ones are the examples."""
    examples = [(item["question"], item["answers"][0]) for item in items[:EXAMPLES]]
    rest = items[EXAMPLES:]
    right = [exact_match(answer_question(complete, examples, item["question"]), item["answers"]) for item in rest]
    return Scored({"natural_questions_accuracy": 100.0 * _mean(right)}, {"items": len(rest)})


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise UsageError("the file has too few items to score")
    return sum(values) / len(values)


GENERATIVE: dict[str, Callable[[Complete, Items], Scored]] = {
    "coqa": _coqa,
    "cnn_dm": _summaries,
    "wmt14_en_fr": _translations("wmt14_en_fr"),
    "wmt14_fr_en": _translations("wmt14_fr_en"),
    "natural_questions": _questions,
}
