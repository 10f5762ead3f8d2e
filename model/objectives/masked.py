"""Masked language models: BERT's 80/10/10, RoBERTa's dynamic masks, ELECTRA's replaced tokens.

Devlin et al. 2019, section 3.1 and appendix C.2: 15 % of the tokens are chosen; of those 80 % become the mask, 10 % a
random token, 10 % stay. Liu et al. 2019, section 4.1: another choice each time a sequence is seen, which is what
calling with a generator gives. Clark et al. 2020, section 2: a generator fills the masks, and a discriminator says of
each token whether it is the original.
"""

from typing import NamedTuple

import numpy as np

from model.objectives.documents import IGNORED, Flags, Ids, Special

SHARE = 0.15  # the share of tokens that are chosen (Devlin et al. 2019, section 3.1)
_MASKED, _RANDOM = 0.8, 0.1  # shares of the chosen tokens; the rest stay as they are


class Masked(NamedTuple):
    """A batch with places to predict: `inputs` and `labels`, both of shape (batch, length)."""

    inputs: Ids
    labels: Ids  # the original id where a place was chosen, else IGNORED


class Replaced(NamedTuple):
    """A batch for a discriminator: `inputs` and, of the same shape (batch, length), what is not the original."""

    inputs: Ids
    replaced: Flags


def is_text(ids: Ids, special: Special) -> Flags:
    """Tell which places hold text: special ids are never chosen."""
    return (ids < special.size) & ~np.isin(ids, special.marks())


def mask_tokens(ids: Ids, special: Special, random: np.random.Generator, share: float = SHARE) -> Masked:
    """Choose tokens to predict and hide them: each with probability `share`, then 80/10/10.

    Args:
        ids: shape (batch, length).
        special: the special ids, none of which is chosen or put in.
        random: a seeded generator; the same state gives the same masks, and the next call others.
        share: of the tokens, 0 to 1.
    """
    chosen = is_text(ids, special) & (random.random(ids.shape) < share)
    fate = random.random(ids.shape)
    inputs = np.where(chosen & (fate < _MASKED), special.mask, ids)
    text_ids = np.setdiff1d(np.arange(special.size), special.marks())  # wherever the special ids stand, as BERT's do
    others = random.choice(text_ids, ids.shape)
    inputs = np.where(chosen & (fate >= _MASKED) & (fate < _MASKED + _RANDOM), others, inputs)
    return Masked(inputs, np.where(chosen, ids, IGNORED))


def unmask(masked: Masked) -> Ids:
    """Put the labels back: the ids that `mask_tokens` was given."""
    return np.where(masked.labels == IGNORED, masked.inputs, masked.labels)


def replace_tokens(masked: Masked, samples: Ids) -> Replaced:
    """Put a generator's samples where places were chosen; a sample that is the original counts as original.

    Args:
        masked: what the generator was given.
        samples: the ids that it drew, shape (batch, length); looked at in chosen places only.
    """
    original = unmask(masked)
    inputs = np.where(masked.labels == IGNORED, original, samples)
    return Replaced(inputs, inputs != original)
