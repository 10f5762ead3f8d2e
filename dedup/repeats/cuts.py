"""What is taken out of one text: its repeated lines, its repeated passages, and nothing of the words around them.

A line goes with its line break. A passage goes from its first word to its last, with the punctuation behind it; lines
keep apart what they kept apart, and a line of which no word is left goes whole.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from dedup.kernels.hashes import Hashes, Indices
from dedup.overlap.ngrams import word_spans
from dedup.repeats.find import RepeatsConfig, line_hash, window_hashes

LINE, PASSAGE = "line", "passage"
_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True, order=True)
class RepeatCut:
    """A stretch of a text that goes."""

    start: int  # characters
    stop: int
    why: str  # "line" or "passage"
    documents: int  # how many have the line, or the beginning of the passage


@dataclass(frozen=True)
class Windows:
    """The windows of one document that others have, too."""

    hashes: Hashes  # ascending
    documents: Indices  # how many have each; negative where it stays in this one

    def find(self, hashes: Hashes) -> Indices:
        """Look up how many documents have each of some windows, as `documents` has it; 0 for one that is not here."""
        if not len(self.hashes):
            return np.zeros(len(hashes), np.int64)
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[at] == hashes, self.documents[at], 0)


def without(text: str, cuts: Iterable[tuple[int, int]]) -> str:
    """Take stretches out of a text, given in order and apart, and the white space that is left at its ends."""
    edges = [0, *(edge for cut in cuts for edge in cut), len(text)]
    return "".join(text[start:stop] for start, stop in zip(edges[::2], edges[1::2], strict=True)).strip()


def line_cuts(text: str, repeated: Mapping[int, int], config: RepeatsConfig) -> list[RepeatCut]:
    """Find the lines of a text that go, each with its line break.

    Args:
        text: any text.
        repeated: hash of each line that is repeated → documents that have it.
        config: says how many words a line has.
    """
    cuts, start = [], 0
    for line in text.split("\n"):
        stop = min(start + len(line) + 1, len(text))
        hashed = line_hash(line, config.min_words) if repeated else None
        if hashed is not None and hashed in repeated:
            cuts.append(RepeatCut(start, stop, LINE, repeated[hashed]))
        start = stop
    return cuts


def passage_cuts(text: str, windows: Windows, words: int) -> Iterator[RepeatCut]:
    """Find the passages of a text that go: all words of windows that another document keeps, but none that this does.

    Args:
        text: any text.
        windows: those of the document, of so many words.
        words: of a window.
    """
    documents = windows.find(window_hashes(text, words)[0])
    if not (documents > 0).any():
        return
    goes = _covered(documents > 0, words) & ~_covered(documents < 0, words)
    spans = word_spans(text, "gpt2")
    steps = np.diff(np.concatenate([[0], goes.astype(np.int8), [0]]))
    for first, end in zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True):
        known = documents[max(0, first - words + 1) : end]
        for start, stop in _by_line(text, spans[first][0], spans[end - 1][1]):
            yield RepeatCut(start, stop, PASSAGE, int(known.max()))


def _covered(starts: np.typing.NDArray[np.bool_], words: int) -> np.typing.NDArray[np.bool_]:
    """Tell which words lie in a window, given at which words windows begin; shape (starts + words - 1,)."""
    edges = np.zeros(len(starts) + words, np.int64)
    edges[: len(starts)] += starts
    edges[words:] -= starts
    covered: np.typing.NDArray[np.bool_] = np.cumsum(edges)[:-1] > 0
    return covered


def _by_line(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Divide a stretch by lines, widened over what is no word: a line without another word goes with its break."""
    while start < stop:
        begin = text.rfind("\n", 0, start) + 1
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        following = _WORD.search(text, min(stop, end), end)
        until = following.start() if following else end
        if _WORD.search(text, begin, start) is None:
            first = begin
        else:
            first = start if following else len(text[:start].rstrip())
        whole = first == begin and until == end
        yield first, min(until + 1, len(text)) if whole else until
        start = end + 1
        while start < stop and text[start] == "\n":
            start += 1


def repeat_cuts(text: str, repeated: Mapping[int, int], windows: Windows, config: RepeatsConfig) -> list[RepeatCut]:
    """Find all that goes from a text, in order and apart: passages are looked for in what the lines leave."""
    lines = line_cuts(text, repeated, config)
    if not (config.passage_words and len(windows.hashes)):
        return lines
    edges = [0, *(edge for cut in lines for edge in (cut.start, cut.stop)), len(text)]
    pieces = list(zip(edges[::2], edges[1::2], strict=True))
    left = "".join(text[start:stop] for start, stop in pieces)
    passages = passage_cuts(left, windows, config.passage_words)
    return sorted([*lines, *(one for cut in passages for one in _in_original(cut, pieces))])


def _in_original(cut: RepeatCut, pieces: list[tuple[int, int]]) -> Iterator[RepeatCut]:
    """Say where a cut of the joined pieces lies in the text that they are pieces of."""
    begins = list(accumulate((stop - start for start, stop in pieces), initial=0))
    number, at = bisect_right(begins, cut.start) - 1, cut.start
    while at < cut.stop:
        start, _ = pieces[number]
        end = min(cut.stop, begins[number + 1])
        if end > at:
            yield RepeatCut(start + at - begins[number], start + end - begins[number], cut.why, cut.documents)
        at, number = end, number + 1
