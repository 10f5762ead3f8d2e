"""The kernels of the search for near-duplicates: compiled and plain do the same."""

from collections import Counter
from itertools import chain

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dedup.kernels import link_compiled, link_kernels
from dedup.kernels.hashes import Sets

# What the marks of the compiled form tell apart, and what they do not.
VALUES = st.builds(lambda low, high: low | high << 15, st.integers(0, 12), st.integers(0, 2))
LISTS = st.lists(st.sets(VALUES, max_size=10).map(sorted), min_size=2, max_size=7)


def sets_of(lists):
    lengths = np.array([len(one) for one in lists], np.int64)
    return Sets(np.array(list(chain(*lists)), np.uint64), np.cumsum(lengths) - lengths, lengths)


@given(LISTS, st.data(), st.integers(4, 12), st.sampled_from([0.1, 1 / 3, 0.5, 0.7, 1.0]))
def test_both_forms_connect_the_same_and_compare_as_much(lists, data, bound, at_least):
    sets = sets_of([one[:bound] for one in lists])
    node = st.integers(0, len(lists) - 1)
    pairs = np.array(data.draw(st.lists(st.tuples(node, node), min_size=1)), np.int64)
    told = []
    for form in (link_compiled.connect, link_kernels.connect_in_python):
        parents = np.arange(len(lists))
        both = sets.values, sets.starts, sets.values, sets.starts, sets.lengths
        compared = form(parents, pairs, *both, bound, at_least)
        told.append((compared, [link_kernels.find_root(parents, number) for number in range(len(lists))]))
    assert told[0] == told[1]


@given(st.lists(st.integers(0, 40) | st.integers(0, 2**64 - 1), max_size=60))
def test_no_repeated_key_is_lost(values):
    keys = np.array(values, np.uint64)
    counts = Counter(values)
    for marked in (link_compiled.repeated(keys, 6), link_kernels.repeated_in_numpy(keys, 6)):
        assert all(mark or counts[value] == 1 for mark, value in zip(marked.tolist(), values, strict=True))


def test_few_keys_that_are_not_repeated_are_marked():
    keys = np.random.default_rng(3).integers(0, 2**64, 100_000, dtype=np.uint64)
    assert link_kernels._repeated.compiled(keys, 20).mean() < 0.13  # one slot in eight is taken at most


@given(st.integers(0, 5), st.integers(1, 6), st.integers(1, 4), st.randoms(use_true_random=False))
def test_both_forms_hash_bands_alike(count, bands, rows, shuffler):
    values = [[shuffler.getrandbits(32) for _ in range(bands * rows + 2)] for _ in range(count)]
    signatures = np.array(values, np.uint32).reshape(count, -1) if count else np.empty((0, bands * rows), np.uint32)
    first, second = (
        form(signatures, bands, rows) for form in (link_compiled.hash_bands, link_kernels.hash_bands_in_numpy)
    )
    assert first.tolist() == second.tolist()
