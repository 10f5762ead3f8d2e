"""How text is normalised and counted: the one definition of a word and of an n-gram.

GPT-2's overlap study (paper, section 4) normalises to "lower-cased alphanumeric words with a single space as a
delimiter". The same words make the shingles of near-duplicate removal and the n-grams of overlap, so that all of them
mean the same thing by "8-gram". `dedup` has vectorised kernels that tests hold equal to these functions.
"""

import re
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Return the lower-case alphanumeric words of a text, in order.

    >>> words("Don't panic: it's 42_000 KM.")
    ['don', 't', 'panic', 'it', 's', '42', '000', 'km']
    """
    return _WORD.findall(text.lower())


def normalize_text(text: str) -> str:
    r"""Normalise a text as the GPT-2 paper does (section 4): its words, joined by single spaces.

    >>> normalize_text("  Hello,\n WORLD! ")
    'hello world'
    """
    return " ".join(words(text))


def ngrams(tokens: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """Yield the n-grams of a sequence of words, in order: `max(0, len(tokens) - n + 1)` of them.

    >>> list(ngrams(["a", "b", "c"], 2))
    [('a', 'b'), ('b', 'c')]
    """
    return zip(*(tokens[start:] for start in range(n)), strict=False)
