"""Two vocabularies of what may be done with content: AIPREF's `Content-Usage`, and Content Signals.

Sources: draft-ietf-aipref-vocab-08 (sections 5 to 6) and draft-ietf-aipref-attach-05, whose values are dictionaries of
RFC 9651; contentsignals.org, whose values are `yes` and `no`, and `use` with `immediate`, `reference` or `full`.
"""

import re
from typing import Any

from http_sf import StructuredFieldError, Token, parse

# AIPREF's word and Content Signals', which sites take one for the other; AIPREF leaves open what is unknown to it.
_TRAINING = ("train-ai", "ai-train")
_YES, _NO = frozenset({"y", "yes"}), frozenset({"n", "no"})
# Labels of earlier drafts that took in training; sites still write them. They count where `train-ai` says nothing.
_EARLIER_LABELS = ("ai", "genai", "train-genai", "tdm", "all", "bots")
_MAX_VALUE = 1000  # characters read
_PAIR = re.compile(r"([a-z-]+)\s*=\s*([a-z?0-9]+)")
_LESS_THAN_FULL = frozenset({"immediate", "reference"})


def usage_forbids_training(value: str) -> bool:
    """Tell whether a `Content-Usage` disallows training. What is no dictionary says nothing, and so do other values.

    >>> usage_forbids_training("search=y, train-ai=n"), usage_forbids_training("train-ai=y")
    (True, False)
    """
    try:
        members: Any = parse(value[:_MAX_VALUE].strip().encode("latin-1", "replace"), tltype="dictionary")
    except StructuredFieldError:
        return False
    said = {label: str(member[0]) for label, member in members.items() if isinstance(member[0], Token)}
    for label in _TRAINING:
        if said.get(label) in _YES | _NO:
            return said[label] in _NO
    return any(said.get(label) == "n" for label in _EARLIER_LABELS)


def signal_forbids_training(value: str) -> bool:
    """Tell whether a `Content-Signal` keeps content from training: `ai-train=no`, or use short of `full`.

    >>> [signal_forbids_training(value) for value in ("search=yes,ai-train=no", "use=reference", "ai-train=yes")]
    [True, True, False]
    """
    said = dict(_PAIR.findall(value[:_MAX_VALUE].lower()))
    for label in reversed(_TRAINING):
        if label in said:
            return said[label] in _NO
    return said.get("use") in _LESS_THAN_FULL
