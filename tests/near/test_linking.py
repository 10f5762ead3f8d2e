"""Links: the components of known and similar pairs, whatever fits into memory; what is connected is not compared."""

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.near import linking
from dedup.near.linking import Links
from dedup.near.verify import jaccard
from tests.double.duplicate_stage import Memory, spanning_forest

THRESHOLD = 0.5
SETS = st.lists(st.sets(st.integers(0, 9), max_size=8), min_size=2, max_size=9)
AT_ONCE = st.sampled_from([1, 9, 1 << 23])  # hashes on a shelf


def table(pairs):
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def similar(sets, pair):
    one, other = (np.array(sorted(sets[place]), np.uint64) for place in pair)
    return jaccard(one, other) >= THRESHOLD


def pairs_of(places):
    every = list(combinations(sorted(places), 2))
    return st.lists(st.sampled_from(every), max_size=3 * len(places)).map(set) if every else st.just(set())


def found(sets, places, known, work, is_compiled=True, at_once=1 << 23):
    """Link documents at places with repeats; `work` is given the links and what tells the numbers of places."""
    store = Memory(sets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linking, "pays", lambda _: is_compiled)
        patch.setattr(linking, "LEFT_HASHES", at_once)
        patch.setattr(linking, "RIGHT_HASHES", at_once // 2 + 1)
        made = Links(np.array(places, np.int64), store, THRESHOLD)
        numbers = dict(zip(places, made.numbers.tolist(), strict=True))
        made.join(table([(numbers[one], numbers[other]) for one, other in known]))
        work(made, numbers)
        return made.forest().tolist(), made.compared, store.reads


@given(SETS, st.data(), AT_ONCE)
def test_pairs_connect_as_all_similar_ones_among_them_do(sets, data, at_once):
    places = data.draw(st.lists(st.integers(0, len(sets) - 1), min_size=1))
    pairs, known = data.draw(pairs_of(set(places))), data.draw(pairs_of(set(places)))

    def connect(made, numbers):
        made.connect(table([(numbers[one], numbers[other]) for one, other in pairs]))

    forest, compared, _ = found(sets, places, known, connect, at_once=at_once)
    assert forest == spanning_forest(table([*known, *(pair for pair in pairs if similar(sets, pair))])).tolist()
    assert compared <= len(pairs - known)


@given(SETS, st.data(), AT_ONCE, st.booleans())
def test_buckets_connect_as_all_similar_pairs_of_each_do(sets, data, at_once, is_compiled):
    places = list(range(len(sets)))
    known = data.draw(pairs_of(places))
    crowds = [sorted(crowd) for crowd in data.draw(st.lists(st.sets(st.sampled_from(places), min_size=1), max_size=4))]

    def explore(made, numbers):
        made.explore([np.array([numbers[place] for place in crowd]) for crowd in crowds])

    forest, _, _ = found(sets, places, known, explore, is_compiled, at_once)
    alike = [pair for crowd in crowds for pair in combinations(crowd, 2) if similar(sets, pair)]
    assert forest == spanning_forest(table([*known, *alike])).tolist()


@given(SETS, st.data(), st.integers(1, 9), st.integers(1, 4))
def test_a_bucket_is_cut_short_at_the_same_pair_whether_compiled_or_not(sets, data, most, fewest):
    places = list(range(len(sets)))
    known = data.draw(pairs_of(places))

    def explore(made, _):
        made.explore([np.arange(len(sets))])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linking, "MOST_COMPARISONS", most)
        patch.setattr(linking, "FEWEST_CENTRES", fewest)
        patch.setattr("dedup.near.bands.FEWEST_CENTRES", fewest)
        (fast, few, _), (plain, many, _) = (found(sets, places, known, explore, how) for how in (True, False))
    assert fast == plain
    assert few <= many


def test_a_cluster_takes_a_comparison_for_each_further_document_and_one_reading():
    sets = [{1, 2, 3}] * 40
    every = table(combinations(range(40), 2))
    for work in (lambda made, _: made.connect(every), lambda made, _: made.explore([np.arange(40)])):
        forest, compared, reads = found(sets, list(range(40)), [], work)
        assert (len(forest), compared, reads) == (39, 39, [list(range(40))])


def test_what_is_connected_or_too_different_in_size_is_not_read():
    sets = [{1, 2}, {1, 2}, {1, 2}, set(range(9)), set()]
    pairs = table([(0, 1), (1, 2), (2, 3), (2, 4)])
    _, compared, reads = found(sets, list(range(5)), [(0, 1), (1, 2)], lambda made, _: made.connect(pairs))
    assert (compared, list(chain(*reads))) == (0, [])


def test_memory_is_bounded():
    sets = [set(range(number, number + 20)) for number in range(50)]
    pairs = table([(number, number + 1) for number in range(49)])
    forest, compared, reads = found(sets, list(range(50)), [], lambda made, _: made.connect(pairs), at_once=200)
    assert (len(forest), compared) == (49, 49)
    assert max(map(len, reads)) == 10
