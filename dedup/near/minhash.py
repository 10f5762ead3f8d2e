"""MinHash signatures with datasketch's meaning, and the bands that make candidates of them.

The estimate is Broder's (1997): the share of equal values in two signatures estimates the Jaccard similarity of the
two sets. Banding is that of Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4: documents that
agree in all rows of some band are candidates. Candidates only: `dedup.near.verify` decides.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dedup.kernels.hashes import Hashes, Words32, minhash
from dedup.kernels.link_kernels import hash_bands


@dataclass(frozen=True)
class MinHashConfig:
    """How near-duplicates are found.

    The threshold, 0.7, is text-dedup's, NeMo's and data-juicer's; of a 1,000-word text it allows about 35 single-word
    edits spread out, since each edit changes five shingles. FineWeb's 14 bands of 8 rows have their steepest point at
    0.72. The wanted recall, 0.97 at the threshold itself, gives 20 bands of 5 rows; recall is then 0.996 at 0.75.
    128 permutations are enough for thresholds up to 0.8 at that recall, and leave signatures that another threshold
    can be tried on without reading a text again.
    """

    num_perm: int = 128
    seed: int = 1
    shingle_words: int = 5
    threshold: float = 0.7  # true Jaccard similarity from which two documents are near-duplicates
    recall: float = 0.97  # wanted share of pairs at the threshold that become candidates; unused if bands are given
    bands: int | None = None  # None: derived from threshold and recall
    rows: int | None = None

    def __post_init__(self) -> None:
        if self.num_perm < 1:
            raise ValueError(f"num_perm must be 1 or more, not {self.num_perm}")
        if self.shingle_words < 1:
            raise ValueError(f"shingle_words must be 1 or more, not {self.shingle_words}")
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold is a Jaccard similarity above 0 and up to 1, not {self.threshold}")
        if not 0 < self.recall < 1:
            raise ValueError(f"recall is a share between 0 and 1, not {self.recall}")
        if (self.bands is None) != (self.rows is None):
            raise ValueError("give both bands and rows, or neither (they are then derived from threshold and recall)")
        bands, rows = self.banding
        if bands < 1 or rows < 1 or bands * rows > self.num_perm:
            raise ValueError(f"{bands} bands of {rows} rows need {bands * rows} permutations, num_perm={self.num_perm}")

    @property
    def banding(self) -> tuple[int, int]:
        """Bands and rows: as given, else derived."""
        if self.bands is not None and self.rows is not None:
            return self.bands, self.rows
        return optimal_bands(self.threshold, self.num_perm, self.recall)


def collision_probability(jaccard: float, bands: int, rows: int) -> float:
    """Give the probability that two sets agree in all rows of at least one band: the S-curve.

    >>> round(collision_probability(0.7, bands=20, rows=5), 3)
    0.975
    """
    return 1.0 - (1.0 - jaccard**rows) ** bands


@lru_cache(maxsize=64)
def optimal_bands(threshold: float, num_perm: int, recall: float) -> tuple[int, int]:
    """Derive (bands, rows): the most rows, then the fewest bands, that find a share `recall` at the threshold.

    More rows make fewer false candidates, more bands more of them, so these are the cheapest that keep the promise.

    >>> optimal_bands(0.7, 128, 0.97)
    (20, 5)

    Raises:
        ValueError: no bands within `num_perm` reach that recall.
    """
    for rows in range(num_perm, 0, -1):
        for bands in range(1, num_perm // rows + 1):
            if collision_probability(threshold, bands, rows) >= recall:
                return bands, rows
    raise ValueError(
        f"no bands of {num_perm} permutations find {recall:.0%} of the pairs at a similarity of {threshold}: "
        "raise num_perm or the threshold, or want less recall"
    )


def signature(shingles: Hashes, config: MinHashConfig) -> Words32:
    """Sign a set of shingle hashes, shape (n,), any order; datasketch's `hashvalues`, shape (num_perm,).

    datasketch 2's scheme `affine32` is fed the low 32 bits of each hash. An empty set gives 2^32 - 1 everywhere.
    """
    return minhash(shingles, *permutations(config.num_perm, config.seed))


@lru_cache(maxsize=8)
def permutations(num_perm: int, seed: int) -> tuple[Words32, Words32]:
    """Draw the multipliers and offsets that datasketch's `affine32` has for a seed, each of shape (num_perm,).

    Drawn here, since importing datasketch loads scipy, a third of a worker's start; a test holds the two equal.
    """
    generator = np.random.RandomState(seed)  # datasketch's; numpy keeps the stream of this one for good
    odd = generator.randint(0, 1 << 31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return odd, generator.randint(0, 1 << 32, num_perm, dtype=np.uint32)


def estimate_jaccard(first: Words32, second: Words32) -> float:
    """Estimate a Jaccard similarity from two signatures; standard error sqrt(j (1 - j) / num_perm)."""
    return float(np.mean(first == second))


def band_keys(signatures: Words32, config: MinHashConfig) -> Hashes:
    """Hash each band of each signature to 64 bits; the number of the band enters, so bands never meet one another.

    Args:
        signatures: shape (..., num_perm).
        config: says how many bands and rows.

    Returns:
        Shape (..., bands).
    """
    bands, rows = config.banding
    keys = hash_bands(signatures.reshape(-1, signatures.shape[-1]), bands, rows)
    return keys.reshape(*signatures.shape[:-1], bands)
