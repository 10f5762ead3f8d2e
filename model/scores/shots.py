"""Few shots: examples with their answers before each item (Brown et al. 2020, section 2 and figure 2.1).

Each item has examples of its own, as there; hashes of both decide which, so that a run can be repeated and the order of
a file means nothing. No example is an item of the scored file, however it is spelt. As many stand before an item as are
asked for and fit into the context together with it and its answer; one shot is the first of five.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from webtext.errors import UsageError
from webtext.hashing import bucket_of, hash64
from webtext.text import normalize_text

SEPARATOR = "\n\n"  # between examples; lm-eval's own (`fewshot_delimiter`)


@dataclass(frozen=True)
class Example:
    """An example as a prompt shows it, with its answer, and the text that makes it this item and no other."""

    shown: str
    item: str


class Shots:
    """Puts examples before items, and notes how many stood before each (`used`)."""

    def __init__(
        self, examples: Iterable[Example], scored: Iterable[str], wanted: int, separator: str = SEPARATOR
    ) -> None:
        """Keep the examples that are none of the scored items, each once.

        Args:
            examples: what may stand before an item.
            scored: the texts that tell the items of the scored file.
            wanted: examples before each item, 0 or more.
            separator: what follows each example.

        Raises:
            UsageError: fewer examples are left than are wanted.
        """
        known = {_spelt(item) for item in scored}
        shown = {_spelt(example.item): example.shown for example in examples}
        left = {text for item, text in shown.items() if item not in known}
        if len(left) < wanted:
            among = f" ({len(shown) - len(left)} are items that are scored)" if len(shown) > len(left) else ""
            raise UsageError(f"{wanted} shots take as many examples, but there are {len(left)}{among}")
        self._examples = sorted(left, key=lambda text: (hash64(text.encode(), salt=b"shots"), text))
        self._wanted, self._separator = wanted, separator
        self.used: list[int] = []

    def drawn(self, item: str) -> list[str]:
        """Draw the examples of an item: those that follow its hash in the order of theirs, round and round."""
        if not self._wanted:
            return []
        start = bucket_of(item, len(self._examples), salt=b"shots")
        return [self._examples[(start + number) % len(self._examples)] for number in range(self._wanted)]

    def before(self, item: str, fits: Callable[[str], bool]) -> str:
        """Give the text that stands before an item: as many of its examples, from the first on, as fit."""
        drawn = self.drawn(item)
        fitting = bisect_left(range(1, len(drawn) + 1), 1, key=lambda count: not fits(self._joined(drawn[:count])))
        self.used.append(fitting)
        return self._joined(drawn[:fitting])

    def _joined(self, examples: list[str]) -> str:
        return "".join(f"{example}{self._separator}" for example in examples)


def _spelt(text: str) -> str:
    return normalize_text(text) or text
