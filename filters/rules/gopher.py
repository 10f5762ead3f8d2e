"""Gopher's rules of quality and repetition.

Source: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher", appendix A1.1
(quality in the text, repetition in table A1). Where the paper leaves a choice open we take that of datatrove, on which
FineWeb stands, and say so at the choice; benchmarks/filter_parity.py compares the two on real documents.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filters.rules.lib.ngram_repeats import TRIGRAM, NgramRepeats
from filters.rules.lib.steps import over, threshold, under
from filters.rules.lib.tokens import Tokens, tokens
from webtext.reasons import Reason
from webtext.records import Document

QUALITY_REASONS = (
    "gopher_short",
    "gopher_long",
    "gopher_word_length",
    "gopher_symbols",
    "gopher_bullets",
    "gopher_ellipsis_lines",
    "gopher_alphabetic",
    "gopher_stop_words",
)
REPETITION_REASONS = (
    "gopher_repeated_paragraphs",
    "gopher_repeated_lines",
    "gopher_top_ngram",
    "gopher_repeated_ngram",
)

_PAPER = "Gopher paper, A1.1"
_TABLE = "Gopher paper, table A1"
_STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
_BULLETS = ("•", "-")
_ELLIPSES = ("...", "…")
_SHORTEST_REPEATED = 5  # words of the n-grams that may not repeat, table A1

Split = Callable[[str], Tokens]


@dataclass(frozen=True, slots=True)
class GopherQuality:
    """Keep text that looks like prose: enough words of usual length, few symbols, some of the commonest words."""

    min_words: int = threshold(50, "fewest words, symbols not counted", _PAPER)
    max_words: int = threshold(100_000, "most words, symbols not counted", _PAPER)
    min_mean_word_length: float = threshold(3.0, "least mean length of a word in characters", _PAPER)
    max_mean_word_length: float = threshold(10.0, "greatest mean length of a word in characters", _PAPER)
    max_symbol_ratio: float = threshold(0.1, "most hash marks, and most ellipses, a word", _PAPER)
    max_bullet_lines: float = threshold(0.9, "most of the lines that may start with a bullet", _PAPER)
    max_ellipsis_lines: float = threshold(0.3, "most of the lines that may end in an ellipsis", _PAPER)
    min_alphabetic_words: float = threshold(0.8, "least share of words with a letter", _PAPER)
    min_stop_words: int = threshold(2, "fewest different ones of the be to of and that have with", _PAPER)

    def __call__(self, document: Document) -> Reason | None:
        return self.judge(document.text, tokens)

    def judge(self, text: str, split: Split) -> Reason | None:
        """Judge a text with a given notion of words; marks may be words of their own."""
        found = split(text)
        wordy = _which(found, str.isalnum)
        n_words = int(found.counts[wordy].sum())
        if n_words < max(1, self.min_words):
            return Reason("gopher_short", under(n_words, self.min_words, "words"))
        if n_words > self.max_words:
            return Reason("gopher_long", over(n_words, self.max_words, "words"))
        mean = int((found.lengths * found.counts)[wordy].sum()) / n_words
        return self._judge_words(text, len(found), mean) or self._judge_lines(text) or self._judge_prose(found)

    def _judge_words(self, text: str, n_tokens: int, mean: float) -> Reason | None:
        if mean < self.min_mean_word_length:
            return Reason("gopher_word_length", under(mean, self.min_mean_word_length, "characters a word"))
        if mean > self.max_mean_word_length:
            return Reason("gopher_word_length", over(mean, self.max_mean_word_length, "characters a word"))
        symbols = max(text.count("#"), sum(map(text.count, _ELLIPSES))) / n_tokens
        if symbols > self.max_symbol_ratio:
            return Reason("gopher_symbols", over(symbols, self.max_symbol_ratio, "hash marks or ellipses a word"))
        return None

    def _judge_lines(self, text: str) -> Reason | None:
        lines = text.splitlines()
        bullets = sum(line.lstrip().startswith(_BULLETS) for line in lines) / len(lines)
        if bullets > self.max_bullet_lines:
            return Reason("gopher_bullets", over(bullets, self.max_bullet_lines, "of lines start with a bullet"))
        trailing = sum(line.rstrip().endswith(_ELLIPSES) for line in lines) / len(lines)
        if trailing > self.max_ellipsis_lines:
            return Reason("gopher_ellipsis_lines", over(trailing, self.max_ellipsis_lines, "of lines end in ..."))
        return None

    def _judge_prose(self, found: Tokens) -> Reason | None:
        # datatrove counts marks among the words here, so a text of much punctuation has fewer words with a letter.
        alphabetic = int(found.counts[_which(found, str.isalpha)].sum()) / len(found)
        if alphabetic < self.min_alphabetic_words:
            return Reason("gopher_alphabetic", under(alphabetic, self.min_alphabetic_words, "of words have a letter"))
        stop_words = sum(word in found.kinds for word in _STOP_WORDS)
        if stop_words < self.min_stop_words:
            return Reason("gopher_stop_words", under(stop_words, self.min_stop_words, "different stop words"))
        return None


def _which(found: Tokens, holds: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Tell of each kind of token whether something holds of one of its characters; of most it does of all."""
    answers = (holds(kind) or any(map(holds, kind)) for kind in found.kinds)
    return np.fromiter(answers, np.bool_, len(found.kinds))


@dataclass(frozen=True, slots=True)
class GopherRepetition:
    """Reject text that repeats its lines, its paragraphs or its phrases."""

    max_paragraphs: float = threshold(0.30, "most of the paragraphs that may repeat an earlier one", _TABLE)
    max_paragraph_characters: float = threshold(0.20, "most of the characters in such paragraphs", _TABLE)
    max_lines: float = threshold(0.30, "most of the lines that may repeat an earlier one", _TABLE)
    max_line_characters: float = threshold(0.20, "most of the characters in such lines", _TABLE)
    max_top_ngrams: tuple[float, ...] = threshold(
        (0.20, 0.18, 0.16), "most of the characters in the commonest n-gram, n = 2, 3, 4", _TABLE
    )
    max_repeated_ngrams: tuple[float, ...] = threshold(
        (0.15, 0.14, 0.13, 0.12, 0.11, 0.10), "most of the characters in repeated n-grams, n = 5 to 10", _TABLE
    )

    def __call__(self, document: Document) -> Reason | None:
        return self.judge(document.text, tokens)

    def judge(self, text: str, split: Split) -> Reason | None:
        """Judge a text with a given notion of words; marks may be words of their own."""
        return self._judge_blocks(text) or self._judge_ngrams(text, split(text))

    def _judge_blocks(self, text: str) -> Reason | None:
        """Judge paragraphs (blocks between empty lines; our texts are one, datatrove's may be more), then lines."""
        paragraphs = [block for block in text.strip().split("\n\n") if block.strip("\n")]
        lines = [line for line in text.split("\n") if line]
        for name, blocks, max_blocks, max_characters in (
            ("paragraphs", paragraphs, self.max_paragraphs, self.max_paragraph_characters),
            ("lines", lines, self.max_lines, self.max_line_characters),
        ):
            repeated, characters = count_repeats(blocks)
            if repeated > max_blocks * len(blocks):
                share = repeated / len(blocks)
                return Reason(f"gopher_repeated_{name}", over(share, max_blocks, f"of {name} repeat one"))
            if characters > max_characters * len(text):
                share = characters / len(text)
                return Reason(f"gopher_repeated_{name}", over(share, max_characters, f"of characters in such {name}"))
        return None

    def _judge_ngrams(self, text: str, found: Tokens) -> Reason | None:
        repeats, length = NgramRepeats(found), max(1, len(text))
        for n, limit in enumerate(self.max_top_ngrams, start=2):
            if repeats.most_by_words(n) / length <= limit:
                continue
            if n >= TRIGRAM and repeats.most_by_trigrams(n) / length <= limit:
                continue
            repeats.grow_to(n)
            share = repeats.top_characters() / length
            if share > limit:
                return Reason("gopher_top_ngram", over(share, limit, f"of characters in one {n}-gram"))
        most = repeats.most_repeated(_SHORTEST_REPEATED) / length
        if all(most <= limit for limit in self.max_repeated_ngrams):
            return None
        if repeats.n > _SHORTEST_REPEATED:  # a preset may have more limits of top n-grams than the paper's three
            repeats = NgramRepeats(found)
        for n, limit in enumerate(self.max_repeated_ngrams, start=_SHORTEST_REPEATED):
            repeats.grow_to(n)
            share = repeats.repeated_characters() / length
            if share > limit:
                return Reason("gopher_repeated_ngram", over(share, limit, f"of characters in repeated {n}-grams"))
        return None


def count_repeats(blocks: Sequence[str]) -> tuple[int, int]:
    """Count the blocks that repeat an earlier one, and their characters.

    >>> count_repeats(["a", "bb", "bb", "bb"])
    (2, 4)
    """
    seen: set[str] = set()
    repeated = characters = 0
    if len(set(blocks)) == len(blocks):
        return 0, 0
    for block in blocks:
        if block in seen:
            repeated += 1
            characters += len(block)
        seen.add(block)
    return repeated, characters
