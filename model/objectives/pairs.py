"""Two segments and a question about them: BERT's next sentence prediction, ALBERT's sentence order prediction.

Devlin et al. 2019, section 3.1: half of the second segments follow the first in their document, half come from another
document. Lan et al. 2020, section 3.1: both follow one another, and half of the pairs are swapped. Segments end where
paragraphs do. Neither can be made of a corpus whose paragraphs were shuffled, cut apart, or de-duplicated line by line.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from model.objectives.documents import Document, Ids, Special, frame

_SHORT = 0.1  # the share of pairs shorter than the length, as in BERT's create_pretraining_data (appendix A.2)


class Pair(NamedTuple):
    """Two framed segments and what to predict of them, as transformers numbers it."""

    ids: Ids  # shape (length,)
    segments: Ids  # shape (length,): 0 or 1
    label: int  # 0 if the second follows the first as it should, else 1


def next_sentence_pairs(
    documents: Sequence[Document], length: int, special: Special, random: np.random.Generator
) -> Iterator[Pair]:
    """Make pairs for next sentence prediction; what was not used of a document after a random second goes on.

    Raises:
        ValueError: there are fewer than two documents, so that none can be "another".
    """
    if len(documents) < 2:
        raise ValueError("next sentence prediction needs two documents or more: a random second is of another one")
    for number, document in enumerate(documents):
        place = 0
        while place < len(document):
            target = _target(length, random)
            taken = _reach(document, place, target)
            first_end = place + (int(random.integers(1, taken)) if taken > 1 else 1)
            first = np.concatenate(document[place:first_end])
            is_random = taken == 1 or random.random() < 0.5
            if is_random:
                other = documents[(number + int(random.integers(1, len(documents)))) % len(documents)]
                second = np.concatenate(other[int(random.integers(len(other))) :])
                place = first_end
            else:
                second = np.concatenate(document[first_end : place + taken])
                place += taken
            yield _pair(first, second, length, special, random, label=int(is_random))


def sentence_order_pairs(
    documents: Sequence[Document], length: int, special: Special, random: np.random.Generator
) -> Iterator[Pair]:
    """Make pairs for sentence order prediction; a document or rest of one paragraph gives none."""
    for document in documents:
        place = 0
        while place + 1 < len(document):
            taken = max(2, _reach(document, place, _target(length, random)))
            middle = place + int(random.integers(1, taken))
            sides = np.concatenate(document[place:middle]), np.concatenate(document[middle : place + taken])
            swapped = bool(random.random() < 0.5)
            first, second = _truncated(*sides, length - 3, random)
            yield _framed(*((second, first) if swapped else (first, second)), length, special, label=int(swapped))
            place += taken


def _target(length: int, random: np.random.Generator) -> int:
    room = length - 3  # a start and two separators
    return int(random.integers(2, room + 1)) if random.random() < _SHORT else room


def _reach(document: Document, place: int, target: int) -> int:
    """Count the paragraphs from `place` on that reach `target` ids together, or all that are left."""
    ids = 0
    for number, paragraph in enumerate(document[place:], 1):
        ids += len(paragraph)
        if ids >= target:
            return number
    return len(document) - place


def _truncated(first: Ids, second: Ids, room: int, random: np.random.Generator) -> tuple[Ids, Ids]:
    """Shorten the longer segment, at its front or its end by chance, until both fit: BERT's truncate_seq_pair."""
    over = len(first) + len(second) - room
    if over > 0:
        # One token after another goes from the longer side; the counts are what that comes to.
        keep_first = min(len(first), max(room - len(second), (room + 1) // 2))
        keep_second = room - keep_first
        first, second = _ends_cut(first, keep_first, random), _ends_cut(second, keep_second, random)
    return first, second


def _ends_cut(ids: Ids, keep: int, random: np.random.Generator) -> Ids:
    if keep >= len(ids):
        return ids
    front = int(random.binomial(len(ids) - keep, 0.5))
    return ids[front : front + keep]


def _pair(first: Ids, second: Ids, length: int, special: Special, random: np.random.Generator, *, label: int) -> Pair:
    return _framed(*_truncated(first, second, length - 3, random), length, special, label=label)


def _framed(first: Ids, second: Ids, length: int, special: Special, *, label: int) -> Pair:
    return Pair(*frame([first, second], length, special), label)
