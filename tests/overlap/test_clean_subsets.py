"""GPT-3's clean and dirty subsets: N as its appendix says, and items divided by what the corpus holds."""

import numpy as np
import pytest

from dedup.overlap.benchmarks import Benchmark
from dedup.overlap.clean_subsets import clean_n, split_items
from dedup.overlap.ngrams import Grams
from dedup.overlap.plan import Lookup, OverlapConfig


@pytest.mark.parametrize(
    ("lengths", "n"),
    [
        ([20] * 100, 13),
        ([10] * 100, 10),
        ([3] * 100, 8),
        ([3] * 4 + [11] * 96, 11),  # four in a hundred are below the 5th percentile
        ([3] * 6 + [11] * 94, 8),
        ([0] * 50 + [12] * 50, 12),
    ],
)
def test_n_is_the_fifth_percentile_within_8_and_13(lengths, n):
    assert clean_n(np.array(lengths)) == n


def subsets(items, corpus):
    lookup = Lookup([Benchmark("set", tuple(items), stream=True)], OverlapConfig(Grams()))
    scan = lookup.scan()
    for number, text in enumerate(corpus):
        scan.read(text, str(number), "")
    return split_items(lookup.clean[0], scan.index, scan.counts)


def test_an_item_is_dirty_if_one_of_its_ngrams_is_in_the_corpus():
    words = [f"w{number}" for number in range(60)]
    items = [" ".join(words[at : at + 15]) for at in range(0, 60, 15)]
    hit = "x " + " ".join(words[16:29]).upper() + " y"  # 13 words of the second
    near = "x " + " ".join(words[31:43]) + " y"  # 12 of the third
    found = subsets(items, [hit, near])
    assert (found.n, found.clean, found.dirty) == (13, (0, 2, 3), (1,))


def test_ngrams_that_run_across_items_make_none_dirty():
    items = ["a b c d e f g h i", "k l m n o p q r s"]
    assert subsets(items, ["f g h i k l m n o p"]).dirty == ()


def test_punctuation_is_taken_away_as_in_gpt3():
    items = ["don't stop me now, i'm having a good time today"]
    assert subsets(items, ["DONT STOP ME NOW IM HAVING A GOOD TIME TODAY"]).dirty == (0,)
    assert subsets(items, ["don t stop me now i m having a good time today"]).dirty == ()


def test_an_item_shorter_than_n_is_dirty_if_all_of_it_is_there():
    items = ["two words", "other words", "", *[f"{at} b c d e f g h i" for at in range(40)]]
    found = subsets(items, ["here are two words more"])
    assert found.dirty == (0,)
    assert found.clean == tuple(range(1, 43))
