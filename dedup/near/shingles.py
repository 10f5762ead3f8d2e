"""What two texts have in common: the set of their word 5-grams, as 64-bit hashes.

Broder (1997) calls them shingles. Five words is what GPT-3 (appendix A), RedPajama, FineWeb and OpenWebText compare by:
short enough to survive an edit elsewhere, long enough that unrelated texts share almost none.
"""

from dedup.kernels.hashes import Hashes, distinct, ngram_hashes, word_hashes

# A set larger than this (1 MiB of hashes; about 130,000 words, a long novel) is represented by its smallest hashes. The
# similarity of two such sets is then an estimate from a uniform sample of their union (Beyer et al., SIGMOD 2007) with
# a standard error of at most 0.5 / sqrt(131,072) = 0.0014.
MOST_SHINGLES = 1 << 17


def shingle_hashes(text: str, n: int = 5) -> Hashes:
    """Hash the distinct word n-grams of a text.

    A text of fewer than n words has one shingle: all of its words together. So it is similar (1.0) to the texts of the
    very same words and dissimilar (0.0) to all others; no two short texts fall together for being short. A text
    without words has no shingle, and is similar to nothing.

    Args:
        text: any text; it is normalised as `webtext.text.words` does.
        n: words a shingle, 1 or more.

    Returns:
        Hashes, ascending, without repeats, shape (distinct n-grams,).

    Raises:
        ValueError: n is below 1.
    """
    return shingles_of_words(word_hashes(text), n)


def shingles_of_words(words: Hashes, n: int = 5) -> Hashes:
    """Make the shingles of a text from its word hashes, shape (words,); see `shingle_hashes`."""
    return distinct(ngram_hashes(words, min(n, max(1, len(words)))))


def bounded(shingles: Hashes) -> Hashes:
    """Keep at most `MOST_SHINGLES` of an ascending set, the smallest: what is stored to verify a pair by."""
    return shingles[:MOST_SHINGLES]
