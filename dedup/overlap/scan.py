"""One pass over a corpus with the benchmarks' n-grams in hand: counts, and the documents in which an item was found."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dedup.kernels.hashes import Indices, ngram_hashes
from dedup.overlap.exact_ngrams import ExactSet, Index
from dedup.overlap.ngrams import Grams, text_word_hashes, text_words, word_spans

DOCUMENTS_AN_ITEM = 3  # kept as evidence
_EXCERPT = 400  # characters


@dataclass(frozen=True, order=True, slots=True)
class Sighting:
    """An item, or a part of it, in a document of the corpus. Orders by item, and the fullest sighting first."""

    item: int
    missing: int  # minus the number of its n-grams that are there, so that more come first
    document: str  # id
    url: str = ""
    excerpt: str = ""  # the longest stretch of the document that is the item's


class Text:
    """A document while it is scanned: what is dear is computed when it is asked for, once."""

    def __init__(self, text: str, normalizer: str) -> None:
        """Take the text as it is."""
        self.text, self.normalizer = text, normalizer

    @cached_property
    def words(self) -> list[str]:
        """Its normalised words."""
        return text_words(self.text, self.normalizer)

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Where they stand."""
        return word_spans(self.text, self.normalizer)


def confirmed(found: ExactSet, document: Text, n: int, places: Indices, numbers: Indices) -> NDArray[np.bool_]:
    """Tell of each hit whether the document has the n-gram's very words there."""
    same = (document.words[place : place + n] == list(found.words(number)) for place, number in _pairs(places, numbers))
    return np.fromiter(same, np.bool_, len(places))


def _pairs(places: Indices, numbers: Indices) -> Any:
    return zip(places.tolist(), numbers.tolist(), strict=True)


class Scan:
    """What a pass has found so far; scans of parts of a corpus add up to that of the whole, in any order."""

    def __init__(self, index: Index, grams: Grams, items: int, keep: int = DOCUMENTS_AN_ITEM) -> None:
        """Start with nothing.

        Args:
            index: the n-grams to look for.
            grams: the kind that is measured, and whose items are told.
            items: how many items there are.
            keep: documents kept for an item.
        """
        self.index, self.grams, self._keep = index, grams, keep
        self.counts = {kind: np.zeros(len(found), np.int64) for kind, found in index.items()}  # documents that have it
        self.documents = self.words = self.ngrams = self.touched = self.collisions = 0
        self.sightings: dict[int, list[Sighting]] = {}
        self._enough = np.zeros(items, np.int64)  # n-grams that a document must have to be kept for an item

    def read(self, text: str, identity: str, url: str) -> None:
        """Scan one document."""
        self.documents += 1
        for normalizer in sorted({kind.normalizer for kind in self.index} | {self.grams.normalizer}):
            hashes = text_word_hashes(text, normalizer)
            document = Text(text, normalizer)
            if normalizer == self.grams.normalizer:
                self.words += len(hashes)
                self.ngrams += max(0, len(hashes) - self.grams.n + 1)
            for kind, found in self.index.items():
                if kind.normalizer == normalizer:
                    places, numbers = self._hits(kind, found, document, ngram_hashes(hashes, kind.n))
                    if kind == self.grams and len(places):
                        self._note(found, document, places, numbers, identity, url)

    def count(self, text: str) -> None:
        """Count the n-grams that a document has, and note no sighting."""
        hashes = text_word_hashes(text, self.grams.normalizer)
        document = Text(text, self.grams.normalizer)
        self._hits(self.grams, self.index[self.grams], document, ngram_hashes(hashes, self.grams.n))

    def _hits(self, kind: Grams, found: ExactSet, document: Text, hashes: Any) -> tuple[Indices, Indices]:
        places, numbers = found.find(hashes)
        if not len(places):
            return places, numbers
        counts = self.counts[kind]
        fresh = np.flatnonzero(counts[numbers] == 0)
        wrong = fresh[~confirmed(found, document, kind.n, places[fresh], numbers[fresh])]
        if len(wrong):
            self.collisions += len(wrong)
            places, numbers = np.delete(places, wrong), np.delete(numbers, wrong)
        counts[np.unique(numbers)] += 1
        return places, numbers

    def _note(
        self, found: ExactSet, document: Text, places: Indices, numbers: Indices, identity: str, url: str
    ) -> None:
        self.touched += 1
        grams, owners = found.owners_of(np.unique(numbers))
        items, present = np.unique(owners, return_counts=True)
        for item, count in _pairs(items, present):
            if count < self._enough[item]:
                continue
            own = places[np.isin(numbers, grams[owners == item])]
            excerpt = _excerpt(document, own, self.grams.n)
            self._keep_best([Sighting(item, -count, identity, url, excerpt)])

    def _keep_best(self, sightings: Sequence[Sighting]) -> None:
        for sighting in sightings:
            best = sorted([*self.sightings.get(sighting.item, ()), sighting])[: self._keep]
            self.sightings[sighting.item] = best
            if len(best) == self._keep:
                self._enough[sighting.item] = -best[-1].missing

    def add(self, other: "Scan") -> None:
        """Take in the scan of another part of the corpus, made with the same index."""
        for kind, counts in other.counts.items():
            self.counts[kind] += counts
        for name in _TOTALS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for sightings in other.sightings.values():
            self._keep_best(sightings)

    def write(self, stream: BinaryIO) -> None:
        """Write what was found, for `Scan.load`."""
        totals = {name: getattr(self, name) for name in _TOTALS}
        sightings = [asdict(sighting) for item in sorted(self.sightings) for sighting in self.sightings[item]]
        text = json.dumps({"totals": totals, "sightings": sightings}).encode()
        arrays: dict[str, Any] = {f"{kind.normalizer}-{kind.n}": counts for kind, counts in self.counts.items()}
        np.savez_compressed(stream, allow_pickle=False, found=np.frombuffer(text, np.uint8), **arrays)

    def load(self, stream: BinaryIO) -> None:
        """Add what another scan, made with the same index, has written."""
        other = Scan(self.index, self.grams, len(self._enough), self._keep)
        with np.load(stream) as arrays:
            found = json.loads(arrays["found"].tobytes())
            other.counts = {kind: arrays[f"{kind.normalizer}-{kind.n}"] for kind in self.index}
        for name in _TOTALS:
            setattr(other, name, found["totals"][name])
        for row in found["sightings"]:
            other.sightings.setdefault(row["item"], []).append(Sighting(**row))
        self.add(other)


_TOTALS = ("documents", "words", "ngrams", "touched", "collisions")


def _excerpt(document: Text, places: Indices, n: int) -> str:
    """Quote the longest run of neighbouring n-grams; the first of equals."""
    breaks = np.flatnonzero(np.diff(places) != 1) + 1
    begins, ends = np.append(0, breaks), np.append(breaks, len(places))
    longest = int(np.argmax(ends - begins))
    first, last = int(places[begins[longest]]), int(places[ends[longest] - 1]) + n - 1
    return document.text[document.spans[first][0] : document.spans[last][1]][:_EXCERPT]
