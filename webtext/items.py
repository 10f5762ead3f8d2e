"""Items of zero-shot tasks in the spellings of their files: options of (context, continuation), one of them right."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webtext.errors import UsageError
from webtext.foreign import field, pick, texts


@dataclass(frozen=True)
class Choice:
    """An item: its options as (context, continuation), and which is right."""

    options: tuple[tuple[str, str], ...]
    gold: int

    def __post_init__(self) -> None:
        """Raise ValueError where the right option is not there."""
        if not 0 <= self.gold < len(self.options):
            raise ValueError(f"option {self.gold} is not one of the {len(self.options)} given")


def read_choice(where: str, row: Mapping[str, Any]) -> Choice:
    """Read an item in one of three spellings.

    `query`, `choices`, `gold` (the options share a context); `context_options`, `continuation`, `gold` (Winograd: they
    share a continuation); `context`, `continuation` (one option, as LAMBADA). An option is joined to its context by one
    space.

    Args:
        where: file and line, for a message.
        row: the item.

    Raises:
        UsageError: another spelling, an option that is no text or empty, or a right one that is not there.
    """
    if {"query", "choices", "gold"} <= row.keys():
        query, endings = field(where, row, "query"), texts(where, row, "choices")
        pairs = [(query, ending) for ending in endings]
    elif {"context_options", "continuation", "gold"} <= row.keys():
        ending = field(where, row, "continuation")
        pairs = [(context, ending) for context in texts(where, row, "context_options")]
    elif {"context", "continuation"} <= row.keys():
        pairs = [(field(where, row, "context"), field(where, row, "continuation"))]
    else:
        raise UsageError(f"{where}: no item is spelt with {', '.join(row)}: see docs/training.md, Evaluation")
    if not all(ending.strip() for _, ending in pairs):
        raise UsageError(f"{where}: an option is empty, so there is nothing to score")
    gold = pick(where, row, "gold", len(pairs)) if len(pairs) > 1 or "gold" in row else 0
    return Choice(tuple((context, f" {ending.lstrip()}") for context, ending in pairs), gold)
