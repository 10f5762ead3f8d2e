"""What `make bench-extract` counts as a loss."""

import pytest

from tests.double.benchmarks import load_benchmark

DEFAULT = "One two three four. Menu menu."


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        (DEFAULT, (False, False, False)),
        ("one two three", (False, False, False)),  # half of the six words is not more than half
        ("one two", (True, True, False)),
        ("one", (True, True, True)),
        ("One two three four five six seven eight.", (False, False, False)),
        ("five six seven eight", (True, False, True)),  # other words of the gold: the better F1
        ("menu menu menu menu", (True, True, True)),  # a word counts as often as it stands there
        ("", (True, True, True)),
    ],
)
def test_a_page_loses_more_than_half_of_the_words_of_the_default(text, lost):
    benchmark = load_benchmark("extraction")
    page = benchmark.Known("article", 0, "", "", {"text": "one two three four five six seven eight"})
    assert benchmark.losses(text, DEFAULT, page) == lost


def test_what_the_default_has_beside_the_gold_may_go():
    benchmark = load_benchmark("extraction")
    page = benchmark.Known("listing", 0, "", "", {"text": "one two"})
    assert benchmark.losses("one two", "one two " + "menu " * 20, page) == (True, False, False)
    assert benchmark.losses("", "menu " * 20, page) == (True, False, False)


def test_news_are_missed_by_segments():
    benchmark = load_benchmark("extraction")
    page = benchmark.Known("news", 0, "", "", {"with": ["a b", "c d", "e f"], "without": ["menu"]})
    default = "a b, c d, e f, " + "menu " * 20
    assert benchmark.losses("c d, e f", default, page) == (True, True, False)
    assert benchmark.losses("e f", default, page) == (True, True, True)
    assert benchmark.losses("e f", "e f", page) == (False, False, False)


def test_losses_are_counted_by_set_half_and_engine(capsys):
    benchmark = load_benchmark("extraction")
    pages = [
        benchmark.Known("news", 1, "", "", {"with": ["a b"], "without": []}),
        benchmark.Known("forum", 0, "", "", {"text": "one two"}),
        benchmark.Known("article", 0, "", "", {"text": "one"}),
        benchmark.Known("news", 0, "", "", {"with": ["a b"], "without": []}),
        benchmark.Known("forum", 1, "", "", {"text": "one two"}),
    ]
    default = ["a b", "one two", "one two three", "a b", "one"]
    other = ["", "", "one", "a b", "two"]
    benchmark.print_losses(iter(pages), {"ours": other, "trafilatura": default})
    rows = capsys.readouterr().out.splitlines()
    assert rows[-2] == "| ours | 0, 0, 0 of 1 | 1, 1, 1 of 1 | 2, 1, 1 of 2 | 1, 0, 1 of 1 |"
    assert rows[-1] == "| trafilatura | 0, 0, 0 of 1 | 0, 0, 0 of 1 | 0, 0, 0 of 2 | 0, 0, 0 of 1 |"


def test_each_figure_of_an_engine_has_its_interval():
    benchmark = load_benchmark("extraction")
    counts = {("news", half): [benchmark.Counter(hit=1, wrong=0, wanted=2)] * 3 for half in (0, 1)}
    counts |= {(kind, half): [0.25, 0.75] for kind in benchmark.KINDS for half in (0, 1)}
    row = benchmark.format_row({"name": "ours", "counts": counts, "seconds": 2.0}, 4.0)
    cells = [cell.strip() for cell in row.strip("| ").split("|")]
    assert cells[0] == "ours" and cells[1] == "0.667 [0.667, 0.667]"
    assert all(cell.startswith("0.500 [0.") for cell in cells[3:12])
    assert cells[12:] == ["17.0", "2.00"]
