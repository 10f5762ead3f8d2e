"""Verification: the true Jaccard similarity, whatever is batched with what; for giants, an estimate of known error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.near import verify
from dedup.near.shingles import MOST_SHINGLES
from dedup.near.verify import Shelf, jaccard, similarities
from tests.double.duplicate_stage import Memory

SETS = st.lists(st.sets(st.integers(0, 30), max_size=15), min_size=1, max_size=8)


def true_jaccard(one, other):
    return len(one & other) / len(one | other) if one | other else 0.0


@given(SETS)
def test_jaccard_is_that_of_python_sets(sets):
    arrays = Memory(sets).sets
    for one, first in zip(sets, arrays, strict=True):
        for other, second in zip(sets, arrays, strict=True):
            assert jaccard(first, second) == true_jaccard(one, other)


@settings(max_examples=40)
@given(SETS, st.data(), st.integers(1, 40))
def test_batches_do_not_change_the_result(sets, data, at_once):
    place = st.integers(0, len(sets) - 1)
    pairs = data.draw(st.lists(st.tuples(place, place), max_size=20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "LEFT_HASHES", at_once)
        patch.setattr(verify, "RIGHT_HASHES", at_once // 2 + 1)
        found = similarities(np.array(pairs, np.int64).reshape(-1, 2), Memory(sets))
    assert found.tolist() == [true_jaccard(sets[one], sets[other]) for one, other in pairs]


@given(SETS, st.floats(0.05, 1))
def test_what_sizes_rule_out_is_below_the_threshold(sets, threshold):
    pairs = np.array([(i, j) for i in range(len(sets)) for j in range(len(sets))], np.int64)
    found = similarities(pairs, Memory(sets), threshold)
    expected = [true_jaccard(sets[one], sets[other]) for one, other in pairs]
    assert (found >= threshold).tolist() == [value >= threshold for value in expected]
    assert all(value in (0.0, true) for value, true in zip(found, expected, strict=True))


def test_pairs_of_very_different_size_are_not_read():
    memory = Memory([set(range(10)), set(range(100))])
    assert similarities(np.array([[0, 1]]), memory, 0.5).tolist() == [0.0]
    assert memory.reads == []


def test_memory_is_bounded_and_no_shelf_is_read_twice(monkeypatch):
    monkeypatch.setattr(verify, "LEFT_HASHES", 200)
    monkeypatch.setattr(verify, "RIGHT_HASHES", 100)
    memory = Memory([set(range(number, number + 20)) for number in range(50)])
    pairs = np.stack([np.arange(49), np.arange(1, 50)], axis=1)
    similarities(pairs, memory)
    assert max(map(len, memory.reads)) == 10
    assert sum(map(len, memory.reads)) == 2 * 49
    assert all(read == sorted(set(read)) for read in memory.reads)


def test_what_fits_on_a_shelf_is_read_once():
    memory = Memory([set(range(number, number + 20)) for number in range(50)])
    pairs = np.stack([np.arange(49), np.arange(1, 50)], axis=1)
    similarities(pairs, memory)
    assert memory.reads == [list(range(50))]


def test_giants_are_compared_by_a_sample_of_their_union():
    generator = np.random.default_rng(4)
    pool = generator.integers(0, 2**64, 600_000, dtype=np.uint64)
    first, second = np.unique(pool[:500_000]), np.unique(pool[100_000:])
    estimate = jaccard(first[:MOST_SHINGLES], second[:MOST_SHINGLES])
    assert estimate == pytest.approx(400_000 / 600_000, abs=4 * 0.0014)
    small = np.unique(pool[:1000])
    assert jaccard(first[:MOST_SHINGLES], small) == pytest.approx(0.002, abs=0.002)


@given(SETS, st.floats(0, 1))
def test_shelves_compare_as_sets_that_are_read(sets, threshold):
    pairs = np.array([(i, j) for i in range(len(sets)) for j in range(len(sets))], np.int64)
    shelf = Shelf.read(np.arange(len(sets)), Memory(sets))
    assert shelf.similarities(shelf, pairs, threshold).tolist() == similarities(pairs, Memory(sets), threshold).tolist()
