"""All that the papers measure of a trained model, on the files that the user has: one set, one protocol.

A result is named after its set. The name chooses the protocol: a language-modelling set, LAMBADA, the Children's Book
Test, Winograd, a generative task, `heldout` for a corpus; any other name is a multiple-choice set.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from model.gpt2.corpora import Corpus, take
from model.gpt2.network import GPT
from model.gpt2.tokenizer import Tokenizer
from model.scores.generative_protocols import GENERATIVE, Figures, Generative
from model.scores.generative_tasks import Completer
from model.scores.lambada import PROTOCOLS, WORD_TOKENS, mean_perplexity, score_lambada
from model.scores.language_modeling import SETS, score_set
from model.scores.likelihood import document_bits, encode_pair
from model.scores.shots import Example, Shots
from model.scores.tasks import accuracy, by_overlap, check_dirty, clean_and_dirty, read_cbt, read_items, score_choices
from webtext.errors import UsageError
from webtext.foreign import read_bytes, text_of
from webtext.hashing import hash64
from webtext.items import Choice
from webtext.text import normalize_text

_HELDOUT_BYTES = 20_000_000  # a fixed budget, so that figures of one corpus compare
_BLANK = " ____. ->"  # GPT-3's form of LAMBADA: a blank to fill, then the word (section 3.1.2)
LAMBADAS = ("lambada", "lambada_cloze")
_CALLED = {("winograd", "acc"): "partial_accuracy", ("winograd", "full"): "full_accuracy"}
T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """How sets are scored; all of it is part of a result."""

    stride: int = 0
    """Of rolling windows, in tokens; 0 is disjoint windows."""
    limit: int = 0
    """Items of each task; 0 is all."""
    dirty: Mapping[str, Sequence[int]] | None = None
    """By task, positions of items that overlap with the training set."""
    examples: Mapping[str, Path] | None = None
    """By task, the file of the examples that may stand before an item."""
    shots: int | None = None
    """Examples before each item; None is the paper's own protocol."""


@dataclass(frozen=True)
class Scored:
    """The figures of a set by name, the details that make them comparable, and the figures of its clean and dirty part.

    A part without items is left out, and a set that is no task has no parts.
    """

    figures: dict[str, float]
    details: dict[str, Any]
    parts: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Given:
    """The items of a file that are scored, and which of them are dirty."""

    items: Sequence[Any]
    dirty: Sequence[int]

    def scored(self, figures: Figures, shots: Shots, details: Mapping[str, Any]) -> Scored:
        """What a function of places finds of all, of the clean and of the dirty items."""
        parts = {part: figures(places) for part, places in clean_and_dirty(range(len(self.items)), self.dirty).items()}
        told = {"items": len(self.items), "shots": sum(shots.used) / len(shots.used), **details}
        return Scored(parts["all"], told | {"parts": {part: parts[part] for part in parts if self.dirty}}, parts)


def is_task(name: str) -> bool:
    """Whether a set has items, so that examples can stand before them."""
    return name not in SETS and name != "heldout"


def own_shots(name: str) -> int:
    """The examples in the paper's own protocol."""
    return GENERATIVE[name].shots if name in GENERATIVE else 0


def evaluate_set(model: GPT, tokenizer: Tokenizer, name: str, path: Path, settings: Settings) -> Scored:
    """Score one set. Raises UsageError where the file cannot be read as that set, or brings too few examples."""
    if not path.exists():
        raise UsageError(f"{path} does not exist: name the file of {name}")
    if not 0 <= settings.stride <= model.config.block_size:
        raise UsageError(f"--stride {settings.stride} is not between 1 and {model.config.block_size}, the context")
    if name in SETS:
        found = score_set(model, tokenizer, name, text_of(read_bytes(path), str(path)), stride=settings.stride)
        return Scored({found.name: found.value}, asdict(found), {})
    if name == "heldout":
        return _heldout(model, tokenizer, path)
    if name in GENERATIVE:
        return _generative(Completer(model, tokenizer), name, path, settings)
    return _choices(model, tokenizer, name, path, settings)


def _heldout(model: GPT, tokenizer: Tokenizer, path: Path) -> Scored:
    texts = take(Corpus("", path).heldout(), _HELDOUT_BYTES)
    n_bytes = sum(len(text.encode()) for text in texts)
    if n_bytes == 0:
        raise UsageError(f"{path} has no held-out text")
    value = float(document_bits(model, tokenizer, texts).sum()) / n_bytes
    return Scored({"heldout_bits_per_byte": value}, {"documents": len(texts), "bytes": n_bytes}, {})


def _given(read: Sequence[T], aside: Sequence[int], name: str, settings: Settings) -> Given:
    """The items that are scored: those of the file but what is set aside as examples, up to the limit."""
    dirty = set((settings.dirty or {}).get(name, ()))
    check_dirty(dirty, len(read))
    places = [place for place in range(len(read)) if place not in aside][: settings.limit or None]
    if not places:
        raise UsageError("the file has too few items to score")
    return Given([read[place] for place in places], [at for at, place in enumerate(places) if place in dirty])


def _examples(read: Callable[[Path], Sequence[T]], name: str, settings: Settings, wanted: int) -> Sequence[T]:
    path = (settings.examples or {}).get(name)
    if path is None and wanted:
        raise UsageError(
            f"{wanted} shots take examples: give --examples {name}=FILE, with items of the same form that are not "
            "scored, such as a training split"
        )
    return read(path) if path is not None and wanted else ()


def _generative(complete: Completer, name: str, path: Path, settings: Settings) -> Scored:
    given, shots, before = questions(complete, name, path, settings)
    figures = GENERATIVE[name].measure(complete, given.items, before)
    return given.scored(figures, shots, {"cut": complete.cut})


def questions(complete: Completer, name: str, path: Path, settings: Settings) -> tuple[Given, Shots, list[str]]:
    """The items of a generative task, their examples, and the text that stands before each."""
    task = GENERATIVE[name]
    read = task.read(path)
    wanted = task.shots if settings.shots is None else settings.shots
    aside: Sequence[int] = ()
    if settings.shots is None and name not in (settings.examples or {}):
        aside = _set_aside(task, read)
        examples = [read[place] for place in aside]
    else:
        examples = list(_examples(task.read, name, settings, wanted))
    given = _given(read, aside, name, settings)
    known = [task.item(item) for place, item in enumerate(read) if place not in aside]
    shots = Shots(map(task.example, examples), known, wanted, task.separator)

    def before(item: Any) -> str:
        return shots.before(task.item(item), lambda text: complete.fits(text + task.prompt(item), task.sampling))

    return given, shots, [before(item) for item in given.items]


def _set_aside(task: Generative, read: Sequence[Any]) -> list[int]:
    """Places of the items that serve as examples where no file brings any: the first by hash, with their equals."""
    keys = [normalize_text(task.item(item)) for item in read]
    chosen = set(sorted(set(keys), key=lambda key: hash64(key.encode(), salt=b"aside"))[: task.shots])
    return [place for place, key in enumerate(keys) if key in chosen]


def _choices(model: GPT, tokenizer: Tokenizer, name: str, path: Path, settings: Settings) -> Scored:
    """LAMBADA by each protocol, the Children's Book Test, Winograd fully and partly, or plain multiple choice."""
    given, shots = choices(model, tokenizer, name, path, settings)
    if name in LAMBADAS:
        return _lambada(model, tokenizer, name, given, shots)
    scores = score_choices(model, tokenizer, given.items, full=name == "winograd")
    called = {key: f"{name}_{_CALLED.get((name, key), key)}" for key in scores.picks}
    right = {key: scores.right(key) for key in scores.picks}

    def figures(places: Sequence[int]) -> dict[str, float]:
        found = {called[key]: accuracy([right[key][place] for place in places]).percent for key in called}
        if name.startswith("cbt"):
            found[f"{name}_accuracy"] = found[called["acc"]]
        gold = [scores.gold_bits_per_byte[place] for place in places]
        return found | {f"{name}_gold_bits_per_byte": sum(gold) / len(gold)}

    accuracies = {key: _told_accuracies(right[key], given.dirty) for key in right}
    return given.scored(figures, shots, {"cut": scores.cut, "accuracies": accuracies})


def choices(model: GPT, tokenizer: Tokenizer, name: str, path: Path, settings: Settings) -> tuple[Given, Shots]:
    """The items of a task that is a choice, each behind its examples."""
    read = partial(_read_choices, name)
    everything = read(path)
    given = _given(everything, (), name, settings)
    wanted = settings.shots or 0
    examples = [Example(told(item), told(item)) for item in _examples(read, name, settings, wanted)]
    shots = Shots(examples, map(told, everything), wanted)
    room = model.config.block_size - (WORD_TOKENS if name in LAMBADAS else 0)
    items = [_after_examples(item, shots, lambda pair: _length(tokenizer, pair) <= room) for item in given.items]
    return replace(given, items=items), shots


def _told_accuracies(right: Sequence[bool], dirty: Sequence[int]) -> dict[str, dict[str, Any]]:
    return {part: asdict(value) for part, value in by_overlap(right, dirty).items()}


def _read_choices(name: str, path: Path) -> list[Choice]:
    items = read_cbt(path) if name.startswith("cbt") else read_items(path)
    if name != "lambada_cloze":
        return items
    return [Choice(tuple((f"{context}{_BLANK}", word) for context, word in item.options), item.gold) for item in items]


def told(item: Choice) -> str:
    """An item with its right answer, as an example shows it."""
    return "".join(item.options[item.gold])


def _after_examples(item: Choice, shots: Shots, fits: Callable[[tuple[str, str]], bool]) -> Choice:
    def behind(text: str) -> Choice:
        return Choice(tuple((f"{text}{context}", ending) for context, ending in item.options), item.gold)

    return behind(shots.before(told(item), lambda text: all(map(fits, behind(text).options))))


def _length(tokenizer: Tokenizer, pair: tuple[str, str]) -> int:
    return sum(map(len, encode_pair(tokenizer, *pair)))


def _lambada(model: GPT, tokenizer: Tokenizer, name: str, given: Given, shots: Shots) -> Scored:
    results = {protocol: score_lambada(model, tokenizer, given.items, protocol) for protocol in PROTOCOLS}

    def figures(places: Sequence[int]) -> dict[str, float]:
        def perplexity(protocol: str) -> float:
            return mean_perplexity([results[protocol].nats[place] for place in places])

        accuracies = {key: accuracy([found.right[place] for place in places]).percent for key, found in results.items()}
        return {
            f"{name}_perplexity": perplexity("last_bpe"),
            f"{name}_accuracy": accuracies["stopword"],
            **{f"{name}_accuracy_{key}": value for key, value in accuracies.items()},
            f"{name}_word_perplexity": perplexity("word"),
        }

    accuracies = {key: _told_accuracies(found.right, given.dirty) for key, found in results.items()}
    perplexities = {
        key: {part: mean_perplexity(nats) for part, nats in clean_and_dirty(found.nats, given.dirty).items()}
        for key, found in results.items()
    }
    cut = results["word"].cut
    return given.scored(figures, shots, {"cut": cut, "accuracies": accuracies, "perplexities": perplexities})
