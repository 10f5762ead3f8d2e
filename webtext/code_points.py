"""Texts as arrays of code points: what is part of a word, and how many words there are, without making the words.

`webtext.text.words` is the definition. Every text that is extracted is counted, and nobody wants the list.
"""

import re
import sys
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ASCII = 128
_DOTTED_CAPITAL = "\u0130"  # the one whose lower case is a letter and a mark, of which the mark is no part of a word


def code_points(text: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """View a text as numbers, 8 or 32 bits each, beside a table that says of each number whether it is part of a word.

    Returns:
        The code points, shape (characters,), and the table, longer than any of them.
    """
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8), word_characters(_ASCII)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return codes, word_characters(1 << int(codes.max()).bit_length())


@lru_cache(maxsize=32)  # of powers of two
def word_characters(below: int) -> NDArray[np.bool_]:
    """Tell of each code point below one whether it is part of a word: the same pattern as `webtext.text.words`."""
    characters = "".join(map(chr, range(min(below, sys.maxunicode + 1))))
    table = np.zeros(len(characters), np.bool_)
    for run in re.finditer(r"[^\W_]+", characters):
        table[run.start() : run.end()] = True
    return table


def count_words(text: str) -> int:
    """Count the words of a text: `len(webtext.text.words(text))`.

    >>> count_words("Don't panic: it's 42_000 KM.")
    8
    """
    codes, is_word = code_points(text.lower() if _DOTTED_CAPITAL in text else text)
    inside = is_word[codes]
    return int(np.count_nonzero(inside[1:] > inside[:-1])) + int(inside[:1].sum())
