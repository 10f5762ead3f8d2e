"""Keys under which duplicates meet: the bands of a signature, and the digests of what is equal.

The three lowest bits of a key say what kind it is. Equal content makes two keys, of two independent hashes, and only
documents that share both are called equal: by 122 bits. Documents of equal text have equal bands; within a run only
the first of them shows its bands, and the others follow it through the keys of their text. So a text that is there a
million times makes no giant bucket in each of its bands.
"""

import hashlib

import numpy as np
import pyarrow as pa

from dedup.kernels.hashes import Hashes, Indices
from dedup.near.minhash import MinHashConfig, band_keys
from dedup.near.parts import EXTENT, flat_values, signatures_of

KINDS = np.uint64(7)  # mask of the bits that tell the kind: 0 for a band, else where an exact key is from
SECOND = np.uint64(4)  # The kind of the second half of an exact key has this bit.
EXACT_COLUMNS = {"text_digest": np.uint64(1), "body_digest": np.uint64(2), "url": np.uint64(3)}
KEY_COLUMNS = ["text_digest", "body_digest", "signature", *EXTENT]  # `url` is read too where URLs make keys


def keys_a_document(config: MinHashConfig) -> int:
    """Tell how many keys a document has at most."""
    return config.banding[0] + 2 * len(EXACT_COLUMNS)


def document_keys(table: pa.Table, config: MinHashConfig, *, by_url: bool) -> tuple[Hashes, Indices]:
    """Make the keys of documents.

    Args:
        table: documents with `KEY_COLUMNS`.
        config: says how signatures are banded.
        by_url: whether URLs make keys; those of one build are distinct, those of an earlier corpus may come again.

    Returns:
        Keys, and the row that each belongs to; both of shape (keys,). Empty digests and documents without shingles
        make no keys of that kind.
    """
    keys, rows = [], []
    for name, kind in EXACT_COLUMNS.items():
        if name == "url" and not by_url:
            continue
        lengths, content = flat_values(table.column(name))
        known = np.flatnonzero(lengths)
        if name == "text_digest":  # a hash of 128 bits in hexadecimal digits
            hashed = bytes.fromhex(str(content, "ascii"))
        else:
            hashed = b"".join(map(_hash128, filter(None, table.column(name).to_pylist()))) if len(known) else b""
        halves = np.frombuffer(hashed, "<u8").reshape(-1, 2)
        keys += [halves[:, 0] & ~KINDS | kind, halves[:, 1] & ~KINDS | kind | SECOND]
        rows += [known, known]
    _, first = np.unique(
        keys[0], return_index=True
    )  # Every document has a key by its text, since digests are never empty.
    shown = first[table.column("n_shingles").to_numpy()[first] > 0]
    if len(shown):
        banded = band_keys(signatures_of(table.column("signature"))[shown], config)
        keys.append(banded.ravel() & ~KINDS)
        rows.append(np.repeat(shown, banded.shape[1]))
    return np.concatenate(keys), np.concatenate(rows)


def _hash128(value: str) -> bytes:
    return hashlib.blake2b(value.encode(), digest_size=16).digest()
