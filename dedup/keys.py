"""Keys under which duplicates meet: the bands of a signature, and the digests of what is equal.

The two lowest bits of a key say what kind it is. Documents of equal text have equal bands; within a run only the first
of them shows its bands, and the others follow it through the key of their text. So a text that is there a million
times makes no giant bucket in each of its bands.
"""

import numpy as np
import pyarrow as pa

from dedup.kernels import Hashes, Indices
from dedup.minhash import MinHashConfig, band_keys
from dedup.parts import signatures_of
from webtext.hashing import hash64

KIND = np.uint64(3)  # mask of the bits that tell the kind
BAND = np.uint64(0)
EXACT_COLUMNS = {"text_digest": np.uint64(1), "body_digest": np.uint64(2), "url": np.uint64(3)}
KEY_COLUMNS = ["url", "text_digest", "body_digest", "signature", "n_shingles"]


def keys_a_document(config: MinHashConfig) -> int:
    """Tell how many keys a document has at most."""
    return config.banding[0] + len(EXACT_COLUMNS)


def document_keys(table: pa.Table, config: MinHashConfig) -> tuple[Hashes, Indices]:
    """Make the keys of documents.

    Args:
        table: documents with `KEY_COLUMNS`.
        config: says how signatures are banded.

    Returns:
        Keys, and the row that each belongs to; both of shape (keys,). Empty digests and documents without shingles
        make no keys of that kind.
    """
    keys, rows = [], []
    for name, kind in EXACT_COLUMNS.items():
        values = table.column(name).to_pylist()
        known = np.array([row for row, value in enumerate(values) if value], np.int64)
        hashed = np.array([hash64(values[row].encode()) for row in known], np.uint64)
        keys.append(hashed & ~KIND | kind)
        rows.append(known)
    _, first = np.unique(keys[0], return_index=True)  # by text: digests are never empty
    shown = first[table.column("n_shingles").to_numpy()[first] > 0]
    if len(shown):
        banded = band_keys(signatures_of(table.column("signature").take(pa.array(shown))), config)
        keys.append(banded.ravel() & ~KIND | BAND)
        rows.append(np.repeat(shown, banded.shape[1]))
    return np.concatenate(keys), np.concatenate(rows)
