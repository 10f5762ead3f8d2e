"""Likeness to WebText: the measures are scipy's, and a rule that takes whole domains is named with what it costs."""

import gzip
import math
from pathlib import Path

import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from pipelines.report.fidelity import by_site, compare_domains, costs, jensen_shannon, read_domains, site_of, spearman
from webtext.errors import UsageError

LIST = Path(__file__).resolve().parents[3] / "shared" / "reference" / "webtext-top-domains.txt"
counts = st.lists(st.integers(0, 50), min_size=2, max_size=40)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 10**6)), min_size=2, max_size=60))
def test_rank_correlation_is_scipys(pairs):
    one, other = zip(*pairs, strict=True)
    found = spearman(one, other)
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(scipy.stats.spearmanr(one, other).statistic, abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=60))
def test_divergence_is_scipys(pairs):
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    if not sum(one) or not sum(other):
        return
    expected = scipy.spatial.distance.jensenshannon(one, other, base=2) ** 2
    assert jensen_shannon(one, other) == pytest.approx(0.0 if math.isnan(expected) else expected, abs=1e-9)


def test_equal_shares_are_as_like_as_can_be():
    found = compare_domains({"a": 6, "b": 4, "c": 2, "elsewhere": 12}, {"a": 300, "b": 200, "c": 100})
    assert (found.pages, found.domains, found.listed) == (24, 3, 3)
    assert found.rank_correlation == pytest.approx(1.0)
    assert found.divergence == pytest.approx(0.0)
    assert (found.coverage, found.within) == (1.0, 0.5)


def test_coverage_is_of_the_lists_mass():
    found = compare_domains({"a": 1, "z": 1}, {"a": 90, "b": 10})
    assert (found.domains, found.coverage, found.within) == (1, 0.9, 0.5)


def test_nothing_shared_has_no_divergence():
    found = compare_domains({"z": 3}, {"a": 1, "b": 2})
    assert (found.coverage, found.divergence, found.rank_correlation) == (0.0, None, None)


def test_hosts_are_called_as_the_list_calls_them():
    assert by_site({"news.bbc.co.uk": 2, "bbc.com": 1, "127.0.0.1": 4, "me.blogspot.com": 3}) == {
        "bbc": 3,
        "": 4,
        "blogspot": 3,
    }
    assert site_of("localhost") == "localhost"


def test_a_rule_that_takes_whole_domains_is_warned_of():
    kept = {"nytimes": 4, "archive": 10}
    rejected = {("blocklist", "github"): 5, ("blocklist", "elsewhere"): 99, ("timeout", "nytimes"): 4}
    blocklist, timeout = sorted(
        costs(kept, rejected, {"github": 30, "nytimes": 20, "archive": 50}), key=lambda c: c.reason
    )
    assert (blocklist.mass, blocklist.whole, blocklist.domains, blocklist.is_warned) == (0.3, 0.3, ("github",), True)
    assert (timeout.mass, timeout.whole, timeout.domains, timeout.is_warned) == (0.1, 0.0, (), False)


def test_two_links_say_nothing_of_a_whole_domain():
    (cost,) = costs({}, {("timeout", "github"): 2}, {"github": 30, "archive": 70})
    assert (cost.mass, cost.whole, cost.is_warned) == (0.3, 0.0, False)


@pytest.mark.parametrize("text", ["", "google 5\n", "12 a\n13 a\n", "x a\n"])
def test_what_is_no_list_is_refused(tmp_path, text):
    path = tmp_path / "domains.txt"
    path.write_text(text)
    with pytest.raises(UsageError, match="top 1,000 domains"):
        read_domains(path)
    with pytest.raises(UsageError, match="cannot read"):
        read_domains(tmp_path / "none.txt")


def test_the_published_list():
    if not LIST.is_file():
        pytest.skip("WebText's top domains are not here: domains.txt of openai/gpt-2, beside the clone")
    domains = read_domains(LIST)
    assert (len(domains), sum(domains.values()), domains["google"]) == (1000, 21_793_666, 1_542_261)
    assert compare_domains(domains, domains).rank_correlation == pytest.approx(1.0)


def test_likeness_of_real_links(realweb):
    if not LIST.is_file():
        pytest.skip("WebText's top domains are not here: domains.txt of openai/gpt-2, beside the clone")
    hosts = {}
    with gzip.open(realweb / "reddit_links_200k.tsv.gz", "rt", encoding="utf-8") as stream:
        for line in stream:
            host = line.split("\t")[0].partition("://")[2].partition("/")[0].lower()
            hosts[host] = hosts.get(host, 0) + 1
    domains, sites = read_domains(LIST), by_site(hosts)
    found = compare_domains(sites, domains)
    ours, theirs = [sites[name] for name in domains], list(domains.values())
    assert found.pages == 198_549
    assert found.domains == sum(count > 0 for count in ours) == 781
    assert found.coverage == sum(count for name, count in domains.items() if sites[name]) / sum(theirs)
    assert found.rank_correlation == pytest.approx(scipy.stats.spearmanr(ours, theirs).statistic)
    assert found.divergence == pytest.approx(scipy.spatial.distance.jensenshannon(ours, theirs, base=2) ** 2)
