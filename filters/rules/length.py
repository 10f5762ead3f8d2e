"""Length: a text too short to be prose teaches nothing, and one far too long is a list, a log or a book of tables."""

from dataclasses import dataclass

from filters.rules.lib.steps import over, threshold, under
from webtext.code_points import count_words
from webtext.reasons import Reason
from webtext.records import Document

REASONS = ("too_short", "too_long")


@dataclass(frozen=True, slots=True)
class Length:
    """Reject texts of too few or too many words (as `webtext.text.words` counts them), and short ones without prose."""

    min_words: int = threshold(
        100, "fewest words", "OpenWebTextCorpus drops under 128 GPT-2 tokens: about 100 words of English prose"
    )
    max_words: int = threshold(
        1_000_000, "most words", "ours: longer than any book; a page of that size is a dump of data"
    )

    stub_words: int = threshold(
        0,
        "a text of fewer words needs prose: it may be a menu, a list of links, an index; 0: none does",
        "ours",
    )
    min_prose_words: int = threshold(14, "words that such a text must have in its long lines", "ours: docs/filters.md")
    prose_line_words: int = threshold(8, "words that make a line long: entries of menus have fewer", "ours")

    def __post_init__(self) -> None:
        if not 0 <= self.min_words <= self.max_words:
            raise ValueError(f"min_words {self.min_words} must be from 0 to max_words {self.max_words}")

    def __call__(self, document: Document) -> Reason | None:
        if document.n_words < self.min_words:
            return Reason("too_short", under(document.n_words, self.min_words, "words"))
        if document.n_words < self.stub_words:
            lengths = map(count_words, document.text.split("\n"))
            prose = sum(length for length in lengths if length >= self.prose_line_words)
            if prose < self.min_prose_words:
                return Reason("too_short", under(prose, self.min_prose_words, "words in long lines"))
        if document.n_words > self.max_words:
            return Reason("too_long", over(document.n_words, self.max_words, "words"))
        return None
