"""Which blocks of a page stand in another extractor's text of it."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
_RUN = 4  # words in a row that no text shares by chance
_MOST_TENTHS = 6  # a block of which more tenths stand in runs of the other text is in it


def blocks_in(texts: Sequence[str], other: str) -> NDArray[np.bool_]:
    """Tell of each block's text whether another text has most of its words, in runs of four.

    A block of fewer words is in it if it is one of its lines.
    """
    lines = [tuple(_WORD.findall(line.lower())) for line in other.split("\n")]
    words = [word for line in lines for word in line]
    whole, runs = set(lines), set(zip(*(words[start:] for start in range(_RUN)), strict=False))
    return np.array([_is_in(_WORD.findall(text.lower()), whole, runs) for text in texts], np.bool_)


def _is_in(words: list[str], whole: set[tuple[str, ...]], runs: set[tuple[str, ...]]) -> bool:
    if len(words) < _RUN:
        return bool(words) and tuple(words) in whole
    found = bytearray(len(words))
    for start, run in enumerate(zip(*(words[start:] for start in range(_RUN)), strict=False)):
        if run in runs:
            found[start : start + _RUN] = b"\x01" * _RUN
    return 10 * sum(found) > _MOST_TENTHS * len(words)
