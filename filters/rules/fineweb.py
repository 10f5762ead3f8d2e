"""The three filters that FineWeb found by ablation.

Source: Penedo et al. 2024, "The FineWeb Datasets", section 3.6, and datatrove's `FineWebQualityFilter`. Paper and code
differ in one threshold, named at its field.
"""

from dataclasses import dataclass

from filters.rules.gopher import Split, count_repeats
from filters.rules.lib.steps import over, threshold, under
from filters.rules.lib.tokens import SENTENCE_TERMINALS, tokens
from webtext.reasons import Reason
from webtext.records import Document

REASONS = ("fineweb_punctuation", "fineweb_short_lines", "fineweb_repeated_lines", "fineweb_line_breaks")

_PAPER = "FineWeb paper, 3.6"
_CODE = "datatrove's default; FineWeb used it"


@dataclass(frozen=True, slots=True)
class FineWebQuality:
    """Reject text that is lists or fragments: unpunctuated, short or repeated lines, or too many of them."""

    min_punctuated_lines: float = threshold(0.12, "least share of lines that end in a full stop or the like", _PAPER)
    max_short_lines: float = threshold(0.67, "most of the lines that may be short", _PAPER)
    short_line_characters: int = threshold(30, "a line of at most so many characters is short", _PAPER)
    max_repeated_characters: float = threshold(
        0.01, "most of the characters in lines that repeat one", f"{_CODE}; the paper says 0.1, as FineWeb-2 does"
    )
    max_line_breaks: float = threshold(0.3, "most line breaks a word", _CODE)

    def __call__(self, document: Document) -> Reason | None:
        return self.judge(document.text, tokens)

    def judge(self, text: str, split: Split) -> Reason | None:
        """Judge a text with a given notion of words; marks may be words of their own."""
        lines = [line for line in text.split("\n") if line.strip()]
        if not lines:
            return Reason("fineweb_punctuation", "no lines")
        return self._judge_lines(lines) or self._judge_whole(text, lines, split)

    def _judge_lines(self, lines: list[str]) -> Reason | None:
        punctuated = sum(line[-1] in SENTENCE_TERMINALS for line in lines) / len(lines)
        if punctuated < self.min_punctuated_lines:
            return Reason("fineweb_punctuation", under(punctuated, self.min_punctuated_lines, "of lines punctuated"))
        short = sum(len(line) <= self.short_line_characters for line in lines) / len(lines)
        if short > self.max_short_lines:
            return Reason("fineweb_short_lines", over(short, self.max_short_lines, "of lines are short"))
        return None

    def _judge_whole(self, text: str, lines: list[str], split: Split) -> Reason | None:
        repeated = count_repeats(lines)[1] / len(text.replace("\n", ""))
        if repeated > self.max_repeated_characters:
            detail = over(repeated, self.max_repeated_characters, "of characters in repeated lines")
            return Reason("fineweb_repeated_lines", detail)
        breaks = text.count("\n")
        if breaks / max(1, len(text.split())) <= self.max_line_breaks:
            return None  # What stands between two spaces is a word at least: there is no need to split it.
        share = breaks / max(1, len(split(text)))
        if share > self.max_line_breaks:
            return Reason("fineweb_line_breaks", over(share, self.max_line_breaks, "line breaks a word"))
        return None
