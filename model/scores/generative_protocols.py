"""The tasks that a model answers by writing: what is read, what is asked, and what is measured of the answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from model.gpt2.generate import Sampling
from model.scores.generative_tasks import (
    CONVERSATION,
    GREEDY_SHORT,
    SUMMARY,
    TRANSLATION,
    Completer,
    answer_in_conversation,
    answer_question,
    bleu,
    conversation_f1,
    conversation_prompt,
    exact_match,
    lead,
    most_confident,
    question_prompt,
    random_sentences,
    rouge,
    summarize,
    summary_prompt,
    translate,
    translation_prompt,
)
from model.scores.shots import SEPARATOR, Example
from model.scores.tasks import read_conversations, read_rows
from webtext.foreign import field, texts

Item = Mapping[str, Any]
Figures = Callable[[Sequence[int]], dict[str, float]]
"""The figures of a task over some of its items, given by their places among those that were scored."""

_SUREST = (1, 5, 10, 25, 50)  # per cent of the questions, the surest first: section 3.8 quotes 1 %
_PAIRS = 5  # examples before a translation or a question, where nobody says how many (ours: the paper names no number)


@dataclass(frozen=True)
class Generative:
    """A task: how its file is read, what is asked of an item, and how the answers are measured."""

    read: Callable[[Path], list[dict[str, Any]]]
    item: Callable[[Item], str]
    """The text that makes an item this one and no other."""
    prompt: Callable[[Item], str]
    answer: Callable[[Item], str]
    """What an example shows as its answer, after its prompt and a space."""
    sampling: Sampling
    measure: Callable[[Completer, Sequence[Item], Sequence[str]], Figures]
    """Lets a model answer items, each behind the examples before it."""
    shots: int = 0
    """Examples in the paper's own protocol."""
    separator: str = SEPARATOR

    def example(self, item: Item) -> Example:
        """An item as an example shows it."""
        return Example(f"{self.prompt(item)} {self.answer(item)}", self.item(item))


def mean(values: Sequence[float]) -> float:
    """The mean of the scores of items; there is one item or more."""
    return sum(values) / len(values)


def _conversations(complete: Completer, items: Sequence[Item], before: Sequence[str]) -> Figures:
    """Lines with `story`, `history` (pairs), `question`, `answers`."""
    scores = [
        conversation_f1(answer_in_conversation(complete, examples + _asked_of_story(item)), item["answers"])
        for item, examples in zip(items, before, strict=True)
    ]
    return lambda places: {"coqa_f1": 100.0 * mean([scores[place] for place in places])}


def _asked_of_story(item: Item) -> str:
    return conversation_prompt(item["story"], item["history"], item["question"])


def _summaries(complete: Completer, items: Sequence[Item], before: Sequence[str]) -> Figures:
    """Lines with `article`, `summary`; beside the paper's prompt its three controls (Table 4)."""
    made: dict[str, Callable[[int, str], str]] = {
        "cnn_dm": lambda number, article: summarize(complete, before[number] + summary_prompt(article), number),
        "cnn_dm_no_hint": lambda number, article: summarize(complete, summary_prompt(article, hint=False), number),
        "cnn_dm_lead_3": lambda _, article: lead(article),
        "cnn_dm_random_3": lambda _, article: random_sentences(article),
    }
    scores = {
        name: [rouge(make(number, item["article"]), item["summary"]) for number, item in enumerate(items)]
        for name, make in made.items()
    }
    return lambda places: {
        key: value for name, own in scores.items() for key, value in _rouges(name, [own[place] for place in places])
    }


def _rouges(name: str, scores: Sequence[Mapping[str, float]]) -> list[tuple[str, float]]:
    own = [
        (f"{name}_{key}", 100.0 * mean([score[key] for score in scores])) for key in ("rouge_1", "rouge_2", "rouge_l")
    ]
    return [*own, (f"{name}_rouge_average", mean([value for _, value in own]))]


def _translations(name: str, complete: Completer, items: Sequence[Item], before: Sequence[str]) -> Figures:
    """Lines with `source`, `target`."""
    made = [
        translate(complete, examples + translation_prompt(item["source"]))
        for item, examples in zip(items, before, strict=True)
    ]
    return lambda places: {
        f"{name}_bleu": bleu([made[place] for place in places], [items[place]["target"] for place in places])
    }


def _questions(complete: Completer, items: Sequence[Item], before: Sequence[str]) -> Figures:
    """Lines with `question`, `answers`."""
    asked = [examples + question_prompt(item["question"]) for item, examples in zip(items, before, strict=True)]
    answers = [answer_question(complete, prompt) for prompt in asked]
    right = [exact_match(answer, item["answers"]) for answer, item in zip(answers, items, strict=True)]
    sure = [-complete.nats(prompt, answer) for prompt, answer in zip(asked, answers, strict=True)]

    def figures(places: Sequence[int]) -> dict[str, float]:
        own, known = [sure[place] for place in places], [right[place] for place in places]
        surest = {
            f"natural_questions_accuracy_of_surest_{share}": 100.0 * most_confident(own, known, share / 100.0)
            for share in _SUREST
        }
        return {"natural_questions_accuracy": 100.0 * mean(known), **surest}

    return figures


def _reader(names: Sequence[str], lists: Sequence[str] = ()) -> Callable[[Path], list[dict[str, Any]]]:
    """Read JSON lines with fields of text, and fields that are lists of texts."""

    def read(path: Path) -> list[dict[str, Any]]:
        rows = read_rows(path)
        return [
            {name: field(where, row, name) for name in names} | {name: texts(where, row, name) for name in lists}
            for where, row in rows
        ]

    return read


def _translation(name: str) -> Generative:
    return Generative(
        read=_reader(["source", "target"]),
        item=lambda item: str(item["source"]),
        prompt=lambda item: translation_prompt(item["source"]),
        answer=lambda item: str(item["target"]),
        sampling=TRANSLATION,
        measure=partial(_translations, name),
        shots=_PAIRS,
        separator="\n",
    )


GENERATIVE: dict[str, Generative] = {
    "coqa": Generative(
        read=read_conversations,
        item=lambda item: str(item["story"]),
        prompt=_asked_of_story,
        answer=lambda item: str(item["answers"][0]),
        sampling=CONVERSATION,
        measure=_conversations,
    ),
    "cnn_dm": Generative(
        read=_reader(["article", "summary"]),
        item=lambda item: str(item["article"]),
        prompt=lambda item: summary_prompt(item["article"]),
        answer=lambda item: str(item["summary"]),
        sampling=SUMMARY,
        measure=_summaries,
    ),
    "wmt14_en_fr": _translation("wmt14_en_fr"),
    "wmt14_fr_en": _translation("wmt14_fr_en"),
    "natural_questions": Generative(
        read=_reader(["question"], ["answers"]),
        item=lambda item: str(item["question"]),
        prompt=lambda item: question_prompt(item["question"]),
        answer=lambda item: str(item["answers"][0]),
        sampling=GREEDY_SHORT,
        measure=_questions,
        shots=_PAIRS,
    ),
}
