"""The stable hashes: of an identity, of a choice, of a file.

Every choice in a corpus (which shard, held-out or not, which of two equals) is a function of the data, so it has to
come from a hash that is the same on every machine, in every process and in every release. Python's own `hash` is not.
"""

import hashlib
from typing import BinaryIO

_CHUNK = 1 << 20  # bytes read at a time


def hash64(data: bytes, *, salt: bytes = b"") -> int:
    """Hash bytes to an unsigned 64-bit integer with BLAKE2b; `salt` (at most 16 bytes) gives independent hashes.

    >>> hash64(b"webtext") == hash64(b"webtext", salt=b"split")
    False
    """
    return int.from_bytes(hashlib.blake2b(data, digest_size=8, salt=salt).digest(), "big")


def document_id(url: str) -> str:
    """Give the id of a document: 16 hexadecimal digits of its canonical URL's 64-bit hash.

    >>> document_id("https://example.org/")
    '6ec7e91c7656bfb8'
    """
    return f"{hash64(url.encode()):016x}"


def bucket_of(identity: str, buckets: int, *, salt: bytes = b"bucket") -> int:
    """Place an id or URL in one of `buckets` buckets, in the order of its hash (bucket 0 has the smallest hashes)."""
    return hash64(identity.encode(), salt=salt) * buckets >> 64


def split_of(cluster: str, held_out: float) -> str:
    """Tell the split of a near-duplicate cluster: `validation` for a share `held_out` of all clusters, else `train`.

    The hash of the cluster decides, so near-duplicates can never stand on both sides (GPT-2 paper, section 3: tuned on
    a 5 % held-out sample), and the same cluster is held out of every corpus.
    """
    return "validation" if hash64(cluster.encode(), salt=b"split") < held_out * 2**64 else "train"


def sha256_of(stream: BinaryIO) -> tuple[str, int]:
    """Return the sha256 (hexadecimal) and the length in bytes of what is left in a binary stream."""
    digest, length = hashlib.sha256(), 0
    while block := stream.read(_CHUNK):
        digest.update(block)
        length += len(block)
    return digest.hexdigest(), length
