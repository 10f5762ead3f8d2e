"""T5's span corruption with sentinels, and its prefix language model (Raffel et al. 2020, sections 3.1.4 and 3.2.3).

15 % of the tokens are dropped in spans of 3 on average; each span leaves one sentinel in the inputs, and the targets
are the sentinels with what they stand for, closed by one more sentinel. No token is lost: `restore` gives the text.
"""

from typing import NamedTuple

import numpy as np

from model.objectives.documents import Flags, Ids

DENSITY, MEAN_SPAN = 0.15, 3.0  # Raffel et al. 2020, section 3.3.4


class Spans(NamedTuple):
    """What an encoder reads and what a decoder writes, one text: arrays of their own lengths."""

    inputs: Ids
    targets: Ids


def lengths_for(inputs_length: int, density: float = DENSITY, mean_span: float = MEAN_SPAN) -> tuple[int, int]:
    """Find how many tokens fill `inputs_length` after corruption, an end mark included, and how long targets are then.

    The longest text whose inputs still fit, as T5's random_spans_helper finds it.

    >>> lengths_for(512)
    (568, 114)
    """

    def after(tokens: int) -> tuple[int, int]:
        noise = round(tokens * density)
        spans = round(noise / mean_span)
        return tokens - noise + spans + 1, noise + spans + 1

    tokens = inputs_length
    while after(tokens + 1)[0] <= inputs_length:
        tokens += 1
    return tokens, after(tokens)[1]


def noise_mask(
    length: int, random: np.random.Generator, density: float = DENSITY, mean_span: float = MEAN_SPAN
) -> Flags:
    """Draw which of `length` tokens are dropped: spans of random lengths between stretches of random lengths.

    The first stretch is kept, as in T5. Shape (length,).

    Raises:
        ValueError: fewer than two tokens, so that none can be dropped and one kept.
    """
    if length < 2:
        raise ValueError(f"a text of {length} tokens cannot lose one and keep one")
    dropped = min(max(round(length * density), 1), length - 1)
    spans = min(max(round(dropped / mean_span), 1), dropped, length - dropped)
    parts = np.stack([_divide(length - dropped, spans, random), _divide(dropped, spans, random)], axis=1).ravel()
    return np.repeat(np.tile([False, True], spans), parts)


def _divide(items: int, parts: int, random: np.random.Generator) -> Ids:
    """Divide `items` into `parts` counts of at least one, every division equally likely."""
    ends = np.sort(random.choice(items - 1, parts - 1, replace=False)) + 1 if parts > 1 else np.zeros(0, np.int64)
    return np.diff(np.concatenate([[0], ends, [items]])).astype(np.int64)


def corrupt_spans(ids: Ids, dropped: Flags, first_sentinel: int) -> Spans:
    """Replace each dropped span by a sentinel; sentinels count downwards from `first_sentinel`, as T5's do.

    Args:
        ids: shape (length,).
        dropped: shape (length,), from `noise_mask`.
        first_sentinel: the id of the first sentinel; one more than there are spans must lie at and below it.
    """
    starts = dropped & ~np.concatenate([[False], dropped[:-1]])
    sentinels = first_sentinel - (np.cumsum(starts) - 1)
    inputs = np.where(starts, sentinels, ids)[~dropped | starts]
    n_spans = int(starts.sum())
    opened = np.insert(ids, np.flatnonzero(starts), first_sentinel - np.arange(n_spans))
    shown = np.insert(dropped, np.flatnonzero(starts), np.ones(n_spans, bool))
    return Spans(inputs, np.append(opened[shown], first_sentinel - n_spans))


def restore(spans: Spans, first_sentinel: int) -> Ids:
    """Put the spans of the targets back in the place of their sentinels: the ids that were corrupted.

    Ids of text must not lie among those of the sentinels.
    """
    last = int(spans.targets[-1])
    marks = np.flatnonzero((spans.targets >= last) & (spans.targets <= first_sentinel))
    places = np.flatnonzero((spans.inputs > last) & (spans.inputs <= first_sentinel))
    pieces: list[Ids] = []
    at = 0
    for place, start, end in zip(places, marks[:-1], marks[1:], strict=True):
        pieces += [spans.inputs[at:place], spans.targets[start + 1 : end]]
        at = int(place) + 1
    return np.concatenate([*pieces, spans.inputs[at:]])


def prefix_lm(ids: Ids, random: np.random.Generator) -> Spans:
    """Cut a text in two at a place drawn evenly: the encoder reads the first part, the decoder writes the second.

    Raises:
        ValueError: fewer than two tokens.
    """
    if len(ids) < 2:
        raise ValueError(f"a text of {len(ids)} tokens has no two parts")
    cut = int(random.integers(1, len(ids)))
    return Spans(ids[:cut], ids[cut:])
