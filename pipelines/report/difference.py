"""Two texts side by side: where near-duplicates differ, paragraph by paragraph and word by word.

Bounded, because two long pages of common words would take minutes to align: what lies beyond the limits is said to be
left out, never silently.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_PARAGRAPHS = 300  # the first ones of each text are aligned
MOST_WORDS = 1200  # the first ones on each side of a changed block are aligned word by word
MOST_ROWS = 24  # the first ones are shown
_TOKENS = re.compile(r"\s+|[^\W_]+|.")


@dataclass(frozen=True)
class Piece:
    """A run of text, and whether the other side lacks it."""

    text: str
    changed: bool = False


@dataclass(frozen=True)
class Row:
    """A block of paragraphs on both sides; `equal` counts paragraphs that both have, and then there is no text."""

    left: tuple[Piece, ...] = ()
    right: tuple[Piece, ...] = ()
    equal: int = 0


@dataclass(frozen=True)
class Difference:
    """The rows in order, and how many paragraphs lie beyond what was aligned or is shown."""

    rows: tuple[Row, ...]
    left_out: int


def compare_texts(left: str, right: str) -> Difference:
    """Align two texts by paragraphs, and by words where paragraphs differ."""
    own, other = left.split("\n"), right.split("\n")
    cut = max(0, len(own) - MOST_PARAGRAPHS) + max(0, len(other) - MOST_PARAGRAPHS)
    own, other = own[:MOST_PARAGRAPHS], other[:MOST_PARAGRAPHS]
    rows: list[Row] = []
    for kind, start, end, other_start, other_end in SequenceMatcher(None, own, other, autojunk=False).get_opcodes():
        if len(rows) == MOST_ROWS:
            cut += end - start + other_end - other_start
        elif kind == "equal":
            rows.append(Row(equal=end - start))
        else:
            rows.append(_changed("\n".join(own[start:end]), "\n".join(other[other_start:other_end])))
    return Difference(tuple(rows), cut)


def _changed(left: str, right: str) -> Row:
    """Align two blocks word by word, with what stands between words as part of the text."""
    own, other = _TOKENS.findall(left), _TOKENS.findall(right)
    if len(own) > MOST_WORDS or len(other) > MOST_WORDS or not own or not other:
        return Row((Piece(left, changed=True),) if left else (), (Piece(right, changed=True),) if right else ())
    steps = SequenceMatcher(None, own, other).get_opcodes()
    return Row(
        tuple(_pieces((kind, "".join(own[start:end])) for kind, start, end, _, _ in steps)),
        tuple(_pieces((kind, "".join(other[start:end])) for kind, _, _, start, end in steps)),
    )


def _pieces(runs: Iterator[tuple[str, str]]) -> Iterator[Piece]:
    for kind, text in runs:
        if text:
            yield Piece(text, changed=kind != "equal")
