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
    Completer,
    answer_in_conversation,
    answer_question,
    bleu,
    conversation_f1,
    exact_match,
    lead,
    most_confident,
    question_prompt,
    random_sentences,
    rouge,
    summarize,
    translate,
)
from model.scores.lambada import PROTOCOLS, mean_perplexity, score_lambada
from model.scores.language_modeling import SETS, score_set
from model.scores.likelihood import document_bits
from model.scores.tasks import (
    by_overlap,
    check_dirty,
    clean_and_dirty,
    read_cbt,
    read_conversations,
    read_items,
    read_rows,
    score_choices,
)
from webtext.errors import UsageError
from webtext.foreign import field, read_bytes, text_of, texts
from webtext.items import Choice

_HELDOUT_BYTES = 20_000_000  # a fixed budget, so that figures of one corpus compare
EXAMPLES = 5  # pairs that a translation or a question comes after
_SUREST = (1, 5, 10, 25, 50)  # per cent of the questions, the surest first: section 3.8 quotes 1 %


@dataclass(frozen=True)
class Settings:
    """How sets are scored; all of it is part of a result."""

    stride: int = 0
    """The step between rolling windows, in tokens; 0 is disjoint windows."""
    limit: int = 0
    """Items of each task; 0 is all."""
    dirty: Mapping[str, Sequence[int]] | None = None
    """The positions, by task, of items that overlap with the training set."""


@dataclass(frozen=True)
class Scored:
    """The figures of a set by name, and the details that make them comparable."""

    figures: dict[str, float]
    details: dict[str, Any]


def evaluate_set(model: GPT, tokenizer: Tokenizer, name: str, path: Path, settings: Settings) -> Scored:
    """Score one set. Raises UsageError where the file cannot be read as that set."""
    if not path.exists():
        raise UsageError(f"{path} does not exist: name the file of {name}")
    if not 0 <= settings.stride <= model.config.block_size:
        raise UsageError(f"--stride {settings.stride} is not between 1 and {model.config.block_size}, the context")
    if name in SETS:
        found = score_set(model, tokenizer, name, text_of(read_bytes(path), str(path)), stride=settings.stride)
        return Scored({found.name: found.value}, asdict(found))
    if name == "heldout":
        return _heldout(model, tokenizer, path)
    if name in GENERATIVE:
        items, complete = _READ[name](path)[: settings.limit or None], Completer(model, tokenizer)
        scored = GENERATIVE[name](complete, items)
        return Scored(scored.figures, scored.details | {"cut": complete.cut})
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
    read = read_cbt(path) if name.startswith("cbt") else read_items(path)
    dirty, items = (settings.dirty or {}).get(name, ()), read[: settings.limit or None]
    check_dirty(dirty, len(read))
    if name == "lambada":
        return _lambada(model, tokenizer, items, dirty)
    scores = score_choices(model, tokenizer, items, full=name == "winograd")
    parts = {key: by_overlap(scores.right(key), dirty) for key in scores.picks}
    figures = {f"{name}_{_CALLED.get((name, key), key)}": part["all"].percent for key, part in parts.items()}
    if name.startswith("cbt"):
        figures[f"{name}_accuracy"] = parts["acc"]["all"].percent
    gold = scores.gold_bits_per_byte
    figures[f"{name}_gold_bits_per_byte"] = sum(gold) / len(gold)
    details = {key: {part: asdict(value) for part, value in by_part.items()} for key, by_part in parts.items()}
    return Scored(figures, {"items": len(items), "cut": scores.cut, "accuracies": details})


def _lambada(model: GPT, tokenizer: Tokenizer, items: Sequence[Choice], dirty: Sequence[int]) -> Scored:
    results = {protocol: score_lambada(model, tokenizer, items, protocol) for protocol in PROTOCOLS}
    figures = {"lambada_perplexity": results["last_bpe"].perplexity}
    figures["lambada_accuracy"] = results["stopword"].accuracy.percent
    figures |= {f"lambada_accuracy_{key}": found.accuracy.percent for key, found in results.items()}
    figures["lambada_word_perplexity"] = results["word"].perplexity
    accuracies = {key: by_overlap(found.right, dirty) for key, found in results.items()}
    details = {key: {part: asdict(value) for part, value in by_part.items()} for key, by_part in accuracies.items()}
    perplexities = {
        key: {part: mean_perplexity(nats) for part, nats in clean_and_dirty(found.nats, dirty).items()}
        for key, found in results.items()
    }
    cut = results["word"].cut
    return Scored(figures, {"items": len(items), "cut": cut, "accuracies": details, "perplexities": perplexities})


_CALLED = {("winograd", "acc"): "partial_accuracy", ("winograd", "full"): "full_accuracy"}
Items = Sequence[Mapping[str, Any]]


def _coqa(complete: Completer, items: Items) -> Scored:
    """Lines with `story`, `history` (pairs), `question`, `answers`."""
    scores = [
        conversation_f1(
            answer_in_conversation(complete, item["story"], item["history"], item["question"]), item["answers"]
        )
        for item in items
    ]
    return Scored({"coqa_f1": 100.0 * _mean(scores)}, {"items": len(items)})


def _summaries(complete: Completer, items: Items) -> Scored:
    """Lines with `article`, `summary`; beside the paper's prompt its three controls (Table 4)."""
    figures: dict[str, float] = {}
    made: dict[str, Callable[[int, str], str]] = {
        "cnn_dm": lambda number, article: summarize(complete, article, seed=number),
        "cnn_dm_no_hint": lambda number, article: summarize(complete, article, hint=False, seed=number),
        "cnn_dm_lead_3": lambda _, article: lead(article),
        "cnn_dm_random_3": lambda _, article: random_sentences(article),
    }
    for name, make in made.items():
        scores = [rouge(make(number, item["article"]), item["summary"]) for number, item in enumerate(items)]
        own = {key: 100.0 * _mean([score[key] for score in scores]) for key in ("rouge_1", "rouge_2", "rouge_l")}
        figures |= {f"{name}_{key}": value for key, value in own.items()}
        figures[f"{name}_rouge_average"] = _mean(list(own.values()))
    return Scored(figures, {"items": len(items)})


def _translations(name: str) -> Callable[[Completer, Items], Scored]:
    """Lines with `source`, `target`; the first ones are the examples."""

    def score(complete: Completer, items: Items) -> Scored:
        pairs = [(item["source"], item["target"]) for item in items]
        examples, rest = pairs[:EXAMPLES], pairs[EXAMPLES:]
        made = [translate(complete, examples, source) for source, _ in rest]
        return Scored({f"{name}_bleu": bleu(made, [target for _, target in rest])}, {"items": len(rest)})

    return score


def _questions(complete: Completer, items: Items) -> Scored:
    """Lines with `question`, `answers`; the first ones are the examples."""
    examples = [(item["question"], item["answers"][0]) for item in items[:EXAMPLES]]
    rest = items[EXAMPLES:]
    answers = [answer_question(complete, examples, item["question"]) for item in rest]
    right = [exact_match(answer, item["answers"]) for answer, item in zip(answers, rest, strict=True)]
    accuracy = 100.0 * _mean(right)
    sure = [
        -complete.nats(question_prompt(examples, item["question"]), answer)
        for answer, item in zip(answers, rest, strict=True)
    ]
    surest = {share: 100.0 * most_confident(sure, right, share / 100.0) for share in _SUREST}
    figures = {"natural_questions_accuracy": accuracy, "natural_questions_accuracy_of_surest_1": surest[1]}
    return Scored(figures, {"items": len(rest), "accuracy_of_surest_percent": surest})


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise UsageError("the file has too few items to score")
    return sum(values) / len(values)


GENERATIVE: dict[str, Callable[[Completer, Items], Scored]] = {
    "coqa": _coqa,
    "cnn_dm": _summaries,
    "wmt14_en_fr": _translations("wmt14_en_fr"),
    "wmt14_fr_en": _translations("wmt14_fr_en"),
    "natural_questions": _questions,
}


def _reader(names: Sequence[str], lists: Sequence[str] = ()) -> Callable[[Path], list[dict[str, Any]]]:
    """Read JSON lines with fields of text, and fields that are lists of texts."""

    def read(path: Path) -> list[dict[str, Any]]:
        rows = read_rows(path)
        return [
            {name: field(where, row, name) for name in names} | {name: texts(where, row, name) for name in lists}
            for where, row in rows
        ]

    return read


_READ: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    "coqa": read_conversations,
    "cnn_dm": _reader(["article", "summary"]),
    "wmt14_en_fr": _reader(["source", "target"]),
    "wmt14_fr_en": _reader(["source", "target"]),
    "natural_questions": _reader(["question"], ["answers"]),
}
