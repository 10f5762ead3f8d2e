"""The small parts of the report: markup that holds any text, charts to scale, differences that lose nothing."""

import math
import re
from collections import Counter

import lxml.html
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.report.charts import HEIGHT, Bin, Line, columns, lines, nice_ticks
from pipelines.report.difference import MOST_PARAGRAPHS, compare_texts
from pipelines.report.documents import _bins
from pipelines.report.markup import element, link, printable, size, table
from pipelines.report.samples import choose_clusters
from pipelines.report.tallies import Spread, hosts_of
from webtext.urls import host_of

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
paragraphs = st.lists(st.sampled_from(["a b c", "a b d", "x", "one two three", "one two"]), min_size=1, max_size=12)


@given(texts, texts)
def test_any_text_comes_back_out_of_markup(text, attribute):
    found = lxml.html.fromstring(element("p", text, title=attribute))
    assert (found.text or "").replace("\r", "\n") == printable(text)
    assert found.get("title") == printable(attribute)


def test_only_addresses_of_the_web_can_be_followed():
    assert "href" not in link("javascript:alert(1)")
    assert "href" not in link("data:text/html,x")
    assert lxml.html.fromstring(link('https://a.example/"><b>')).get("href") == 'https://a.example/"><b>'


def test_numbers_stand_right_and_bars_fill_their_cell():
    drawn = lxml.html.fromstring(table(("name", "count"), [("a", "1,234")]))
    assert [(cell.text, cell.get("class")) for cell in drawn.iter("td")] == [("a", None), ("1,234", "number")]
    assert size(1_500_000) == "1.5 MB"


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_round_and_inside(low, span):
    high = low + span
    ticks = nice_ticks(low, high)
    slack = 1e-6 * max(abs(low), abs(high), span)
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    assert len(ticks) <= 7


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_columns_are_to_scale(counts):
    drawn = lxml.html.fromstring(
        "<div>" + columns([Bin(str(n), "", (c,)) for n, c in enumerate(counts)], ["x"], "n", "y") + "</div>"
    )
    heights = [float(mark.get("height")) for mark in drawn.iter("rect")]
    most, plot = max(counts), HEIGHT - 14 - 50
    if not most:
        assert not heights and "There are no y to draw." in drawn.text_content()
        return
    assert heights == pytest.approx([plot * count / most for count in counts], abs=0.02)
    assert all(
        float(mark.get("y")) + float(mark.get("height")) == pytest.approx(HEIGHT - 50, abs=0.02)
        for mark in drawn.iter("rect")
    )


def test_lines_go_up_for_what_grows():
    drawn = lxml.html.fromstring(
        "<div>" + lines([Line("a", ((0, 1.0), (5, 2.0), (10, 4.0)))], "step", "loss") + "</div>"
    )
    points = [tuple(map(float, pair.split(","))) for pair in drawn.find(".//polyline").get("points").split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)
    assert points[1][0] - points[0][0] == pytest.approx(points[2][0] - points[1][0])


def test_a_long_line_is_thinned_and_keeps_its_ends():
    drawn = lines([Line("a", tuple((n, math.sin(n)) for n in range(5000)))], "step", "loss")
    assert len(re.search('points="([^"]*)"', drawn).group(1).split()) == 400


@given(paragraphs, paragraphs)
def test_a_difference_loses_no_text(left, right):
    found = compare_texts("\n".join(left), "\n".join(right))
    assert found.left_out == 0
    for side, own in (("left", left), ("right", right)):
        rebuilt = []
        for row in found.rows:
            shown = "".join(piece.text for piece in getattr(row, side))
            rebuilt += own[len(rebuilt) : len(rebuilt) + row.equal] or shown.split("\n" if shown else None)
        assert rebuilt == own


def test_what_differs_is_marked_on_both_sides():
    found = compare_texts("same\nthe old house", "same\nthe new house\nmore")
    assert [row.equal for row in found.rows] == [1, 0]
    assert [piece.text for piece in found.rows[1].left if piece.changed] == ["old"]
    assert "".join(piece.text for piece in found.rows[1].right if piece.changed) == "new\nmore"


def test_a_difference_is_bounded_and_says_so():
    left = "\n".join(f"a{number}" for number in range(MOST_PARAGRAPHS + 7))
    assert compare_texts(left, left).left_out == 14
    right = "\n".join(f"a{number}" if number % 2 else "x" for number in range(MOST_PARAGRAPHS + 7))
    found = compare_texts(left, right)
    assert len(found.rows) == 24
    assert found.left_out > 14


@given(st.lists(st.one_of(st.none(), st.integers(-5, 3000)), max_size=80), st.floats(0, 1))
def test_a_spread_is_numpys(values, share):
    spread, known = Spread(Counter(values)), [value for value in values if value is not None]
    assert (spread.known, spread.unknown, spread.total) == (len(known), values.count(None), sum(known))
    if known and share > 1e-9:
        expected = np.quantile(known, share, method="inverted_cdf")
        assert spread.quantile(share) == expected
    bins = _bins(spread, spread, [1, 10, 100, 10_000], [1, 10])
    assert sum(column.counts[0] for column in bins) == sum(value >= 1 for value in known)


def test_hosts_are_those_of_the_url_parser():
    urls = [
        "https://A.example/x",
        "http://u:p@b.example:8080/?q=http://c/",
        "http://[2001:db8::1]:80/",
        "https://d.example",
    ]
    expected = [host_of(url) or "" for url in ("https://a.example/x", *urls[1:])]
    assert hosts_of(pa.array([*urls, "no url", "/path"])).to_pylist() == [*expected, "", ""]


def test_clusters_shown_are_the_largest_then_a_fair_draw():
    clusters = {f"{number:016x}": 2 + (number % 7 == 0) * number for number in range(100)}
    chosen = choose_clusters(clusters, 3, 5)
    assert [clusters[name] for name in chosen[:3]] == [100, 93, 86]
    assert len(set(chosen)) == 8
    assert chosen == choose_clusters(dict(reversed(clusters.items())), 3, 5)
