"""Alarms: each speaks up just beyond its threshold, and is silent just within it."""

import pytest

from dedup.near import alarms
from dedup.near.alarms import Cluster, Tally

PLAIN = {"cluster": "0", "size": 100, "kept_url": "http://a.test/", "exact": 0, "chained": 0, "lowest_similarity": 0.7}
PLAIN |= {"median_similarity": 0.8, "hosts": 5, "main_host_share": 0.5}


def cluster(**facts):
    return Cluster(**{**PLAIN, **facts})


@pytest.mark.parametrize(
    ("facts", "is_template"),
    [
        ({}, False),
        ({"main_host_share": 0.9}, True),
        ({"main_host_share": 0.89}, False),
        ({"chained": 11}, True),
        ({"chained": 10}, False),
        ({"main_host_share": 1.0, "size": 20}, True),
        ({"main_host_share": 1.0, "size": 19}, False),
        ({"main_host_share": 1.0, "exact": 49}, True),
        ({"main_host_share": 1.0, "exact": 50}, False),
    ],
)
def test_what_looks_like_pages_of_one_template(facts, is_template):
    assert cluster(**facts).template is is_template
    said = alarms.alarms(Tally(1, largest=(cluster(**facts),)), documents=999)
    assert [("one template" in line) for line in said] == [True] * is_template


@pytest.mark.parametrize(
    ("removed", "documents", "is_said"),
    [(1, 1000, True), (2, 1000, False), (500, 1000, False), (501, 1000, True), (0, 999, False), (999, 999, False)],
)
def test_an_unusual_share_is_told_of_where_there_are_enough_to_judge(removed, documents, is_said):
    tally = Tally(1, reasons=alarms.Counter({alarms.NEAR: removed}))
    assert bool(alarms.alarms(tally, documents)) is is_said


@pytest.mark.parametrize(
    ("size", "documents", "earlier", "is_said"),
    [
        (101, 10_000, 0, True),
        (100, 10_000, 0, False),
        (101, 9_000, 1_100, False),
        (21, 1000, 0, True),
        (20, 1000, 0, False),
    ],
)
def test_a_cluster_of_more_than_a_hundredth_of_all_is_told_of(size, documents, earlier, is_said):
    tally = Tally(1, reasons=alarms.Counter({alarms.NEAR: documents // 10}), largest=(cluster(size=size),))
    assert any("of all documents" in line for line in alarms.alarms(tally, documents, earlier)) is is_said
