"""Two vocabularies of what may be done with content: AIPREF's `Content-Usage`, and Content Signals.

Sources: draft-ietf-aipref-vocab-08 (sections 5 to 6) and draft-ietf-aipref-attach-05, whose values are dictionaries of
RFC 9651; contentsignals.org, whose values are `yes` and `no`, and `use` with `immediate`, `reference` or `full`.
"""

import re
from typing import Any

from http_sf import StructuredFieldError, Token, parse

# Labels of earlier drafts that took in training; sites still write them. They count where `train-ai` says nothing.
_EARLIER_LABELS = ("ai", "genai", "train-genai", "bots")
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
    if said.get("train-ai") in {"y", "n"}:
        return said["train-ai"] == "n"
    return any(said.get(label) == "n" for label in _EARLIER_LABELS)


def signal_forbids_training(value: str) -> bool:
    """Tell whether a `Content-Signal` keeps content from training: `ai-train=no`, or use short of `full`.

    >>> [signal_forbids_training(value) for value in ("search=yes,ai-train=no", "use=reference", "ai-train=yes")]
    [True, True, False]
    """
    said = dict(_PAIR.findall(value[:_MAX_VALUE].lower()))
    if "ai-train" in said:
        return said["ai-train"] in {"no", "n"}
    return said.get("use") in _LESS_THAN_FULL
