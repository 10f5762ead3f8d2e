"""Lines that many documents of many hosts have, and passages that come again: what repeats below the document.

A line in many documents of *one* host may be a refrain of its author; in many documents of several hosts it is
boilerplate that extraction missed ("Share this article with your friends"), and it goes from all of them. A long
passage that several documents have word for word is a quotation, a licence or a press release; it stays in one. Nothing
is removed unless asked: `docs/dedup.md` has what it would do.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dedup.kernels.hashes import Hashes, Indices, distinct, mix64, ngram_hashes, word_hashes
from webtext.hashing import hash64

_DOCUMENT_BITS = 24  # a packed count has so many; the host's hash has the other 40
_SECOND = np.uint64(0x9E3779B97F4A7C15)  # makes other hashes of the same words: 2^64 divided by the golden ratio


@dataclass(frozen=True)
class RepeatsConfig:
    """What counts as a repeat, and goes.

    Lines of fewer than three words are headings ("Introduction"), and equal by right. Lee et al. (ACL 2022, section
    4.1) look for substrings of 50 tokens or more that come twice; 50 words are somewhat longer.
    """

    min_documents: int = 0  # a line that so many have is taken out; 0: no line is
    min_hosts: int = 3
    min_words: int = 3  # a shorter line is left alone
    passage_words: int = 0  # a shared passage of so many is taken out; 0: no passage is
    words_left: int = 1  # a document with fewer left goes as a whole

    def __post_init__(self) -> None:
        if self.min_documents == 1 or self.min_documents < 0:
            raise ValueError(f"a repeated line is in 2 documents or more (0: leave lines), not {self.min_documents}")
        if self.passage_words != 0 and self.passage_words < 3:
            raise ValueError(f"a repeated passage has 3 words or more (0: leave passages), not {self.passage_words}")
        for name in ("min_words", "min_hosts", "words_left"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")

    @property
    def any(self) -> bool:
        """Whether anything is to go at all."""
        return bool(self.min_documents or self.passage_words)


def line_hash(line: str, min_words: int = 3) -> int | None:
    """Hash the normalised words of a line; None if it has fewer than so many.

    >>> line_hash("Read more here!") == line_hash("read  MORE here"), line_hash("Introduction")
    (True, None)
    """
    hashed = word_hashes(line)
    return int(ngram_hashes(hashed, len(hashed))[0]) if len(hashed) >= min_words else None


def line_hashes(text: str, min_words: int = 3) -> Hashes:
    """Hash the lines of a text that have enough words; distinct, ascending."""
    hashed = (line_hash(line, min_words) for line in text.split("\n"))
    return distinct(np.array([one for one in hashed if one is not None], np.uint64))


def tally_lines(documents: Iterable[tuple[str, Hashes]]) -> Indices:
    """Count the documents of each host that have each line.

    Args:
        documents: host, and the hashes of the document's lines, distinct; at most 2^24 documents.

    Returns:
        Rows of (hash, 40 bits of the host's hash and a count of documents), shape (n, 2), to be sent on: rows of
        disjoint documents may lie in one table.
    """
    hashes, hosts = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for host, lines in documents:
        hashes.append(lines)
        hosts.append(np.full(len(lines), hash64(host.encode()) >> _DOCUMENT_BITS, np.int64))
    lines, names = np.concatenate(hashes).view(np.int64), np.concatenate(hosts)
    order = np.lexsort((names, lines))
    lines, names = lines[order], names[order]
    starts = _starts(lines, names)
    counts = np.diff(np.append(starts, len(lines)))
    return np.stack([lines[starts], (names[starts] << _DOCUMENT_BITS) | counts], axis=1)


def repeated_lines(rows: Indices, min_documents: int, min_hosts: int) -> tuple[Hashes, Indices, Indices]:
    """Find the lines that enough documents of enough hosts have.

    Args:
        rows: of `tally_lines`, of any number of tallies, in any order.
        min_documents: distinct documents.
        min_hosts: distinct hosts.

    Returns:
        Hashes, ascending, and how many documents and hosts have each; all of shape (n,).
    """
    lines, hosts = rows[:, 0].copy().view(np.uint64), rows[:, 1] >> _DOCUMENT_BITS
    order = np.lexsort((hosts, lines))
    lines, hosts, counts = lines[order], hosts[order], rows[order, 1] & ((1 << _DOCUMENT_BITS) - 1)
    starts = _starts(lines)
    new_host = np.ones(len(lines), np.int64)
    new_host[1:] = (lines[1:] != lines[:-1]) | (hosts[1:] != hosts[:-1])
    documents, distinct_hosts = (
        np.add.reduceat(values, starts) if len(starts) else values for values in (counts, new_host)
    )
    enough = (documents >= min_documents) & (distinct_hosts >= min_hosts)
    return lines[starts][enough], documents[enough], distinct_hosts[enough]


def window_hashes(text: str, words: int) -> tuple[Hashes, Hashes]:
    """Hash each run of so many words of a text in order, twice, by hashes that have nothing to do with each other.

    Returns:
        Two arrays of shape (max(0, words of the text - words + 1),). Runs that are equal in both have equal words: by
        128 bits together, as exact duplicates are told by two keys.
    """
    hashed = word_hashes(text)
    return ngram_hashes(hashed, words), ngram_hashes(mix64(hashed ^ _SECOND), words)


def shared_windows(rows: Indices) -> Indices:
    """Find the windows that two documents or more have.

    Args:
        rows: (first hash, second hash, place of the document), shape (n, 3), in any order.

    Returns:
        Rows of (place, first hash, documents), shape (n, 3), by window and place. In that of the smallest place, where
        the window stays, the number of documents is negative.
    """
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    rows = rows[_starts(rows[:, 0], rows[:, 1], rows[:, 2])]
    starts = _starts(rows[:, 0], rows[:, 1])
    counts = np.diff(np.append(starts, len(rows)))
    documents = np.repeat(counts, counts)
    documents[starts] *= -1
    shared: Indices = np.stack([rows[:, 2], rows[:, 0], documents], axis=1)[np.abs(documents) > 1]
    return shared


def _starts(*columns: np.typing.NDArray[np.uint64] | Indices) -> Indices:
    """Find where runs of equal rows begin in sorted columns."""
    new = np.ones(len(columns[0]), np.bool_)
    new[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return np.flatnonzero(new)
