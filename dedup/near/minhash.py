"""MinHash signatures and the bands that make candidates of them, both as datasketch defines them.

The estimate is Broder's (1997): the share of equal values in two signatures estimates the Jaccard similarity of the
two sets. Banding is that of Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4: documents that
agree in all rows of some band are candidates. Candidates only: `dedup.near.verify` decides.

datasketch is asked at run time for its permutations, and for bands and rows. Where numba is installed, a compiled
kernel signs in its place once that pays: 12 nanoseconds a hash, where datasketch takes 150 (sets of 600 hashes, 128
permutations, one core). Each process first has both sign a set; if they differ by a bit, datasketch goes on alone.
"""

import contextlib
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from dedup.kernels.hashes import Floats, Hashes, Words32, mix64
from dedup.kernels.link_kernels import hash_bands
from dedup.kernels.numba_or_numpy import pays

SCHEME = "affine32"  # datasketch 2's default
_NANOSECONDS_LOST = 140  # how much longer datasketch takes for a hash than the kernel, about
_AT_ONCE = 512  # hashes that datasketch is given at a time: what it makes of them stays near the processor
_TRIED = 50  # hashes that both sign before the kernel is trusted
_ONE_BAND = 0.99  # similarity above which datasketch would choose one band of all permutations, which it refuses
_MOST_HALVINGS = 20


@dataclass(frozen=True)
class MinHashConfig:
    """How near-duplicates are found.

    The threshold, 0.7, is text-dedup's, NeMo's and data-juicer's; of a 1,000-word text it allows about 35 single-word
    edits spread out, since each edit changes five shingles. FineWeb's 14 bands of 8 rows have their steepest point at
    0.72. For the wanted recall, 0.97 at the threshold itself, datasketch chooses 24 bands of 5 rows; recall is then
    0.988, and 0.998 at 0.75. 128 permutations serve any threshold from 0.5 up at that recall, so another threshold can
    be tried without reading a text again.
    """

    num_perm: int = 128
    seed: int = 1
    shingle_words: int = 5
    threshold: float = 0.7  # true Jaccard similarity from which two documents are near-duplicates
    recall: float = 0.97  # wanted share of pairs at the threshold that become candidates; unused if bands are given
    bands: int | None = None  # None: derived from threshold and recall
    rows: int | None = None
    reference: bool = False  # whether datasketch does all signing itself; it changes no bit

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
        if self.bands is None or self.rows is None:
            return
        bands, rows = self.bands, self.rows
        if bands < 1 or rows < 1 or bands * rows > self.num_perm:
            raise ValueError(f"{bands} bands of {rows} rows need {bands * rows} permutations, num_perm={self.num_perm}")

    def identity(self) -> dict[str, Any]:
        """Give the settings that what is found depends on."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "reference"}

    @property
    def banding(self) -> tuple[int, int]:
        """Bands and rows: as given, else as datasketch chooses them.

        Raises:
            ValueError: no bands within `num_perm` reach the recall.
        """
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
    """Have datasketch choose (bands, rows) so that a share `recall` of the pairs at the threshold become candidates.

    datasketch weighs false positives against false negatives. The weight of the false positives is halved until the
    recall is reached: what is not a duplicate is found out by the comparison, what is never compared is lost.

    >>> optimal_bands(0.7, 128, 0.97)
    (24, 5)

    Raises:
        ValueError: no bands within `num_perm` reach that recall.
    """
    index_of = _package().MinHashLSH
    threshold = min(threshold, _ONE_BAND)
    for halvings in range(1, _MOST_HALVINGS):
        weights = 0.5**halvings, 1 - 0.5**halvings
        try:
            index = index_of(threshold, num_perm, weights)
        except ValueError:  # it would choose one band, which it refuses
            continue
        if collision_probability(threshold, index.b, index.r) >= recall:
            return index.b, index.r
    raise ValueError(
        f"no bands of {num_perm} permutations find {recall:.0%} of the pairs at a similarity of {threshold}: "
        "raise num_perm or the threshold, want less recall, or give bands and rows"
    )


def signature(shingles: Hashes, config: MinHashConfig) -> Words32:
    """Sign a set of shingle hashes, shape (n,), any order; datasketch's `hashvalues`, shape (num_perm,).

    datasketch is fed the low 32 bits of each hash. An empty set gives 2^32 - 1 everywhere.
    """
    if config.reference or not pays(len(shingles) * _NANOSECONDS_LOST / 1e9):
        return _datasketch(config.num_perm, config.seed)(shingles)
    return _fastest(config.num_perm, config.seed)(shingles)


@lru_cache(maxsize=8)
def _datasketch(num_perm: int, seed: int) -> Callable[[Hashes], Words32]:
    """Give what signs with datasketch itself."""
    empty = _empty(num_perm, seed)

    def sign(hashes: Hashes) -> Words32:
        signed = empty.copy()
        given = hashes.astype(np.uint32)
        for start in range(0, len(given), _AT_ONCE):
            # They are one value of many hashes to it: of as many values it would take twice the time.
            signed.update_batch([given[start : start + _AT_ONCE]])
        values: Words32 = signed.hashvalues
        return values

    return sign


@lru_cache(maxsize=8)
def _fastest(num_perm: int, seed: int) -> Callable[[Hashes], Words32]:
    """Give the compiled kernel where it signs as datasketch does, else datasketch."""
    from dedup.kernels.compiled import minhash  # noqa: PLC0415 - numba, which is loaded where it pays

    permutations, by_datasketch = _empty(num_perm, seed).permutations, _datasketch(num_perm, seed)

    def sign(hashes: Hashes) -> Words32:
        signed: Words32 = minhash(hashes, *permutations)
        return signed

    tried = mix64(np.arange(_TRIED, dtype=np.uint64))
    return sign if np.array_equal(sign(tried), by_datasketch(tried)) else by_datasketch


def _empty(num_perm: int, seed: int) -> Any:
    return _package().MinHash(num_perm, seed=seed, hashfunc=np.asarray, scheme=SCHEME)


@cache
def _package() -> Any:
    """Import datasketch with `_integral` in the place of the one function of scipy that it names.

    scipy's integrals take .4 CPU seconds and 40 MB to import, and `optimal_bands` wants thousands of them.
    """
    name = "scipy.integrate"
    if name in sys.modules:
        return importlib.import_module("datasketch")
    sys.modules[name] = later = ModuleType(name)
    later.__dict__["quad"] = _integral
    with contextlib.suppress(ImportError):  # Another release may name more of it.
        try:
            return importlib.import_module("datasketch")
        finally:
            del sys.modules[name]
    return importlib.import_module("datasketch")


def _integral(function: Callable[[Floats], Floats], low: float, high: float) -> tuple[float, float]:
    """Integrate by Gauss and Legendre's rule: exact for polynomials of up to 255 degrees, which are bands times rows.

    Beyond that the bands that are chosen are still those by scipy's integrals (for 512 permutations a test says so).
    """
    places, weights = _gauss_legendre()
    half = (high - low) / 2
    return half * float(weights @ function(low + half * (places + 1))), 0.0


@cache
def _gauss_legendre() -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(128)


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
