"""A fit returns the parameters of a known surface within its intervals, and says so where points bear none."""

import math

import numpy as np
import pytest

from model.scaling.laws import Curve, NoFit, Point, Surface, fit_curve, fit_surface

TRUE = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2080.0, "beta": 0.37}  # near Besiroglu et al.'s refit of Hoffmann


def surface(noise=0.002, seed=0, sizes=5, budgets=5):
    random = np.random.default_rng(seed)
    points = []
    for parameters in np.geomspace(1e5, 1e8, sizes):
        for tokens in np.geomspace(1e6, 1e9, budgets):
            loss = TRUE["E"] + TRUE["A"] / parameters ** TRUE["alpha"] + TRUE["B"] / tokens ** TRUE["beta"]
            points.append(Point(parameters, tokens, loss * math.exp(noise * random.standard_normal())))
    return points


def inside(interval, value):
    return interval.low <= value <= interval.high


def test_without_noise_the_fit_is_the_surface():
    fit = fit_surface(surface(noise=1e-7))
    assert fit.size_exponent.value == pytest.approx(TRUE["alpha"], rel=1e-2)
    assert fit.data_exponent.value == pytest.approx(TRUE["beta"], rel=1e-2)
    assert fit.at(3e6, 5e7) == pytest.approx(
        TRUE["E"] + TRUE["A"] / 3e6 ** TRUE["alpha"] + TRUE["B"] / 5e7 ** TRUE["beta"], rel=1e-3
    )


def test_the_intervals_hold_the_parameters_of_the_surface():
    held = []
    for seed in range(4):
        fit = fit_surface(surface(seed=seed), seed)
        assert isinstance(fit, Surface)
        held += [
            inside(fit.size_exponent, TRUE["alpha"]),
            inside(fit.data_exponent, TRUE["beta"]),
            inside(fit.floor, TRUE["E"]),
        ]
    assert np.mean(held) > 0.75
    assert fit.size_exponent.high - fit.size_exponent.low < 0.1  # an interval of everything would hold it, too


def test_the_optimum_is_the_least_loss_that_the_budget_buys():
    fit, flops = fit_surface(surface(noise=1e-6)), 1e16
    parameters, tokens = fit.optimum(flops)
    assert 6 * parameters * tokens == pytest.approx(flops)
    least = fit.at(parameters, tokens)
    for factor in (0.8, 1.25):
        assert fit.at(parameters * factor, tokens / factor) > least


def test_a_curve_of_one_variable():
    xs = np.geomspace(1e5, 1e8, 6)
    fit = fit_curve(xs, [2.0 + 300.0 / x**0.3 for x in xs])
    assert isinstance(fit, Curve)
    assert fit.exponent.value == pytest.approx(0.3, rel=0.02)
    assert fit.at(1e6) == pytest.approx(2.0 + 300.0 / 1e6**0.3, rel=1e-3)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (surface(sizes=2), "2 sizes and 5 numbers of tokens"),
        (surface()[:8], "takes 3 of each"),
        (surface(noise=0.3), "off the fit"),
        ([Point(n, d, 3.0 + 1e-9 * n) for n in (1e5, 1e6, 1e7) for d in (1e6, 1e7, 1e8)], "not determined"),
    ],
)
def test_points_that_bear_no_surface_are_told(points, reason):
    fit = fit_surface(points)
    assert isinstance(fit, NoFit)
    assert reason in fit.reason


def test_runs_of_one_ratio_of_tokens_to_parameters_bear_no_surface():
    sizes = np.geomspace(1e5, 1e8, 9)
    points = [Point(n, 20 * n, 1.8 + 480 / n**0.35 + 2080 / (20 * n) ** 0.37) for n in sizes]
    fit = fit_surface(points)
    assert isinstance(fit, NoFit)
    assert "rise together" in fit.reason
    beside = [Point(n, 5 * n, 1.8 + 480 / n**0.35 + 2080 / (5 * n) ** 0.37) for n in sizes]
    assert fit_surface([*points[:3], *beside[-6:]]) != fit


def test_three_points_are_no_curve():
    assert fit_curve([1, 2, 3], [3, 2, 1]) == NoFit("3 different points; a curve with a floor takes 4 or more")
