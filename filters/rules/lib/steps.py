"""What a rule is, and how a list of rules judges a document.

A rule is a callable that takes a document and gives a `Reason` to reject it, a changed document to go on with (lines
dropped, addresses masked), or None: nothing to say. The rules here are small frozen data classes whose fields are
their thresholds, so that a rule can be pickled, listed with its sources and set from a file. `Filter` is their type.
"""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from webtext.code_points import count_words
from webtext.reasons import Reason
from webtext.records import Document

Filter = Callable[[Document], Document | Reason | None]


def apply_filters(document: Document, filters: Iterable[Filter]) -> Document | Reason:
    """Give the document that the rules leave, changed where they change it, or the first reason to reject it."""
    for rule in filters:
        outcome = rule(document)
        if isinstance(outcome, Reason):
            return outcome
        if outcome is not None:
            document = outcome
    return document


def first_reason(document: Document, filters: Iterable[Filter]) -> Reason | None:
    """Give the first reason to reject a document, or None. It is a string; its `detail` tells what was measured."""
    outcome = apply_filters(document, filters)
    return outcome if isinstance(outcome, Reason) else None


def threshold(default: Any, meaning: str, source: str = "") -> Any:
    """Declare a rule's field: its default, what it means, and where the default comes from."""
    return dataclasses.field(default=default, metadata={"meaning": meaning, "source": source})


def with_text(document: Document, text: str) -> Document:
    """Give the document with another text, its words counted anew; the same document where nothing changed."""
    if text == document.text:
        return document
    return dataclasses.replace(document, text=text, n_words=count_words(text))


def over(value: float, limit: float, what: str) -> str:
    """Write the detail of a value that is over its limit.

    >>> over(0.4567, 0.3, "of lines repeat")
    '0.4567 of lines repeat, at most 0.3'
    """
    return f"{_figure(value)} {what}, at most {_figure(limit)}"


def under(value: float, limit: float, what: str) -> str:
    """Write the detail of a value that is under its limit.

    >>> under(12, 100, "words")
    '12 words, at least 100'
    """
    return f"{_figure(value)} {what}, at least {_figure(limit)}"


def _figure(value: float) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
