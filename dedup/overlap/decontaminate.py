"""Taking benchmarks out of a corpus, where a user asks for it: whole documents, or GPT-3's windows.

GPT-2 only measured. GPT-3 (paper, appendix C) cut: each 13-gram that a benchmark has too, with 200 characters on each
side; of the pieces that are left, those under 200 characters are dropped, and a document cut into more than ten pieces
goes whole; a 13-gram that more than ten documents have is common speech and is ignored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dedup.kernels.hashes import Hashes, Indices
from dedup.overlap.exact_ngrams import NOBODY, ExactSet, Occurrences
from dedup.overlap.ngrams import Grams, text_ngram_hashes, word_spans
from webtext.reasons import Reason

STAGE = "overlap"
_LONGEST_WORD = 100  # characters; a text without spaces is cut where the window ends
REASONS = ("benchmark_overlap", "too_many_pieces", "no_piece_left")


@dataclass(frozen=True)
class WindowsConfig:
    """GPT-3's rule; the defaults are the paper's."""

    n: int = 13  # words
    window: int = 200  # characters on each side
    shortest_piece: int = 200  # characters
    most_pieces: int = 10
    most_documents: int = 10  # n-grams in more documents are ignored

    def __post_init__(self) -> None:
        if self.n < 1 or self.window < 0 or self.shortest_piece < 1 or self.most_pieces < 1 or self.most_documents < 1:
            raise ValueError(f"a rule of windows has a positive n, window, piece and limits: not {self}")

    @property
    def grams(self) -> Grams:
        """The kind of n-gram that the rule goes by."""
        return Grams(self.n, "gpt3")


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of a document that was taken out, in characters."""

    start: int
    stop: int
    why: str  # "window", or "short_piece"


@dataclass(frozen=True)
class Pieces:
    """What is left of a document: stretches of it, in order, and what was cut between them."""

    kept: tuple[tuple[int, int], ...]
    cuts: tuple[Cut, ...]

    def texts(self, text: str) -> list[str]:
        """The texts of the pieces."""
        return [text[start:stop] for start, stop in self.kept]


def rare_ngrams(found: ExactSet, documents: Indices, most_documents: int) -> Hashes:
    """Choose the n-grams that count: those in one document or more, and no more than so many.

    Args:
        found: the benchmarks' n-grams.
        documents: in how many documents of the corpus each is.
        most_documents: a limit.
    """
    return found.hashes[(documents > 0) & (documents <= most_documents)]


def hit_places(text: str, grams: Grams, wanted: ExactSet) -> tuple[Indices, int]:
    """Find the n-grams of a text that are wanted: the word at which each begins, and how many n-grams it has."""
    hashes = text_ngram_hashes(text, grams)
    return wanted.find(hashes)[0], len(hashes)


def judge_share(text: str, grams: Grams, wanted: ExactSet, most: float) -> Reason | None:
    """Reject a document if more than a share of its n-grams are the benchmarks'."""
    places, total = hit_places(text, grams, wanted)
    if not total or len(places) / total <= most:
        return None
    return Reason("benchmark_overlap", f"{len(places)} of {total} {grams.n}-grams, more than {most:.1%}")


def remove_windows(text: str, wanted: ExactSet, config: WindowsConfig) -> Pieces | Reason | None:
    """Cut the windows around a document's wanted n-grams; None where it has none, a reason where nothing is left."""
    places, _ = hit_places(text, config.grams, wanted)
    if not len(places):
        return None
    return cut_windows(text, _stretches(text, places, config), config)


def _stretches(text: str, places: Indices, config: WindowsConfig) -> Iterator[tuple[int, int]]:
    spans = word_spans(text, config.grams.normalizer)
    for place in places.tolist():
        yield spans[place][0], spans[place + config.n - 1][1]


def cut_windows(
    text: str, stretches: Sequence[tuple[int, int]] | Iterator[tuple[int, int]], config: WindowsConfig
) -> Pieces | Reason:
    """Cut stretches, in order of their starts, out of a text, each with its window.

    A window ends where a word does: it grows to the next white space, so that no piece begins or ends in half a word.
    """
    windows: list[tuple[int, int]] = []
    for start, stop in stretches:
        begin, end = _widen(text, max(0, start - config.window), min(len(text), stop + config.window))
        if windows and begin <= windows[-1][1]:
            windows[-1] = (windows[-1][0], max(end, windows[-1][1]))
        else:
            windows.append((begin, end))
    edges = [0, *(edge for window in windows for edge in window), len(text)]
    pieces = [piece for piece in (_strip(text, *pair) for pair in zip(edges[::2], edges[1::2], strict=True)) if piece]
    if len(pieces) > config.most_pieces:
        return Reason("too_many_pieces", f"{len(pieces)} pieces, at most {config.most_pieces}")
    kept = tuple(piece for piece in pieces if piece[1] - piece[0] >= config.shortest_piece)
    if not kept:
        return Reason("no_piece_left", f"{len(pieces)} pieces, none of {config.shortest_piece} characters")
    cuts = [Cut(start, stop, "window") for start, stop in windows]
    cuts += [Cut(start, stop, "short_piece") for start, stop in pieces if (start, stop) not in kept]
    return Pieces(kept, tuple(sorted(cuts, key=lambda cut: cut.start)))


def _widen(text: str, begin: int, end: int) -> tuple[int, int]:
    least, most = max(0, begin - _LONGEST_WORD), min(len(text), end + _LONGEST_WORD)
    while begin > least and not text[begin - 1].isspace():
        begin -= 1
    while end < most and not text[end].isspace():
        end += 1
    return begin, end


def _strip(text: str, start: int, stop: int) -> tuple[int, int] | None:
    while start < stop and text[start].isspace():
        start += 1
    while stop > start and text[stop - 1].isspace():
        stop -= 1
    return (start, stop) if stop > start else None


def only(hashes: Hashes) -> ExactSet:
    """Make a set of n-grams that are known by their hashes alone."""
    return ExactSet.of([Occurrences(hashes, np.full(len(hashes), NOBODY, np.int64), _unknown)])


def _unknown(place: int) -> Sequence[str]:
    raise LookupError(f"the words of n-gram {place} are not kept")
