"""Connected components: scipy's, whatever the order, and a forest says as much as all edges."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array, csgraph

from dedup.near.clusters import common_pairs, connected_components, distinct_pairs, numbered
from tests.double.duplicate_stage import spanning_forest

EDGES = st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 2**62)), max_size=40) | st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=60
)


def table(edges):
    return np.array(edges, np.int64).reshape(-1, 2)


@given(EDGES)
def test_components_are_those_of_scipy(edges):
    nodes, smallest = connected_components(table(edges))
    assert nodes.tolist() == sorted({node for edge in edges for node in edge})
    numbers = np.searchsorted(nodes, table(edges))
    graph = coo_array((np.ones(len(edges)), (numbers[:, 0], numbers[:, 1])), shape=(len(nodes), len(nodes)))
    labels = csgraph.connected_components(graph, directed=False)[1] if len(nodes) else []
    first = {}
    for node, label in zip(nodes.tolist(), list(labels), strict=True):
        first.setdefault(label, node)
    assert smallest.tolist() == [first[label] for label in labels]


def test_components_of_large_random_graphs_are_those_of_scipy():
    generator = np.random.default_rng(2)
    for density in (0.2, 0.5, 1.0, 2.0):
        size = 20_000
        edges = generator.integers(0, size, (int(size * density), 2))
        graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(size, size))
        count, labels = csgraph.connected_components(graph, directed=False)
        nodes, smallest = connected_components(edges)
        assert len(np.unique(smallest)) + size - len(nodes) == count
        assert len(np.unique(np.stack([labels[nodes], smallest]), axis=1).T) == len(np.unique(smallest))


@given(EDGES, st.randoms())
def test_order_and_direction_of_edges_do_not_matter(edges, shuffler):
    turned = [edge[:: shuffler.choice((1, -1))] for edge in edges]
    shuffler.shuffle(turned)
    for one, other in zip(connected_components(table(edges)), connected_components(table(turned)), strict=True):
        assert one.tolist() == other.tolist()


@given(EDGES, EDGES)
def test_forests_of_two_halves_say_the_same_as_all_edges(first, second):
    forests = np.concatenate([spanning_forest(table(first)), spanning_forest(table(second))])
    whole = spanning_forest(table(first + second))
    assert spanning_forest(forests).tolist() == whole.tolist()
    assert len(whole) < max(1, len(connected_components(table(first + second))[0]))


def test_a_long_chain_is_one_cluster():
    order = np.random.default_rng(1).permutation(3000)
    nodes, smallest = connected_components(np.stack([order[:-1], order[1:]], axis=1))
    assert len(nodes) == 3000
    assert smallest.tolist() == [0] * 3000


@given(EDGES)
def test_distinct_pairs_are_a_sorted_set(edges):
    assert list(map(tuple, distinct_pairs(table(edges)).tolist())) == sorted(set(edges))


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1)), min_size=1, max_size=20))
def test_pairs_that_no_single_number_holds_are_sorted_too(pairs):
    filled = [*pairs, (2**63 - 1, 2**63 - 1)]
    assert list(map(tuple, distinct_pairs(table(filled)).tolist())) == sorted(set(filled))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 5), st.integers(0, 999)), max_size=40))
def test_places_with_flags_are_sorted_as_the_numbers_they_are(drawn):
    pairs = [((flag << 61) | (part << 32) | row, (part + 1 << 32) | other) for flag, part, row, other in drawn]
    assert list(map(tuple, distinct_pairs(table(pairs)).tolist())) == sorted(set(pairs))


@given(st.lists(st.integers(0, 50), max_size=30))
def test_numbered_is_a_sorted_set_and_the_place_of_each_in_it(values):
    found, numbers = numbered(np.array(values, np.int64))
    assert found.tolist() == sorted(set(values))
    assert found[numbers].tolist() == values


@given(EDGES, EDGES)
def test_common_pairs_are_the_intersection(first, second):
    found = common_pairs(*(distinct_pairs(table(edges)) for edges in (first, second)))
    assert list(map(tuple, found.tolist())) == sorted(set(first) & set(second))
