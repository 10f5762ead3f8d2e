"""From shards to documents with their paragraphs in order, and from documents to sequences of a fixed length.

The objectives need what a bag of words has not: where a document ends (FULL-SENTENCES, NSP), and that a paragraph
follows the one before it (NSP, SOP). Both are in a corpus: a row is a document, a line of its text is a paragraph.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.gpt2.data import read_texts, shard_paths

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]
Document = Sequence[Ids]
"""The token ids of each paragraph, in their order; no paragraph is empty."""

IGNORED = -100
"""The label of a place that is not scored, as torch's cross_entropy has it (`ignore_index`)."""


class Encoder(Protocol):
    """What turns text into ids, such as `Tokenizer.encode`."""

    def __call__(self, text: str) -> Sequence[int]:
        """Encode one text."""
        ...


@dataclass(frozen=True)
class Special:
    """The ids of a vocabulary that stand for no text, wherever they are in it. `size` counts all ids."""

    size: int
    pad: int
    start: int
    separator: int
    mask: int

    def marks(self) -> list[int]:
        """List the ids that stand for no text."""
        return [self.pad, self.start, self.separator, self.mask]

    @classmethod
    def after(cls, text_ids: int) -> "Special":
        """Put the special ids behind `text_ids` ids of text.

        >>> Special.after(256)
        Special(size=260, pad=256, start=257, separator=258, mask=259)
        """
        return cls(text_ids + 4, text_ids, text_ids + 1, text_ids + 2, text_ids + 3)


def read_documents(corpus: Path, encode: Encoder, split: str = "train") -> Iterator[Document]:
    """Stream the documents of a split from its shards, a document a row, a paragraph a line.

    Raises:
        UsageError: the corpus is not there, or a shard has no column `text`.
    """
    for text in read_texts(shard_paths(corpus, split)):
        paragraphs = [np.asarray(encode(line), np.int64) for line in text.split("\n") if line.strip()]
        if paragraphs:
            yield paragraphs


def full_sentences(documents: Iterable[Document], length: int, special: Special) -> Iterator[Ids]:
    """Pack paragraphs one after another into sequences, over the ends of documents: RoBERTa's FULL-SENTENCES.

    A separator stands between documents (Liu et al. 2019, section 4.2). A paragraph that does not fit is cut, and goes
    on in the next sequence, so that no token is lost; the last sequence is padded.

    Args:
        documents: what to pack.
        length: ids of a sequence, its start and its closing separator among them; at least 3.
        special: the special ids.

    Yields:
        Arrays of shape (length,).

    Raises:
        ValueError: the length leaves no room for text.
    """
    if length < 3:
        raise ValueError(f"a sequence of {length} ids has no room for text beside its start and separator")
    stream = _with_separators(documents, special.separator)
    yield from (frame([body], length, special)[0] for body in _cut(stream, length - 2))


def _with_separators(documents: Iterable[Document], separator: int) -> Iterator[Ids]:
    for number, document in enumerate(documents):
        if number:
            yield np.array([separator], np.int64)
        yield from document


def _cut(stream: Iterable[Ids], size: int) -> Iterator[Ids]:
    held: list[Ids] = []
    room = size
    for piece in stream:
        rest = piece
        while len(rest) >= room:
            yield np.concatenate([*held, rest[:room]])
            rest, held, room = rest[room:], [], size
        if len(rest):
            held.append(rest)
            room -= len(rest)
    if held:
        yield np.concatenate(held)


def frame(segments: Sequence[Ids], length: int, special: Special) -> tuple[Ids, Ids]:
    """Put segments behind a start, each closed by a separator, and pad: BERT's form of one text or of two.

    Returns:
        Ids of shape (length,), and the number of the segment of each place (0 for padding), of the same shape.

    Raises:
        ValueError: the segments do not fit.
    """
    used = 1 + sum(len(segment) + 1 for segment in segments)
    if used > length:
        raise ValueError(f"segments of {used} ids with their marks do not fit into {length}")
    ids, kinds = np.full(length, special.pad, np.int64), np.zeros(length, np.int64)
    ids[0], place = special.start, 1
    for number, segment in enumerate(segments):
        end = place + len(segment)
        ids[place:end], ids[end], kinds[place : end + 1] = segment, special.separator, number
        place = end + 1
    return ids, kinds


def batches(sequences: Iterable[Ids], size: int) -> Iterator[Ids]:
    """Stack sequences of one length into arrays of shape (size, length); what does not fill the last is left out."""
    held: list[Ids] = []
    for sequence in sequences:
        held.append(sequence)
        if len(held) == size:
            yield np.stack(held)
            held = []
