"""Do the paragraphs of a page belong together: would a model that read the corpus put them in this order?

Words in an order, and furniture, show in bits per byte; the order of paragraphs hardly does. So it is asked for: each
held-out page is cut in two where a line or a sentence ends, and scored as it stands and with its halves swapped. The
model of a corpus whose pages were put together at random has no reason to prefer one: its share is one half, and a
copy with its paragraphs shuffled is the positive control.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from model.scores.tasks import Accuracy, accuracy
from model.verdict.compare import Floats

LEAST_WORDS = 20  # the least length of each half
_LINE, _SENTENCE = re.compile(r"\n+"), re.compile(r"(?<=[.!?])\s+")

Bits = Callable[[Sequence[str]], Floats]
"""Bits of each of some texts by a model."""


@dataclass(frozen=True)
class OrderProbe:
    """The share of held-out pages that a model prefers in their own order, in per cent with its 95 % interval."""

    pages: int
    corpus: Accuracy
    shuffled: Accuracy | None
    """The figure of a model of a copy with its paragraphs shuffled; None where none was trained."""


def halves(text: str) -> tuple[str, str] | None:
    r"""Cut a page at the line end nearest to its middle, or at a sentence's; None where a half would be short.

    >>> halves("one two. " * 15 + "\n" + "three four. " * 15) is not None, halves("too short. to cut.")
    (True, None)
    """
    text = text.strip()
    for pattern in (_LINE, _SENTENCE):
        cuts = [(found.start(), found.end()) for found in pattern.finditer(text)]
        if cuts:
            start, stop = min(cuts, key=lambda cut: abs(cut[0] - len(text) // 2))
            parts = text[:start], text[stop:]
            if min(len(part.split()) for part in parts) >= LEAST_WORDS:
                return parts
    return None


def preferred(texts: Sequence[str], bits: Bits) -> Accuracy | None:
    """The share of pages that a model prefers as they stand; None where no page can be cut in two."""
    pairs = [pair for pair in map(halves, texts) if pair is not None]
    if not pairs:
        return None
    ordered = bits([f"{one}\n{two}" for one, two in pairs])
    swapped = bits([f"{two}\n{one}" for one, two in pairs])
    return accuracy(np.less(ordered, swapped).tolist())
