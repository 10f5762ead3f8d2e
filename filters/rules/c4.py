"""C4's rules: keep the lines that are sentences, drop the pages that have none, or placeholder text, or code.

Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", 2.2,
and its code (tensorflow_datasets, text/c4_utils.py). They differ, and so does datatrove; each is named at its field.
The rule changes the text: it drops lines.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from filters.rules.lib.steps import over, threshold, under, with_text
from filters.rules.lib.tokens import count_sentences
from webtext.reasons import Reason
from webtext.records import Document

REASONS = ("c4_lorem_ipsum", "c4_curly_bracket", "c4_too_few_sentences", "c4_short_paragraphs", "c4_too_long")

_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
_ELLIPSIS = "..."
_PLACEHOLDER, _SCRIPT = "lorem ipsum", "javascript"
_POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


@dataclass(frozen=True, slots=True)
class C4Quality:
    """Keep lines that end like a sentence and are long enough; reject pages with too few sentences in them."""

    min_sentences: int = threshold(
        3,
        "fewest sentences in the lines that stay",
        "C4's code and the JMLR paper; the first arXiv version and datatrove: 5",
    )
    min_words_per_line: int = threshold(
        5, "a line of fewer words is dropped", "C4's code and the JMLR paper; the first arXiv version and datatrove: 3"
    )
    max_word_characters: int = threshold(1000, "a line with a longer word is dropped", "C4's code, not in the paper")
    end_marks: tuple[str, ...] = threshold(
        (".", "?", "!", '"'),
        "a line that ends otherwise is dropped, as one that ends in ...",
        "C4's code; datatrove adds '",
    )
    citations_first: bool = threshold(
        False,
        "whether citations ([3], [edit]) go before the words of a line are counted",
        "C4's code; datatrove: after",
    )
    drop_unpunctuated: bool = threshold(True, "whether such lines are dropped", "C4; FineWeb leaves them")
    drop_policy: bool = threshold(
        True, "whether lines about javascript, cookies and terms of use are dropped", "C4's code; the paper: javascript"
    )

    def __call__(self, document: Document) -> Document | Reason:
        cleaned = self.clean(document.text, count_sentences)
        return cleaned if isinstance(cleaned, Reason) else with_text(document, cleaned)

    def clean(self, text: str, count: Callable[[str], int]) -> str | Reason:
        """Give the lines that stay, or the reason to reject the page; `count` counts the sentences of a line."""
        lines = [line for raw in text.splitlines() if (line := self._clean_line(raw)) is not None]
        lower = "\n".join(lines).lower()
        if "{" in lower or any(phrase in lower for phrase in (_PLACEHOLDER, *self._dropped())):
            judged = self._judge_lines(lines)
            if isinstance(judged, Reason):
                return judged
            lines = judged
        sentences = 0
        for line in lines:
            if sentences >= self.min_sentences:
                break  # How many there are is told of a page that has too few.
            sentences += count(line)
        if sentences < self.min_sentences:
            return Reason("c4_too_few_sentences", under(sentences, self.min_sentences, "sentences"))
        return "\n".join(lines).strip()

    def _dropped(self) -> tuple[str, ...]:
        return (_SCRIPT, *_POLICY) if self.drop_policy else ()

    def _judge_lines(self, lines: list[str]) -> list[str] | Reason:
        """Give the lines that say nothing of a site's machinery, or the reason for which one rejects the page."""
        kept = []
        for line in lines:
            lower = line.lower()
            if _PLACEHOLDER in lower:
                return Reason("c4_lorem_ipsum", line[:80])
            if self.drop_policy and _SCRIPT in lower:
                continue
            if "{" in line:
                return Reason("c4_curly_bracket", line[:80])
            if not any(phrase in lower for phrase in self._dropped()):
                kept.append(line)
        return kept

    def _clean_line(self, raw: str) -> str | None:
        """Give a line without citations, or None where its shape is no sentence's."""
        line = raw.strip()
        if "[" in line:
            line = _CITATION.sub("", line)
        counted = line if self.citations_first else raw
        if len(counted.split(None, max(0, self.min_words_per_line))) < self.min_words_per_line:
            return None  # Whether there are as many words is told without making all of them.
        if len(raw) > self.max_word_characters and max(map(len, raw.split()), default=0) > self.max_word_characters:
            return None
        if self.drop_unpunctuated and (not line.endswith(self.end_marks) or line.endswith(_ELLIPSIS)):
            return None
        return line


@dataclass(frozen=True, slots=True)
class C4Paragraphs:
    """Reject pages without a few paragraphs of some length (the rule of multilingual C4)."""

    min_paragraphs: int = threshold(3, "fewest lines of that length", "mC4 (mT5 paper, section 3.1)")
    min_paragraph_characters: int = threshold(200, "characters that make a line a paragraph", "mC4 (mT5 paper, 3.1)")

    def __call__(self, document: Document) -> Reason | None:
        long_lines = sum(len(line) >= self.min_paragraph_characters for line in document.text.split("\n"))
        if long_lines < self.min_paragraphs:
            return Reason("c4_short_paragraphs", under(long_lines, self.min_paragraphs, "paragraphs"))
        return None


@dataclass(frozen=True, slots=True)
class C4PageSize:
    """Reject pages over C4's largest size."""

    max_characters: int = threshold(190_000, "most characters of a page", "C4's code")

    def __call__(self, document: Document) -> Reason | None:
        if len(document.text) > self.max_characters:
            return Reason("c4_too_long", over(len(document.text), self.max_characters, "characters"))
        return None
