"""Buckets: every pair of a small one, and a large one connected as all of its pairs would connect it."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.near.bands import FEWEST_CENTRES, buckets, similar_pairs
from dedup.near.clusters import connected_components

KEYED = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 12)), max_size=60)


def grouped(keyed):
    members = {}
    for key, place in keyed:
        members.setdefault(key, set()).add(place)
    return [sorted(places) for _, places in sorted(members.items()) if len(places) > 1]


def made(keyed):
    columns = np.array(keyed, np.int64).reshape(-1, 2)
    return buckets(columns[:, 0].astype(np.uint64), columns[:, 1])


@given(KEYED)
def test_buckets_are_the_distinct_documents_of_each_shared_key(keyed):
    found = made(keyed)
    expected = grouped(keyed)
    assert found.sizes.tolist() == [len(bucket) for bucket in expected]
    assert found.places.tolist() == [place for bucket in expected for place in bucket]
    assert found.starts.tolist() == [sum(map(len, expected[:number])) for number in range(len(expected))]


@given(KEYED, st.integers(2, 6))
def test_small_buckets_give_all_pairs_and_large_ones_none(keyed, largest):
    found = made(keyed)
    expected = [pair for bucket in grouped(keyed) if len(bucket) <= largest for pair in combinations(bucket, 2)]
    assert sorted(map(tuple, found.small_pairs(largest).tolist())) == sorted(expected)
    large = [bucket for bucket in grouped(keyed) if len(bucket) > largest]
    assert [bucket.tolist() for bucket in found.large(largest)] == large


@given(KEYED)
def test_stars_have_the_first_document_at_their_centre(keyed):
    expected = [(bucket[0], other) for bucket in grouped(keyed) for other in bucket[1:]]
    assert list(map(tuple, made(keyed).stars().tolist())) == expected


@given(st.integers(2, 25), st.data())
def test_a_large_bucket_is_connected_as_all_of_its_similar_pairs_connect_it(size, data):
    pairs = list(combinations(range(0, 10 * size, 10), 2))
    alike = set(data.draw(st.lists(st.sampled_from(pairs), max_size=2 * size)))
    asked = []

    def similar(candidates):
        asked.extend(tuple(sorted(pair)) for pair in candidates.tolist())
        return np.array([tuple(sorted(pair)) in alike for pair in candidates.tolist()], bool)

    bucket = np.arange(0, 10 * size, 10)
    found = similar_pairs(bucket, similar, bucket)
    assert {tuple(pair) for pair in found.tolist()} <= alike
    assert len(asked) == len(set(asked)), "a pair was compared twice"
    expected = np.array(sorted(alike), np.int64).reshape(-1, 2)
    assert [part.tolist() for part in connected_components(found)] == [
        part.tolist() for part in connected_components(expected)
    ]


def test_nothing_is_asked_of_documents_that_are_connected():
    asked = []

    def similar(pairs):
        asked.append(len(pairs))
        return np.ones(len(pairs), bool)

    similar_pairs(np.arange(500), similar, np.arange(500))
    assert asked == [499]


def test_the_centre_of_a_star_may_be_similar_to_nothing():
    """The members of a cluster are found although the first document of the bucket is not one of them."""
    cluster = {30, 50, 70}

    def similar(pairs):
        return np.array([set(pair) <= cluster for pair in pairs.tolist()], bool)

    found = similar_pairs(np.arange(0, 100, 10), similar, np.arange(10))
    assert connected_components(found)[0].tolist() == sorted(cluster)
    assert set(connected_components(found)[1].tolist()) == {30}


def test_a_bucket_of_one_cluster_takes_one_centre():
    compared = []

    def similar(pairs):
        compared.append(len(pairs))
        return np.ones(len(pairs), bool)

    assert len(similar_pairs(np.arange(5000), similar, np.arange(5000))) == 4999
    assert sum(compared) == 4999


@pytest.mark.parametrize("size", [100, 3000])
def test_a_bucket_of_strangers_costs_no_more_than_is_allowed(size):
    compared = []

    def similar(pairs):
        compared.append(len(pairs))
        return np.zeros(len(pairs), bool)

    assert len(similar_pairs(np.arange(size), similar, np.arange(size), most_comparisons=1000)) == 0
    assert np.count_nonzero(compared) == FEWEST_CENTRES
    assert sum(compared) == sum(size - 1 - centre for centre in range(FEWEST_CENTRES))


def test_what_is_known_to_be_connected_is_not_compared_again():
    compared = []

    def similar(pairs):
        compared.extend(map(tuple, pairs.tolist()))
        return np.array([pair == (3, 4) for pair in map(tuple, pairs.tolist())], bool)

    linked = np.array([9, 9, 9, 7, 5, 5])
    assert similar_pairs(np.arange(6), similar, linked).tolist() == [[3, 4]]
    known = {(0, 1), (0, 2), (1, 2), (4, 5)}
    assert not known & {tuple(sorted(pair)) for pair in compared}
