"""Walls: pages that a server sends in place of what was asked for, with a status of 200.

A robot check, a consent form, a login or a teaser, a polite "not found", a parked domain: all are short and say one of
a few things. What they say is data (walls.toml). A long page that says it too is an article, and stays; and a title
alone is no sign where there is a text under it: "Access denied" may be a story.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filters.rules.lib.steps import threshold
from webtext.reasons import Reason
from webtext.records import Document

_WORDS_OF_NO_TEXT = 40  # ours: a page of so few words under a wall's title says nothing else
_LONGEST_TITLE = 300  # characters: a longer one is no wall's

REASONS = ("bot_wall", "consent_wall", "paywall", "soft_404", "parked_domain")


@dataclass(frozen=True, slots=True)
class Wall:
    """What one kind of wall looks like."""

    reason: str
    max_words: int  # a longer page is no wall of this kind
    titles: re.Pattern[str]  # the whole title, lower case; where there is a text, a phrase must be in it too
    phrases: tuple[str, ...]  # lower case, apostrophes straight
    min_phrases: int  # different ones that are enough where the title says nothing
    words_per_phrase: int  # ... one for so many words: a notice on a page is not yet a wall


@dataclass(frozen=True, slots=True)
class Walls:
    """Reject what stands in for the page asked for: robot checks, consent forms, paywalls, soft 404s, parked hosts."""

    kinds: tuple[str, ...] = threshold(REASONS, "what to look for", "ours: filters/rules/walls.toml")

    def __post_init__(self) -> None:
        unknown = sorted(set(self.kinds) - set(REASONS))
        if unknown:
            raise ValueError(f"no such wall: {', '.join(unknown)}; choose of {', '.join(REASONS)}")

    def __call__(self, document: Document) -> Reason | None:
        walls = [wall for wall in _walls() if wall.reason in self.kinds and document.n_words <= wall.max_words]
        if not walls:
            return None
        title, text = _plain(document.title[:_LONGEST_TITLE]), _plain(document.text)
        for wall in walls:
            found = [phrase for phrase in wall.phrases if phrase in text]
            titled = wall.titles.fullmatch(title) is not None
            if titled and (found or document.n_words <= _WORDS_OF_NO_TEXT):
                return Reason(wall.reason, f"title: {document.title[:80]}")
            if len(found) >= wall.min_phrases and document.n_words <= wall.words_per_phrase * len(found):
                return Reason(wall.reason, "; ".join(found[:3]))
        return None


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("\u2019", "'").replace("\u2026", "...").split())


@cache
def _walls() -> tuple[Wall, ...]:
    data = tomllib.loads(Path(__file__).with_name("walls.toml").read_text("utf-8"))
    return tuple(
        Wall(
            reason,
            wall["max_words"],
            re.compile("|".join(wall["titles"])),
            tuple(wall["phrases"]),
            wall["min_phrases"],
            wall["words_per_phrase"],
        )
        for reason, wall in data.items()
    )
