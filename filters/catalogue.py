"""All rules there are, by the names that presets use, and what each can give as a reason."""

from dataclasses import dataclass
from typing import Any

from filters.rules import (
    bad_words,
    blocklist,
    c4,
    fineweb,
    gopher,
    gpt3,
    language,
    length,
    lines,
    perplexity,
    personal_data,
    walls,
    wikipedia,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of filter: the class whose fields are its thresholds, and the reasons it gives."""

    make: type[Any]
    reasons: tuple[str, ...]


# In the order in which a preset would run them: the cheap and the sure first.
RULES: dict[str, Rule] = {
    "wikipedia": Rule(wikipedia.Wikipedia, wikipedia.REASONS),
    "blocklist": Rule(blocklist.Blocklist, blocklist.REASONS),
    "walls": Rule(walls.Walls, walls.REASONS),
    "language": Rule(language.Language, language.REASONS),
    "lines": Rule(lines.BoilerplateLines, lines.REASONS),
    "length": Rule(length.Length, length.REASONS),
    "c4_page_size": Rule(c4.C4PageSize, c4.REASONS[-1:]),
    "c4_quality": Rule(c4.C4Quality, c4.REASONS[:3]),
    "c4_paragraphs": Rule(c4.C4Paragraphs, c4.REASONS[3:4]),
    "gopher_repetition": Rule(gopher.GopherRepetition, gopher.REPETITION_REASONS),
    "gopher_quality": Rule(gopher.GopherQuality, gopher.QUALITY_REASONS),
    "fineweb_quality": Rule(fineweb.FineWebQuality, fineweb.REASONS),
    "bad_words": Rule(bad_words.BadWords, bad_words.REASONS),
    "perplexity": Rule(perplexity.Perplexity, perplexity.REASONS),
    "gpt3_classifier": Rule(gpt3.GPT3Classifier, gpt3.REASONS),
    "personal_data": Rule(personal_data.PersonalData, personal_data.REASONS),
}

REASONS = tuple(reason for rule in RULES.values() for reason in rule.reasons)
