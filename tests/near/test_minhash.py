"""Signatures and bands: datasketch's bits, theory's error, and bands that keep their promise."""

import subprocess
import sys

import datasketch.lsh
import numpy as np
import pytest
import scipy.integrate
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.kernels import compiled
from dedup.near import minhash
from dedup.near.minhash import (
    MinHashConfig,
    band_keys,
    collision_probability,
    estimate_jaccard,
    optimal_bands,
    signature,
)
from dedup.near.shingles import MOST_SHINGLES, shingle_hashes
from dedup.near.sketch import sketch

CONFIG = MinHashConfig()


@pytest.mark.parametrize("num_perm", [1, 16, 128, 256])
@pytest.mark.parametrize("seed", [1, 42])
def test_the_signature_of_a_text_is_datasketchs(num_perm, seed):
    shingles = shingle_hashes("It was the best of times, it was the worst of times, it was the age of wisdom")
    reference = MinHash(num_perm, seed=seed, hashfunc=lambda value: value & 0xFFFFFFFF)
    reference.update_batch(shingles.tolist())
    signed = signature(shingles, MinHashConfig(num_perm=num_perm, seed=seed, bands=1, rows=1))
    assert signed.tolist() == reference.hashvalues.tolist()


def test_datasketch_is_given_many_hashes_as_one_value(monkeypatch):
    given = []
    monkeypatch.setattr(MinHash, "update_batch", lambda _, values: given.append([len(value) for value in values]))
    signature(np.arange(1100, dtype=np.uint64), MinHashConfig(reference=True))
    assert given == [[512], [512], [76]]


def test_the_sketch_holds_the_signature_of_all_shingles():
    text = " ".join(map(str, range(300)))
    made = sketch(text, CONFIG)
    assert made.signature == signature(shingle_hashes(text), CONFIG).astype("<u4").tobytes()
    assert made.shingles.tolist() == shingle_hashes(text).tolist()
    assert len(sketch(" ".join(map(str, range(MOST_SHINGLES + 100))), CONFIG).shingles) == MOST_SHINGLES


@pytest.mark.parametrize("jaccard", [0.2, 0.5, 0.7, 0.9])
def test_the_estimate_has_no_bias_and_the_error_of_theory(jaccard):
    generator = np.random.default_rng(5)
    errors, size, trials = [], 400, 500
    common = round(2 * size * jaccard / (1 + jaccard))
    true = common / (2 * size - common)
    for _ in range(trials):
        pool = generator.integers(0, 2**64, 2 * size - common, dtype=np.uint64)
        first, second = signature(pool[:size], CONFIG), signature(pool[size - common :], CONFIG)
        errors.append(estimate_jaccard(first, second) - true)
    theory = np.sqrt(true * (1 - true) / CONFIG.num_perm)
    assert abs(np.mean(errors)) < 4 * theory / np.sqrt(trials)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(theory, rel=0.12)


def test_the_defaults_are_datasketchs_24_bands_of_5_rows():
    index = MinHashLSH(0.7, 128, weights=(1 / 64, 63 / 64))
    assert CONFIG.banding == (index.b, index.r) == (24, 5)
    assert collision_probability(0.7, 24, 5) >= 0.97


def test_scipy_is_whole_for_whoever_imports_it_after_datasketch():
    program = (
        "import sys\n"
        "from dedup.near.minhash import MinHashConfig, optimal_bands, signature\n"
        "import numpy as np\n"
        "signature(np.arange(9, dtype=np.uint64), MinHashConfig())\n"
        "print('datasketch.lsh' in sys.modules, optimal_bands(0.7, 128, 0.97), 'scipy.integrate' in sys.modules)\n"
        "from scipy.integrate import quad, solve_ivp\n"
        "print(quad(lambda x: 2 * x, 0, 3)[0])\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.split("\n")[:2] == ["True (24, 5) False", "9.0"]


@pytest.mark.parametrize(
    ("threshold", "num_perm"), [(0.3, 16), (0.55, 128), (0.72, 100), (0.85, 128), (0.99, 64), (0.7, 512)]
)
def test_bands_are_those_that_datasketch_chooses_by_scipys_integrals(threshold, num_perm, monkeypatch):
    own = optimal_bands(threshold, num_perm, 0.9)
    monkeypatch.setattr(datasketch.lsh, "integrate", scipy.integrate.quad)
    assert optimal_bands.__wrapped__(threshold, num_perm, 0.9) == own


def test_a_release_of_datasketch_that_wants_more_of_scipy_is_imported_all_the_same(tmp_path):
    (tmp_path / "datasketch.py").write_text("from scipy.integrate import quad, simpson\nMinHash = simpson.__name__\n")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom dedup.near import minhash\n"
    command = [sys.executable, "-c", program + "print(minhash._package().MinHash)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "simpson\n"


def test_the_scheme_is_datasketchs_own():
    assert MinHash().scheme == minhash.SCHEME


@settings(max_examples=25)
@given(st.floats(0.4, 1.0), st.sampled_from([16, 64, 128]), st.floats(0.5, 0.97))
def test_derived_bands_keep_the_promise(threshold, num_perm, recall):
    bands, rows = optimal_bands(threshold, num_perm, recall)
    assert bands * rows <= num_perm
    assert collision_probability(threshold, bands, rows) >= recall


@pytest.mark.parametrize("threshold", [0.991, 0.999, 1.0])
def test_bands_for_what_is_all_but_equal_are_those_of_99_percent(threshold):
    assert optimal_bands(threshold, 128, 0.97) == optimal_bands(0.99, 128, 0.97) == (4, 32)


def test_bands_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="raise num_perm"):
        optimal_bands(0.1, 4, 0.99)
    with pytest.raises(ValueError, match="20 bands of 10 rows need 200 permutations, num_perm=128"):
        MinHashConfig(bands=20, rows=10)
    with pytest.raises(ValueError, match="both bands and rows"):
        MinHashConfig(bands=20)


@pytest.mark.parametrize("wrong", [{"threshold": 0}, {"threshold": 1.1}, {"recall": 1}, {"shingle_words": 0}])
def test_a_wrong_configuration_says_what_is_wrong(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}.*{next(iter(wrong.values()))}"):
        MinHashConfig(**wrong)


def test_band_keys_meet_exactly_where_bands_are_equal():
    generator = np.random.default_rng(3)
    signatures = generator.integers(0, 2, (50, 128), dtype=np.uint32)  # few values make many bands equal
    config = MinHashConfig(bands=16, rows=4)
    keys = band_keys(signatures, config)
    assert keys.shape == (50, 16)
    bands = signatures[:, :64].reshape(50, 16, 4)
    equal = (bands[:, None] == bands[None]).all(axis=3)
    assert np.array_equal(keys[:, None] == keys[None], equal)
    assert len(np.intersect1d(keys[:, 0], keys[:, 1])) == 0
    assert np.array_equal(keys[7], band_keys(signatures[7], config))


def test_candidates_are_those_of_datasketchs_index():
    generator = np.random.default_rng(9)
    pools = generator.integers(0, 2**64, (12, 60), dtype=np.uint64)
    sets = [np.concatenate([pools[n % 12][: 60 - n // 6], pools[(n + 1) % 12][: n // 6]]) for n in range(90)]
    signed = [signature(one, CONFIG) for one in sets]
    index = MinHashLSH(num_perm=128, params=CONFIG.banding)
    permutations = MinHash(128, seed=1).permutations
    for number, one in enumerate(signed):
        index.insert(number, MinHash(hashvalues=one, permutations=permutations, scheme="affine32"))
    keys = band_keys(np.stack(signed), CONFIG)
    for number, one in enumerate(signed):
        query = MinHash(hashvalues=one, permutations=permutations, scheme="affine32")
        assert sorted(index.query(query)) == np.flatnonzero((keys == keys[number]).any(axis=1)).tolist()


def test_a_kernel_that_signs_otherwise_is_not_used(monkeypatch):
    shingles = shingle_hashes("It was the best of times, it was the worst of times, it was the age of wisdom")
    reference = signature(shingles, MinHashConfig(reference=True))
    monkeypatch.setattr(minhash, "pays", lambda _: True)
    assert signature(shingles, CONFIG).tolist() == reference.tolist()
    minhash._fastest.cache_clear()
    monkeypatch.setattr(compiled, "minhash", lambda _, multipliers, __: np.zeros(len(multipliers), np.uint32))
    assert signature(shingles, CONFIG).tolist() == reference.tolist()
    minhash._fastest.cache_clear()


@pytest.mark.parametrize("changed", [{"threshold": 0.8}, {"recall": 0.9}, {"num_perm": 64}, {"seed": 2}, {"bands": 9}])
def test_what_is_found_depends_on_every_setting_but_who_signs(changed):
    other = MinHashConfig(**changed, **({"rows": 2} if "bands" in changed else {}))
    assert other.identity() != CONFIG.identity() == MinHashConfig(reference=True).identity()
