"""Clusters are the connected components of verified edges, found with a union-find whose root is the smallest node.

So the result is a function of the set of edges: no order, no ranks. Edges are two columns of 64-bit numbers, 16 bytes
an edge; a forest of at most one edge a node says the same as all of them, so whoever has edges contracts them first.
"""

import numpy as np

from dedup.kernels import Indices, distinct, roots


def connected_components(edges: Indices) -> tuple[Indices, Indices]:
    """Find the components of a graph.

    Args:
        edges: any numbers as nodes, shape (edges, 2).

    Returns:
        The nodes that have an edge, ascending, and the smallest node of the component of each; both of shape (nodes,).

    >>> connected_components(np.array([[7, 3], [9, 7], [4, 5]]))
    (array([3, 4, 5, 7, 9]), array([3, 4, 4, 3, 3]))
    """
    nodes = distinct(edges.ravel())
    return nodes, nodes[roots(np.searchsorted(nodes, edges), len(nodes))]


def spanning_forest(edges: Indices) -> Indices:
    """Contract edges to a star for each component, (smallest node, other node): shape (at most nodes - 1, 2)."""
    nodes, smallest = connected_components(edges)
    members = smallest != nodes
    return np.stack([smallest[members], nodes[members]], axis=1)


def distinct_pairs(pairs: Indices) -> Indices:
    """Sort pairs and leave out repeats, shape (distinct, 2)."""
    nodes = distinct(pairs.ravel())
    numbers = np.searchsorted(nodes, pairs)
    left, right = np.divmod(distinct(numbers[:, 0] * len(nodes) + numbers[:, 1]), max(1, len(nodes)))
    return np.stack([nodes[left], nodes[right]], axis=1)


def common_pairs(first: Indices, second: Indices) -> Indices:
    """Sort the pairs that two tables of distinct pairs both hold, shape (common, 2)."""
    both = np.concatenate([first, second])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    twice = np.flatnonzero((both[1:] == both[:-1]).all(axis=1))
    return both[twice]


def roots_in(forest: Indices, nodes: Indices) -> Indices:
    """Look nodes up in a forest of stars: the centre of each, the node itself where it has no edge; shape (nodes,)."""
    order = np.argsort(forest[:, 1])
    leaves, centres = forest[order, 1], forest[order, 0]
    found = nodes.copy()
    if len(leaves):
        at = np.minimum(np.searchsorted(leaves, nodes), len(leaves) - 1)
        known = leaves[at] == nodes
        found[known] = centres[at[known]]
    return found
