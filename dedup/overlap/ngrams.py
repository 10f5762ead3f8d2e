"""What an n-gram is: how a text becomes words, how many of them make a gram, and where in the text each word stands.

Two normalisers are in the literature. GPT-2's (paper, section 4): lower-cased alphanumeric words, so punctuation
divides. GPT-3's (paper, appendix C): lower case, punctuation taken away, divided at white space, so "don't" is one.
Both come down to the words of `webtext.text.words`, GPT-3's after a first step.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from dedup.kernels.hashes import Hashes, ngram_hashes, word_hashes
from webtext.text import comparable, marks, origins, word_pattern, words

_PUNCTUATION = re.compile(r"[^\w\s]|_")
_ASCII_PUNCTUATION = bytes(code for code in range(128) if _PUNCTUATION.match(chr(code)))


def without_punctuation(text: str) -> str:
    """Lower a text and take away what is neither alphanumeric nor white space.

    >>> without_punctuation("Don't panic: well-known!")
    'dont panic wellknown'
    """
    lowered = text.lower()
    if lowered.isascii():
        return lowered.encode("ascii").translate(None, _ASCII_PUNCTUATION).decode("ascii")
    return _PUNCTUATION.sub(lambda found: found[0] if ord(found[0]) in marks() else "", lowered)


NORMALIZERS: dict[str, Callable[[str], str]] = {"gpt2": str, "gpt3": without_punctuation}


@dataclass(frozen=True, order=True, slots=True)
class Grams:
    """A kind of n-gram."""

    n: int = 8  # words; GPT-2 paper, section 4
    normalizer: str = "gpt2"

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"n must be 1 or more words, not {self.n}")
        if self.normalizer not in NORMALIZERS:
            raise ValueError(f"there is no normaliser {self.normalizer!r}: choose one of {', '.join(NORMALIZERS)}")

    def shorter(self, n: int) -> "Grams":
        """The same kind, of another number of words."""
        return Grams(n, self.normalizer)


def text_words(text: str, normalizer: str) -> list[str]:
    """List the normalised words of a text, in order."""
    return words(NORMALIZERS[normalizer](text))


def text_word_hashes(text: str, normalizer: str) -> Hashes:
    """Hash the normalised words of a text, in order, shape (words,)."""
    return word_hashes(NORMALIZERS[normalizer](text))


def text_ngram_hashes(text: str, grams: Grams) -> Hashes:
    """Hash the n-grams of a text, in order, shape (max(0, words - n + 1),)."""
    return ngram_hashes(text_word_hashes(text, grams.normalizer), grams.n)


def word_spans(text: str, normalizer: str) -> list[tuple[int, int]]:
    """Tell where each normalised word stands in a text, as (start, stop) in characters; as many as `text_words`.

    >>> word_spans("Don't!", "gpt2"), word_spans("Don't!", "gpt3")
    ([(0, 3), (4, 5)], [(0, 6)])
    """
    spans, composed_from = _spans(comparable(text), normalizer), origins(text)
    if composed_from is None:
        return spans
    return [(composed_from[start], composed_from[stop]) for start, stop in spans]


def _spans(text: str, normalizer: str) -> list[tuple[int, int]]:
    lowered = text.lower()
    spans = _gpt3_spans(lowered) if normalizer == "gpt3" else [word.span() for word in _words_in(lowered)]
    if len(lowered) == len(text):
        return spans
    # Some capitals lower to two characters: number the characters of the lowered text by those they came from.
    origin = [place for place, character in enumerate(text) for _ in character.lower()]
    return [(origin[start], origin[stop - 1] + 1) for start, stop in spans]


def _words_in(lowered: str) -> Iterator[re.Match[str]]:
    return word_pattern(lowered).finditer(lowered)


def _gpt3_spans(lowered: str) -> list[tuple[int, int]]:
    """Find words, each with the punctuation within and around it."""
    stays = [bool(without_punctuation(character)) for character in lowered]
    left = [place for place, kept in enumerate(stays) if kept]
    spans = []
    for word in _words_in("".join(lowered[place] for place in left)):
        start, stop = left[word.start()], left[word.end() - 1] + 1
        while start > 0 and not stays[start - 1]:
            start -= 1
        while stop < len(stays) and not stays[stop]:
            stop += 1
        spans.append((start, stop))
    return spans


def item_offsets(counts: list[int]) -> list[int]:
    """Give the running sums of counts, from 0: `counts[i]` things lie between offsets i and i + 1."""
    return list(accumulate(counts, initial=0))
