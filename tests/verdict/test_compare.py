"""The verdict keeps its promises: right signs, honest intervals, and 'cannot tell' where there is nothing to tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.gpt2.damage import FURNITURE, SHARE, duplicate_documents, put_back_boilerplate, shuffle_words
from model.verdict.compare import BETTER, CANNOT_TELL, WORSE, PanelScores, compare, measure


def panel(gains, noise=0.0, replicates=0, *, name="p", decides=True, seed=0):
    """A text set of documents of 100 bytes where A needs `gains` bits less for each; replicates differ by `noise`."""
    gains = np.asarray(gains, float)
    random = np.random.default_rng(seed)
    bits_a = np.full((1 + replicates, len(gains)), 200.0)
    shifts = np.concatenate(([0.0], random.normal(0.0, noise, replicates)))
    return PanelScores(name, decides, np.full(len(gains), 100.0), bits_a, bits_a + gains + shifts[:, None])


def test_the_estimate_is_bits_per_byte_b_minus_a():
    scores = panel([10.0, 20.0, 30.0])
    difference = measure([scores], jackknife=True)
    assert difference.estimate == pytest.approx(0.2)
    assert scores.bits_per_byte() == pytest.approx((2.0, 2.2))
    assert difference.training_error == 0.0
    assert difference.text_error == pytest.approx(np.std([10, 20, 30], ddof=1) / np.sqrt(3) / 100, rel=0.05)


def test_few_documents_widen_the_interval():
    few, many = (measure([panel([1.0, 3.0] * count)], jackknife=True) for count in (1, 50))
    assert few.interval[1] - few.estimate == pytest.approx(12.706 * few.text_error)
    assert many.interval[1] - many.estimate == pytest.approx(1.984 * many.text_error, rel=1e-3)


def test_text_sets_weigh_the_same_whatever_their_size():
    both = measure([panel([10.0] * 50), panel([0.0] * 5)], jackknife=True)
    assert both.estimate == pytest.approx(0.05)


def test_the_jackknife_and_seeds_give_their_textbook_errors():
    shifts = np.array([1.0, 3.0, 5.0, 7.0])
    bits = np.full((5, 6), 200.0)
    other = bits + np.concatenate(([4.0], shifts))[:, None]
    scores = PanelScores("p", True, np.full(6, 100.0), bits, other)
    squares = ((shifts - 4.0) ** 2).sum() / 100**2
    jackknife, seeds = measure([scores], jackknife=True), measure([scores], jackknife=False)
    assert jackknife.training_error == pytest.approx(np.sqrt(squares * 3 / 4))
    assert seeds.training_error == pytest.approx(np.sqrt(squares / 3 / 4))
    assert jackknife.estimate == seeds.estimate == pytest.approx(0.04)
    assert jackknife.interval[1] - jackknife.estimate == pytest.approx(3.182 * jackknife.training_error)
    assert jackknife.smallest_visible == pytest.approx((3.182 + 0.978) * jackknife.training_error)


@pytest.mark.parametrize(("gain", "verdict"), [(5.0, BETTER), (-5.0, WORSE), (0.0, CANNOT_TELL)])
def test_the_verdict_follows_the_interval(gain, verdict):
    gains = np.random.default_rng(1).normal(0.0, 1.0, 200)
    found = compare([panel(gains - gains.mean() + gain, noise=1.0, replicates=8)], jackknife=True)
    assert found.verdict == verdict


def test_a_difference_within_the_noise_of_training_is_not_told():
    quiet = panel([5.0] * 50, noise=0.1, replicates=8)
    loud = panel([5.0] * 50, noise=5.0, replicates=8)
    assert compare([quiet], jackknife=True).verdict == BETTER
    assert compare([loud], jackknife=True).verdict == CANNOT_TELL


@pytest.mark.parametrize(
    ("own", "others", "verdict"),
    [(5.0, 5.0, BETTER), (5.0, -5.0, CANNOT_TELL), (-5.0, -5.0, WORSE), (5.0, 0.0, CANNOT_TELL)],
)
def test_without_neutral_text_one_must_win_on_both_held_out_texts(own, others, verdict):
    noise = np.random.default_rng(2).normal(0.0, 1.0, 200)
    noise -= noise.mean()
    panels = [panel(own + noise, name="a", decides=False), panel(others + noise, name="b", decides=False)]
    found = compare(panels, jackknife=True)
    assert found.verdict == verdict
    assert found.overall is None
    neutral = compare([*panels, panel(5.0 + noise, name="n")], jackknife=True)
    assert neutral.verdict == BETTER


def test_false_alarms_come_as_seldom_as_promised():
    verdicts = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        gains = random.normal(0.0, 5.0, 60)
        shifts = random.normal(0.0, 0.3, 9) * np.concatenate(([1.0], np.full(8, 1.0 / np.sqrt(7))))
        bits = np.full((9, 60), 200.0)
        scores = PanelScores("p", True, np.full(60, 100.0), bits, bits + gains + shifts[:, None])
        verdicts.append(measure([scores], jackknife=True).verdict)
    assert verdicts.count(CANNOT_TELL) / 200 >= 0.93


def test_swapping_the_corpora_swaps_the_verdict():
    scores = panel(np.random.default_rng(3).normal(1.0, 3.0, 40), noise=0.5, replicates=5)
    swapped = PanelScores("p", True, scores.n_bytes, scores.bits_b, scores.bits_a)
    one, two = measure([scores], jackknife=True), measure([swapped], jackknife=True)
    assert one.estimate == -two.estimate
    assert one.interval == pytest.approx((-two.interval[1], -two.interval[0]))


def test_shapes_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="for \\(3,\\) documents"):
        PanelScores("p", True, np.ones(3), np.ones((1, 2)), np.ones((1, 2)))
    with pytest.raises(ValueError, match="p: 1 documents have no spread: score at least two"):
        PanelScores("p", True, np.ones(1), np.ones((1, 1)), np.ones((1, 1)))


TEXTS = st.lists(st.text(st.sampled_from("ab cd\n"), min_size=1), max_size=20)


@given(TEXTS)
def test_shuffling_keeps_the_words(texts):
    shuffled = list(shuffle_words(texts))
    assert [sorted(text.split()) for text in shuffled] == [sorted(text.split()) for text in texts]
    assert shuffled == list(shuffle_words(texts))


def test_shuffling_changes_the_order():
    assert list(shuffle_words(["one two three four five six"])) != ["one two three four five six"]


def test_the_damages_of_a_verdict_touch_three_tenths():
    assert SHARE == 0.3
    texts = [f"document {number}" for number in range(200)]
    assert list(put_back_boilerplate(texts)) == list(put_back_boilerplate(texts, share=0.3))
    assert list(duplicate_documents(texts)) == list(duplicate_documents(texts, share=0.3))


@pytest.mark.parametrize("share", [0.3, 0.1])  # benchmarks/positive_control.py asks for both
def test_boilerplate_makes_up_its_share_and_keeps_the_text(share):
    texts = [f"{number} " + "word " * 600 for number in range(50)]
    damaged = list(put_back_boilerplate(texts, share=share))
    assert 1 - sum(map(len, texts)) / sum(map(len, damaged)) == pytest.approx(share, abs=0.01)
    for text, other in zip(texts, damaged, strict=True):
        assert text in other
        assert set(other.replace(text, "").strip().split("\n")) - {""} <= set(FURNITURE)
    assert len({other.replace(text, "") for text, other in zip(texts, damaged, strict=True)}) > 10


@pytest.mark.parametrize("share", [0.3, 0.1])
def test_duplicates_make_up_their_share(share):
    texts = [f"document {number}" for number in range(3000)]
    damaged = list(duplicate_documents(texts, share=share))
    assert len(damaged) == 3000
    assert set(damaged) <= set(texts)
    assert 1 - len(set(damaged)) / 3000 == pytest.approx(share, abs=0.03)
