"""All that de-duplication needs to know of a text, made in one pass where the text is at hand."""

import hashlib
from dataclasses import dataclass

from dedup.kernels.hashes import Hashes, word_hashes
from dedup.near.minhash import MinHashConfig, signature
from dedup.near.shingles import bounded, shingles_of_words


@dataclass(frozen=True)
class Sketch:
    """What stands for a text in the search for duplicates."""

    signature: bytes  # num_perm little-endian 32-bit numbers
    shingles: Hashes  # ascending, distinct, at most dedup.near.shingles.MOST_SHINGLES
    text_digest: str  # equal for texts of the same words in the same order


def sketch(text: str, config: MinHashConfig) -> Sketch:
    """Sketch a text: its MinHash signature, its shingles, and the digest of its normalised form.

    The signature is of all shingles, also of a text so long that not all of them are kept.
    """
    words = word_hashes(text)
    shingles = shingles_of_words(words, config.shingle_words)
    signed = signature(shingles, config).astype("<u4").tobytes()
    return Sketch(signed, bounded(shingles), _digest(text, words))


def text_digest(text: str) -> str:
    """Digest a text's normalised form: 32 hexadecimal digits of BLAKE2b over its word hashes.

    A text without words (a row of emoji) is digested as it stands, so such texts do not all become one.

    >>> text_digest("Hello, World!") == text_digest("hello   world")
    True
    >>> text_digest("!?") == text_digest("?!")
    False
    """
    return _digest(text, word_hashes(text))


def _digest(text: str, words: Hashes) -> str:
    content = words.astype("<u8").tobytes() if len(words) else b"=" + text.strip().encode(errors="surrogatepass")
    return hashlib.blake2b(content, digest_size=16).hexdigest()
