"""Texts as arrays of code points: what is part of a word, and how many words there are, without making the words.

`webtext.text.words` is the definition. Every text that is extracted is counted, and nobody wants the list.
"""

import re
import sys
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webtext.text import SPACELESS_RANGES, comparable, marks

# What a code point is to a word. OTHER parts words; letters and digits in a row are one; a SPACELESS letter is a word
# of its own; a mark belongs to what stands before it.
OTHER, LETTER, SPACELESS, MARK = range(4)
_ASCII = 128

Classes = NDArray[np.uint8]


def code_points(text: str) -> tuple[NDArray[Any], Classes]:
    """View a text as numbers, 8 or 32 bits each, beside a table that says of each number what it is to a word.

    Returns:
        The code points, shape (characters,), and the table, longer than any of them.
    """
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8), word_classes(_ASCII)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return codes, word_classes(1 << int(codes.max()).bit_length())


@lru_cache(maxsize=32)  # the keys are powers of two
def word_classes(below: int) -> Classes:
    """Tell of each code point below one what it is to a word: the same characters as in `webtext.text.word_pattern`."""
    characters = characters_below(min(below, sys.maxunicode + 1))
    table = np.zeros(len(characters), np.uint8)
    for run in re.finditer(r"[^\W_]+", characters):
        table[run.start() : run.end()] = LETTER
    for first, last in SPACELESS_RANGES:
        table[first : last + 1] *= SPACELESS
    found = np.array(sorted(marks()))
    table[found[found < len(table)]] = MARK
    return table


def characters_below(code: int) -> str:
    """Give all characters below a code point; made one by one, those of all planes would take a hundred megabytes."""
    return np.arange(code, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")


def word_starts(classes: Classes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell of each character of a text whether a word begins there, and whether it is part of one.

    Args:
        classes: of the characters, shape (characters,).
    """
    if classes.max(initial=OTHER) <= LETTER:
        inside = classes.view(np.bool_)
        starts = inside.copy()
        starts[1:] &= ~inside[:-1]
        return starts, inside
    bases = np.where(classes == MARK, 0, np.arange(len(classes)))
    found = classes[np.maximum.accumulate(bases)]  # a mark is what it belongs to
    found[found == MARK] = OTHER  # marks at the very beginning belong to nothing
    starts = classes == SPACELESS
    starts |= classes == LETTER
    starts[1:] &= (classes[1:] == SPACELESS) | (found[:-1] != LETTER)
    return starts, found != OTHER


def count_words(text: str) -> int:
    """Count the words of a text: `len(webtext.text.words(text))`.

    >>> count_words("Don't panic: it's 42_000 KM.")
    8
    """
    codes, classes = code_points(comparable(text))
    return int(np.count_nonzero(word_starts(classes[codes])[0]))
