"""GPT-1's input transformations (Radford et al. 2018, section 3.3 and figure 1): every task is sequences of one form.

A start, the texts with a delimiter between them, and an extract token, at which a linear layer reads the answer:

    classification     start text extract
    entailment         start premise delimiter hypothesis extract
    similarity         start one delimiter other extract, and start other delimiter one extract: both are added up
    multiple choice    start context delimiter answer extract, a sequence for each answer
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webtext.errors import UsageError

Encode = Callable[[str], Sequence[int]]
SPECIAL = 3  # ids that the transformations add behind those of the model: start, delimiter, extract


@dataclass(frozen=True)
class Example:
    """One example of a task as texts: the sequences it becomes, and its answer.

    Attributes:
        sequences: of each sequence the texts between its delimiters.
        answer: the number of the class, or of the right choice.
        is_choice: whether the sequences are choices to decide between; else they are added up.
    """

    sequences: tuple[tuple[str, ...], ...]
    answer: int
    is_choice: bool = False


def read_example(item: Mapping[str, Any]) -> Example:
    """Make an example of an item by the fields that it has.

    `text` and `label` (classification); `premise`, `hypothesis` and `label` (entailment); `text`, `other` and `label`
    (similarity); `context` (or `query`, as `evaluate` has it), `choices` and `gold` (multiple choice; the question is
    in it).

    Raises:
        UsageError: the fields are of no task, or the answer is no number of a class or choice.

    >>> read_example({"text": "fine", "other": "good", "label": 1}).sequences
    (('fine', 'good'), ('good', 'fine'))
    """
    kinds: tuple[tuple[tuple[str, ...], Callable[[], tuple[tuple[str, ...], ...]]], ...] = (
        (("context", "choices"), lambda: tuple((item["context"], choice) for choice in item["choices"])),
        (("query", "choices"), lambda: tuple((item["query"], choice) for choice in item["choices"])),
        (("premise", "hypothesis"), lambda: ((item["premise"], item["hypothesis"]),)),
        (("text", "other"), lambda: ((item["text"], item["other"]), (item["other"], item["text"]))),
        (("text",), lambda: ((item["text"],),)),
    )
    for fields, make in kinds:
        if all(field in item for field in fields):
            sequences, is_choice = make(), fields[1:] == ("choices",)
            answer = item.get("gold" if is_choice else "label")
            if not all(isinstance(text, str) for texts in sequences for text in texts):
                raise UsageError(f"{' and '.join(fields)} must be text")
            if isinstance(answer, bool) or not isinstance(answer, int) or answer < 0:
                raise UsageError(f"the answer must be the number of a class or choice, from 0 on, not {answer!r}")
            if is_choice and answer >= len(sequences):
                raise UsageError(f"gold is {answer}, but there are {len(sequences)} choices")
            return Example(sequences, answer, is_choice)
    raise UsageError(f"an item has {', '.join(sorted(item)) or 'nothing'}, which are the fields of no task")


def transform(texts: Sequence[str], encode: Encode, first_special: int, length: int) -> list[int]:
    """Make one sequence of at most `length` ids: start, texts with delimiters between, extract.

    Where it is too long, the longest text loses its end, then the next longest, until all fit.

    Args:
        texts: one text or more.
        encode: gives the ids of a text.
        first_special: the id of the start; those of the delimiter and of the extract token follow it.
        length: ids that the model takes.

    Raises:
        UsageError: the marks alone do not fit.

    >>> transform(["ab", "c"], lambda text: [ord(letter) for letter in text], 1000, 8)
    [1000, 97, 98, 1001, 99, 1002]
    """
    start, delimiter, extract = range(first_special, first_special + SPECIAL)
    room = length - len(texts) - 1
    if room < len(texts):
        raise UsageError(f"a model that reads {length} tokens is too short for {len(texts)} texts and their marks")
    coded = [list(encode(text)) for text in texts]
    longest = _cap([len(ids) for ids in coded], room)
    sequence = [start]
    for number, ids in enumerate(coded):
        sequence += [*([delimiter] if number else []), *ids[:longest]]
    return [*sequence, extract]


def _cap(lengths: Sequence[int], room: int) -> int:
    """Find the greatest length to which texts may be cut so that all fit into `room`."""
    left, cap = room, room
    for number, length in enumerate(sorted(lengths)):
        share = left // (len(lengths) - number)
        if length > share:
            return share
        left -= length
    return cap
