"""The kernels: compiled, vectorised and plain give the same bits."""

import subprocess
import sys

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given
from hypothesis import strategies as st

from dedup.kernels import compiled, hashes
from tests.double.thorough import THOROUGH
from webtext.code_points import word_classes
from webtext.text import comparable, ngrams, words

TEXTS = st.text() | st.text(alphabet="aB3_ é,.'日İſ\u0301\u0e34กカ\ufe0f\u0f39\ud800\U0001d7d8\n")
HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=60)


def codes_of(text):
    return np.frombuffer(comparable(text).lower().encode("utf-32-le", "surrogatepass"), np.uint32)


def every_form(name):
    suffix = {"roots": "_in_python"}.get(name, "_in_numpy")
    return getattr(compiled, name), getattr(hashes, name + suffix)


@given(TEXTS)
def test_word_hashes_are_the_hashes_of_the_words(text):
    expected = [hashes.word_hash(word) for word in words(text)]
    assert hashes.word_hashes(text).tolist() == expected
    for form in every_form("word_hashes"):
        assert form(codes_of(text), word_classes(1 << 21)).tolist() == expected


@given(TEXTS, st.integers(1, 9))
def test_word_hashes_do_not_depend_on_where_a_long_text_is_divided(text, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashes, "_CHARS_AT_ONCE", at_once)
        found = hashes.word_hashes_in_numpy(codes_of(text), word_classes(1 << 21))
    assert found.tolist() == [hashes.word_hash(word) for word in words(text)]


def test_words_end_where_the_regular_expression_ends_them_at_every_code_point():
    characters = [chr(code) for code in range(0x110000 if THOROUGH else 0x20000)]
    text = "".join(f"a{character}b " for character in characters if character.lower() == character)
    assert len(hashes.word_hashes(text)) == len(words(text))


@given(TEXTS, st.integers(1, 8))
def test_ngram_hashes_are_the_hashes_of_the_ngrams(text, n):
    expected = [hashes.ngram_hash([hashes.word_hash(word) for word in gram]) for gram in ngrams(words(text), n)]
    hashed = hashes.word_hashes(text)
    assert hashes.ngram_hashes(hashed, n).tolist() == expected
    if len(hashed) >= n:
        assert [form(hashed, n).tolist() for form in every_form("ngram_hashes")] == [expected, expected]


def test_an_ngram_needs_a_word():
    with pytest.raises(ValueError, match="n must be 1 or more words, not 0"):
        hashes.ngram_hashes(np.zeros(3, np.uint64), 0)


@given(HASHES, st.integers(1, 40), st.integers(0, 5))
def test_minhash_is_datasketch(drawn, num_perm, seed):
    reference = MinHash(num_perm, seed=seed, hashfunc=int, scheme="affine32")
    for hashed in drawn:
        reference.update(hashed & 0xFFFFFFFF)
    signed = compiled.minhash(np.array(drawn, np.uint64), *reference.permutations)
    assert signed.dtype == np.uint32
    assert signed.tolist() == reference.hashvalues.tolist()


SOME_SETS = st.lists(st.sets(st.integers(0, 50), max_size=20), min_size=1, max_size=6)


@given(SOME_SETS, SOME_SETS, st.integers(5, 25), st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 0.7, 1.0]))
def test_jaccard_similarities_are_those_of_python_sets(left, right, bound, at_least):
    left, right = ([sorted(one)[:bound] for one in side] for side in (left, right))
    pairs = np.array([(i, j) for i in range(len(left)) for j in range(len(right))], np.int64)
    true = [sampled_jaccard(set(left[i]), set(right[j]), bound) for i, j in pairs]
    for form in every_form("jaccard_similarities"):
        found = form(*sets_of(left), *sets_of(right), pairs, bound, at_least)
        assert found.tolist() == [value if value >= at_least else 0.0 for value in true]


def sets_of(lists):
    lengths = np.array([len(one) for one in lists], np.int64)
    values = np.array([value for one in lists for value in one], np.uint64)
    return hashes.Sets(values, np.cumsum(lengths) - lengths, lengths)


def sampled_jaccard(first, second, bound):
    """The definition: of sets that were cut, only what lies below both cuts is compared."""
    cut = min([max(one) for one in (first, second) if len(one) >= bound], default=1000)
    first, second = ({value for value in one if value <= cut} for one in (first, second))
    return len(first & second) / max(1, len(first | second))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_roots_agree(edges):
    pairs = np.array(edges, np.int64).reshape(-1, 2)
    first, second = (form(pairs, 31).tolist() for form in every_form("roots"))
    assert first == second


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_distinct_is_a_sorted_set(values):
    assert hashes.distinct(np.array(values, np.uint64)).tolist() == sorted(set(values))


def test_without_numba_the_same_signature_comes_out():
    program = (
        "import sys\n"
        "if sys.argv[1] == 'without': sys.modules['numba'] = None\n"
        "from dedup.kernels import numba_or_numpy\n"
        "from dedup.near.minhash import MinHashConfig\n"
        "from dedup.near.sketch import sketch\n"
        "compiled = numba_or_numpy.compile_from_now_on()\n"
        "made = sketch('Ünder the Spreading chestnut tree, the village smithy stands. ' * 3, MinHashConfig())\n"
        "print(compiled, made.signature.hex(), made.shingles.tolist(), made.text_digest)\n"
    )
    outputs = [
        subprocess.run([sys.executable, "-c", program, how], capture_output=True, text=True, check=True).stdout.split()
        for how in ("with", "without")
    ]
    assert [output[0] for output in outputs] == ["True", "False"]  # whether they were compiled
    assert outputs[0][1:] == outputs[1][1:]
