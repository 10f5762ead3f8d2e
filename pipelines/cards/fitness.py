"""Whether a corpus has what a family of models is made from: documents, paragraphs in them, length.

Measured over the shards, a column at a time. What an objective cannot do without decides; how much of it there is, is
told as a share, for the reader to judge (docs/explanation.md has the table of who needs what).
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext import storage

LONG = 512  # words that fill a sequence of 512 tokens, which the models of 2018 to 2020 read
HALF = 0.5  # our choice: where fewer documents have paragraphs, pairs are made of a corpus' minority


@dataclass(frozen=True)
class Shape:
    """What documents look like; shares are of the documents."""

    documents: int
    with_paragraphs: float
    """Share with two paragraphs or more."""
    median_paragraphs: float
    median_words: float
    long: float
    """Share of at least `LONG` words."""


_NEEDS_PAIRS = frozenset({"bert", "albert"})  # next sentence and sentence order prediction
_NEEDS_ANOTHER = frozenset({"bert"})  # a random second segment is of another document
FAMILIES = ("gpt2", "bert", "roberta", "albert", "electra", "xlnet", "t5")


def shape_of(directory: str, pattern: str) -> Shape:
    """Measure the shards of a corpus directory."""
    paragraphs: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = [np.zeros(0, np.int64)]
    words: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = [np.zeros(0, np.int64)]
    for name in storage.list_tree(directory, pattern):
        with storage.open_file(storage.join(directory, name)) as stream:
            for batch in pq.ParquetFile(stream).iter_batches(512, columns=["text", "n_words"]):
                paragraphs.append(np.asarray(pc.add(pc.count_substring(batch["text"], "\n"), 1), np.int64))
                words.append(np.asarray(batch["n_words"], np.int64))
    lines, lengths = np.concatenate(paragraphs), np.concatenate(words)
    if not len(lines):
        return Shape(0, 0.0, 0.0, 0.0, 0.0)
    shares = float((lines > 1).mean()), float(np.median(lines)), float(np.median(lengths))
    return Shape(len(lines), *shares, float((lengths >= LONG).mean()))


def described(shape: Shape) -> str:
    """Say what documents look like, in one phrase."""
    return (
        f"{shape.documents:,} documents, {shape.with_paragraphs:.1%} with two paragraphs or more, "
        f"{shape.median_paragraphs:.0f} paragraphs and {shape.median_words:,.0f} words in the median, "
        f"{shape.long:.1%} of {LONG} words or more"
    )


def told(shape: Shape, family: str) -> Iterator[str]:
    """Say what a corpus has of what a family of models is made from."""
    yield f"for {family}: {described(shape)}"


def paragraph(shape: Shape) -> str:
    """Say in a corpus' card what its documents are fit for: the families that it lacks something for are named."""
    lacking = [family for family in FAMILIES if shortcomings(shape, family)]
    fit = f"all but {', '.join(lacking)}" if lacking else ", ".join(FAMILIES)
    order = "A line of `text` is a paragraph, in its order."
    said = f"{described(shape)}. {order} What models are made from is here for: {fit} (`webtext verify --for`)."
    return textwrap.fill(said, 120) + "\n"


def shortcomings(shape: Shape, family: str) -> list[str]:
    """Say what a family of models cannot do without and the corpus has not.

    >>> shortcomings(Shape(1, 0.2, 1.0, 900.0, 1.0), "albert")
    ['only 20.0% of the documents have the two paragraphs that a pair of segments is made of']
    """
    if not shape.documents:
        return ["there is no document"]
    found = []
    if family in _NEEDS_ANOTHER and shape.documents < 2:
        found.append("a random second segment needs a second document")
    if family in _NEEDS_PAIRS and shape.with_paragraphs < HALF:
        share = f"{shape.with_paragraphs:.1%}"
        found.append(f"only {share} of the documents have the two paragraphs that a pair of segments is made of")
    return found
