"""The n-grams that stand in a text more than once, for one n after the other: what Gopher's rules of repetition weigh.

Nearly all of the time of those rules went into making tuples of words. Here words are numbers, and an n-gram is looked
at only where its first n-1 words repeat, which soon is nowhere: the same figures for a quarter of the time. Two bounds,
told from words and from hashes alone, spare most texts even that.
"""

from functools import cached_property

import numpy as np

from filters.rules.lib.tokens import Tokens

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd and without a pattern (2**64 over the golden ratio)

TRIGRAM = 3  # words
_MARK_BITS = 16
_NO_MARK_BITS = np.uint64(64 - _MARK_BITS)


class NgramRepeats:
    """Counts of characters in repeated n-grams; n begins at 1 and grows."""

    def __init__(self, found: Tokens) -> None:
        """Begin with single tokens."""
        self._tokens, self._distinct = found.numbers, len(found.kinds)
        self._lengths = found.lengths[found.numbers]
        self._ends = np.zeros(len(found) + 1, np.int64)
        np.cumsum(self._lengths, out=self._ends[1:])
        self._most_places = int(found.counts.max(initial=0))
        self._most_characters = int((found.counts * found.lengths).max(initial=0))
        self.n = 1
        self._keep_repeated(np.arange(len(found)), found.numbers, found.counts)

    def most_by_words(self, n: int) -> int:
        """Give what `top_characters` of n-grams cannot pass, for no n-gram has more places than any of its words."""
        return n * self._most_characters + (n - 1) * self._most_places

    def most_by_trigrams(self, n: int) -> int:
        """Give what `top_characters` cannot pass (n > 2): the longest one's characters, the commonest trigram's places.

        Here and below n-grams are told apart by their hashes: two of one hash only make the bound larger.
        """
        if len(self._tokens) < n:
            return 0
        return self._most_trigrams * int((self._ends[n:] - self._ends[:-n]).max() + n - 1)

    @cached_property
    def _most_trigrams(self) -> int:
        hashes = np.sort(self._hashes(TRIGRAM))
        starts = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1], [True])))
        return int(np.diff(starts).max())

    def most_repeated(self, n: int) -> int:
        """Give what `repeated_characters` cannot pass for n-grams of n words and of any more.

        It is the characters of all words in n-grams that stood before. Where a longer one did, all n-grams in it did.
        """
        hashes = self._hashes(n)
        ordered = np.sort(hashes)
        repeated = ordered[1:][ordered[1:] == ordered[:-1]]
        if not len(repeated):
            return 0
        is_marked = np.zeros(1 << _MARK_BITS, np.bool_)  # what repeats, by its first bits, and little else
        is_marked[repeated >> _NO_MARK_BITS] = True
        places = np.flatnonzero(is_marked[hashes >> _NO_MARK_BITS])
        _, first = np.unique(hashes[places], return_index=True)
        places = np.delete(places, first)
        covered = np.zeros(len(self._tokens), np.bool_)
        for place in range(n):
            covered[places + place] = True
        return int(self._lengths[covered].sum())

    def _hashes(self, n: int) -> np.ndarray:
        words = self._tokens.view(np.uint64)
        hashes = words
        for place in range(1, n):
            hashes = hashes[:-1] * _MULTIPLIER + words[place:]
        return hashes

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

        >>> from filters.rules.lib.tokens import tokens
        >>> repeats = NgramRepeats(tokens("a b a b c"))
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

        >>> from filters.rules.lib.tokens import tokens
        >>> repeats = NgramRepeats(tokens("a b a b a b"))
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
