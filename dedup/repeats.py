"""Repeats below the document: lines that many documents of many hosts have, and long passages that come again.

A line in many documents of *one* host may be a refrain of its author; in many documents of several hosts it is
boilerplate that extraction missed ("Share this article with your friends"). Both measures count distinct documents, so
a line that a document repeats counts once. Nothing is removed unless asked: `docs/dedup.md` has what it would do.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dedup.kernels import Hashes, Indices, distinct, ngram_hashes, word_hashes
from webtext.hashing import hash64

_DOCUMENT_BITS = 24  # of a packed count; the host's hash has the other 40


@dataclass(frozen=True)
class RepeatsConfig:
    """What counts as a repeat.

    Lines of fewer than three words are headings ("Introduction"), and equal by right. Lee et al. (ACL 2022, section
    4.1) remove substrings of 50 tokens or more that come twice; 50 words are somewhat longer.
    """

    min_words: int = 3  # of a line
    min_documents: int = 10
    min_hosts: int = 3
    span_words: int = 50

    def __post_init__(self) -> None:
        for name in ("min_words", "min_documents", "min_hosts", "span_words"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")


def line_hashes(text: str, min_words: int = 3) -> Hashes:
    r"""Hash the normalised words of each line that has at least so many; distinct, ascending.

    >>> bool((line_hashes("Read more here!\nShort") == line_hashes("read  MORE here")).all())
    True
    """
    hashed = (word_hashes(line) for line in text.split("\n"))
    found = [ngram_hashes(words, len(words))[0] for words in hashed if len(words) >= min_words]
    return distinct(np.array(found, np.uint64))


def span_hashes(text: str, span_words: int = 50) -> Hashes:
    """Hash each run of so many words of a text; distinct, ascending."""
    return distinct(ngram_hashes(word_hashes(text), span_words))


def tally_units(documents: Iterable[tuple[str, Hashes]]) -> Indices:
    """Count the documents of each host that have each line or span.

    Args:
        documents: host, and the hashes of the document's units, distinct; at most 2^24 documents.

    Returns:
        Rows of (hash, 40 bits of the host's hash and a count of documents), shape (n, 2), to be sent on: rows of
        disjoint documents may lie in one table.
    """
    hashes, hosts = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for host, units in documents:
        hashes.append(units)
        hosts.append(np.full(len(units), hash64(host.encode()) >> _DOCUMENT_BITS, np.int64))
    units, names = np.concatenate(hashes).view(np.int64), np.concatenate(hosts)
    order = np.lexsort((names, units))
    units, names = units[order], names[order]
    starts = _starts(units, names)
    counts = np.diff(np.append(starts, len(units)))
    return np.stack([units[starts], (names[starts] << _DOCUMENT_BITS) | counts], axis=1)


def repeated_units(rows: Indices, min_documents: int, min_hosts: int) -> tuple[Hashes, Indices, Indices]:
    """Find what enough documents of enough hosts have.

    Args:
        rows: of `tally_units`, of any number of tallies, in any order.
        min_documents: distinct documents.
        min_hosts: distinct hosts.

    Returns:
        Hashes, ascending, and how many documents and hosts have each; all of shape (n,).
    """
    units, hosts = rows[:, 0].copy().view(np.uint64), rows[:, 1] >> _DOCUMENT_BITS
    order = np.lexsort((hosts, units))
    units, hosts, counts = units[order], hosts[order], rows[order, 1] & ((1 << _DOCUMENT_BITS) - 1)
    starts = _starts(units)
    new_host = np.ones(len(units), np.int64)
    new_host[1:] = (units[1:] != units[:-1]) | (hosts[1:] != hosts[:-1])
    documents, distinct_hosts = (
        np.add.reduceat(values, starts) if len(starts) else values for values in (counts, new_host)
    )
    enough = (documents >= min_documents) & (distinct_hosts >= min_hosts)
    return units[starts][enough], documents[enough], distinct_hosts[enough]


def _starts(*columns: np.typing.NDArray[np.uint64] | Indices) -> Indices:
    """Find where runs of equal rows begin in sorted columns."""
    new = np.ones(len(columns[0]), np.bool_)
    new[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return np.flatnonzero(new)


def remove_lines(text: str, repeated: Hashes, min_words: int = 3) -> str:
    """Take out the lines whose hash is among `repeated`; ascending, as `repeated_units` gives them."""
    kept = []
    for line in text.split("\n"):
        hashed = word_hashes(line)
        if len(hashed) < min_words or not _among(ngram_hashes(hashed, len(hashed)), repeated)[0]:
            kept.append(line)
    return "\n".join(kept)


def repeated_spans(text: str, repeated: Hashes, span_words: int = 50) -> list[tuple[int, int]]:
    """Find the runs of words that `repeated` spans cover: (first, last + 1), counted in words, apart and in order."""
    starts = np.flatnonzero(_among(ngram_hashes(word_hashes(text), span_words), repeated))
    found: list[tuple[int, int]] = []
    for start in starts.tolist():
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], start + span_words
        else:
            found.append((start, start + span_words))
    return found


def _among(hashes: Hashes, repeated: Hashes) -> np.typing.NDArray[np.bool_]:
    if not len(repeated):
        return np.zeros(len(hashes), np.bool_)
    at = np.minimum(np.searchsorted(repeated, hashes), len(repeated) - 1)
    among: np.typing.NDArray[np.bool_] = repeated[at] == hashes
    return among
