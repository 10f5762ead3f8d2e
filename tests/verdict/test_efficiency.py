"""What a token of one corpus is worth in tokens of another, on curves whose truth is known."""

import numpy as np
import pytest

from model.verdict.compare import CANNOT_TELL, PanelScores, measure
from model.verdict.efficiency import efficiency

SLOPE, REPLICATES, DOCUMENTS = 0.06, 20, 50  # bits per byte that a doubling of the tokens is worth
BUDGETS = np.array([[2.0**k * 1e5 * (0.95 if r else 1.0) for r in range(REPLICATES + 1)] for k in range(6)])


def curves(doublings, seed=0, noise=0.02):
    """Losses of A, and of B whose tokens are worth 2 ** `doublings` of A's, at each budget, with noisy replicates."""
    chance = np.random.default_rng(seed)
    level = chance.normal(2.0, 0.2, DOCUMENTS)
    found = []
    for k in range(len(BUDGETS)):
        own = chance.normal(0.0, noise, (2, REPLICATES))
        left = np.concatenate((own.mean(1, keepdims=True), (own.sum(1, keepdims=True) - own) / (REPLICATES - 1)), 1)
        bits = [100.0 * (level - SLOPE * (k + more) + left[side][:, None]) for side, more in enumerate((0, doublings))]
        found.append([PanelScores("p", True, np.full(DOCUMENTS, 100.0), *bits)])
    return found


@pytest.mark.parametrize("doublings", [-3.0, -1.0, 0.0, 0.5, 2.0])
def test_the_ratio_is_that_of_the_tokens(doublings):
    found = efficiency(BUDGETS, curves(doublings, noise=1e-6))
    assert found.ratio == pytest.approx(2.0**doublings, rel=1e-3)
    assert found.interval == pytest.approx((found.ratio, found.ratio), rel=1e-3)


def test_the_interval_holds_1_where_the_verdict_cannot_tell_and_nowhere_else():
    told = set()
    for seed in range(60):
        panels = curves((-0.6, -0.3, 0.0, 0.3, 0.6)[seed % 5], seed)
        found = efficiency(BUDGETS, panels)
        if found is None:  # a curve that noise lets rise
            continue
        low, high = found.interval
        assert low <= found.ratio <= high
        verdict = measure(panels[-1], jackknife=True).verdict
        assert (low <= 1.0 <= high) == (verdict == CANNOT_TELL)
        told.add(verdict)
    assert len(told) == 3


def test_the_other_way_round_it_is_the_inverse():
    panels = curves(-0.8, 3)
    swapped = [[PanelScores(one.name, True, one.n_bytes, one.bits_b, one.bits_a) for one in at] for at in panels]
    found, other = efficiency(BUDGETS, panels), efficiency(BUDGETS, swapped)
    assert found.ratio == pytest.approx(1.0 / other.ratio)
    assert found.interval == pytest.approx((1.0 / other.interval[1], 1.0 / other.interval[0]))


def test_what_ends_above_the_whole_curve_has_a_bound():
    found = efficiency(BUDGETS, curves(-7.0, noise=1e-3))
    assert (found.is_bound, found.ratio) == (True, pytest.approx(1.0 / 32.0))
    assert efficiency(BUDGETS[-1:], curves(0.0)[-1:]) is None
