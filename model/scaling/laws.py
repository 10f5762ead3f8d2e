"""Fits of scaling laws to the losses of small runs, with intervals, and what they say of a budget.

Hoffmann et al. 2022, section 3.3: L(N, D) = E + A / N^alpha + B / D^beta, fitted by the Huber loss of the logarithms
(delta 1e-3) from a grid of starts, E, A and B as exponentials so that none can be negative. With one of N and D held
fixed, it is L(x) = E + C / x^gamma, of which Kaplan et al. 2020 (equations 1.1 and 1.2) is the case E = 0.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

HUBER_DELTA = 1e-3  # a difference of the loss's logarithm (Hoffmann et al. 2022, section 3.3)
FLOPS_A_TOKEN = 6  # times parameters: C = 6 N D (Kaplan et al. 2020, section 2.1)
DRAWS = 200  # the bootstrap's samples
LEAST_CURVE, LEAST_SIDE = 4, 3  # points of a curve in one variable; different sizes, and tokens, of a surface
MOST_TOGETHER = 0.98  # correlation of log N and log D: of runs on one diagonal, many surfaces fit as well (our choice)
MOST_RESIDUAL = 0.02  # a difference of the loss's logarithm: runs that lie off by 2 % in the median follow another law

Floats = NDArray[np.float64]
Law = TypeVar("Law", "Curve", "Surface")


@dataclass(frozen=True)
class Point:
    """One run: parameters without embeddings, tokens read, and the held-out loss in nats a token."""

    parameters: float
    tokens: float
    loss: float


@dataclass(frozen=True)
class Interval:
    """A value and where 95 % of the bootstrap's draws lie."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """L(x) = E + C / x^gamma."""

    floor: Interval
    factor: Interval
    exponent: Interval
    residual: float
    """Median of the absolute residuals of log L."""

    def at(self, x: float) -> float:
        """The loss at x."""
        return float(self.floor.value + self.factor.value / x**self.exponent.value)


@dataclass(frozen=True)
class Surface:
    """L(N, D) = E + A / N^alpha + B / D^beta."""

    floor: Interval
    size_factor: Interval
    size_exponent: Interval
    data_factor: Interval
    data_exponent: Interval
    residual: float

    def at(self, parameters: float, tokens: float) -> float:
        """The loss of a model of so many parameters after so many tokens."""
        size = self.size_factor.value / parameters**self.size_exponent.value
        return float(self.floor.value + size + self.data_factor.value / tokens**self.data_exponent.value)

    def optimum(self, flops: float) -> tuple[float, float]:
        """Give the parameters and tokens of the least loss that `flops` buy (Hoffmann et al. 2022, equation 4)."""
        alpha, beta = self.size_exponent.value, self.data_exponent.value
        balance = alpha * self.size_factor.value / (beta * self.data_factor.value)
        parameters = balance ** (1 / (alpha + beta)) * (flops / FLOPS_A_TOKEN) ** (beta / (alpha + beta))
        return parameters, flops / (FLOPS_A_TOKEN * parameters)


@dataclass(frozen=True)
class NoFit:
    """Why points bear no law."""

    reason: str


def fit_curve(xs: Sequence[float], losses: Sequence[float], seed: int = 0) -> Curve | NoFit:
    """Fit L(x) = E + C / x^gamma, or say why not."""
    if len(set(xs)) < LEAST_CURVE:
        return NoFit(f"{len(set(xs))} different points; a curve with a floor takes {LEAST_CURVE} or more")
    columns = [np.asarray(xs, np.float64)]
    draws, residual = _fit(columns, np.asarray(losses, np.float64), seed)
    floor, factor, exponent = _intervals(draws)
    return _checked(Curve(floor, factor, exponent, residual), {"exponent": exponent})


def fit_surface(points: Sequence[Point], seed: int = 0) -> Surface | NoFit:
    """Fit L(N, D) = E + A / N^alpha + B / D^beta, or say why not."""
    sides = len({point.parameters for point in points}), len({point.tokens for point in points})
    if min(sides) < LEAST_SIDE or len(points) < LEAST_SIDE**2:
        return NoFit(
            f"{sides[0]} sizes and {sides[1]} numbers of tokens in {len(points)} runs; a surface takes {LEAST_SIDE} of "
            f"each and {LEAST_SIDE**2} runs or more"
        )
    columns = [np.array([getattr(point, side) for point in points], np.float64) for side in ("parameters", "tokens")]
    if abs(np.corrcoef(np.log(columns))[0, 1]) > MOST_TOGETHER:
        return NoFit("sizes and tokens rise together, so that what either does cannot be told: cross them")
    draws, residual = _fit(columns, np.array([point.loss for point in points]), seed)
    floor, size_factor, size_exponent, data_factor, data_exponent = _intervals(draws)
    surface = Surface(floor, size_factor, size_exponent, data_factor, data_exponent, residual)
    return _checked(surface, {"exponent of size": size_exponent, "exponent of data": data_exponent})


def _checked(law: Law, exponents: dict[str, Interval]) -> Law | NoFit:
    if law.residual > MOST_RESIDUAL:
        return NoFit(f"the runs lie {law.residual:.1%} off the fit in the median; {MOST_RESIDUAL:.0%} is the most")
    for name, exponent in exponents.items():
        if exponent.low <= 0.0 or exponent.high > 3 * exponent.value:
            return NoFit(
                f"the {name} is not determined: {exponent.value:.3f} [{exponent.low:.3f}, {exponent.high:.3f}]"
            )
    return law


def _fit(columns: Sequence[Floats], losses: Floats, seed: int) -> tuple[Floats, float]:
    """Fit, then fit again to losses with residuals drawn anew: rows of parameters, the first of which is the fit.

    Columns of the result: E, and for each variable its factor and exponent.
    """
    centres = [float(np.exp(np.log(column).mean())) for column in columns]
    scaled = [np.log(column / centre) for column, centre in zip(columns, centres, strict=True)]
    logs = np.log(losses)
    best = min((_minimum(start, scaled, logs) for start in _starts(len(columns), losses)), key=lambda found: found[1])[
        0
    ]
    left = logs - _log_loss(best, scaled)
    spread = math.sqrt(len(logs) / max(1, len(logs) - len(best)))  # a fit leaves residuals smaller than the noise
    random = np.random.default_rng(seed)
    fits = [best]
    for _ in range(DRAWS):
        noise = random.choice(left - left.mean(), len(left)) * spread
        fits.append(_minimum(best, scaled, _log_loss(best, scaled) + noise)[0])
    return np.stack([_unscaled(fit, centres) for fit in fits]), float(np.median(np.abs(left)))


def _starts(variables: int, losses: Floats) -> list[Floats]:
    low, spread = float(losses.min()), float(max(losses.max() - losses.min(), 1e-3))
    floors, exponents = (0.3, 0.7, 0.95), (0.1, 0.3, 0.6, 1.0)
    return [
        np.array([math.log(low * floor), *itertools.chain(*((math.log(spread), power) for power in powers))])
        for floor in floors
        for powers in itertools.product(exponents, repeat=variables)
    ]


def _log_loss(parameters: Floats, scaled: Sequence[Floats]) -> Floats:
    """log(exp(e) + sum of exp(a - alpha log x)), as a sum of exponentials that cannot overflow."""
    terms = [np.full(len(scaled[0]), parameters[0])]
    terms += [parameters[1 + 2 * number] - parameters[2 + 2 * number] * x for number, x in enumerate(scaled)]
    summed: Floats = np.logaddexp.reduce(terms)
    return summed


def _minimum(start: Floats, scaled: Sequence[Floats], logs: Floats) -> tuple[Floats, float]:
    def huber(parameters: Floats) -> tuple[float, Floats]:
        terms = [np.full(len(logs), parameters[0])]
        terms += [parameters[1 + 2 * number] - parameters[2 + 2 * number] * x for number, x in enumerate(scaled)]
        total = np.logaddexp.reduce(terms)
        left = (total - logs) / HUBER_DELTA
        slope = np.clip(left, -1.0, 1.0)
        cost = np.where(np.abs(left) < 1.0, left**2 / 2, np.abs(left) - 0.5)
        shares = [np.exp(term - total) for term in terms]
        gradient = [(slope * shares[0]).sum()]
        for number, x in enumerate(scaled):
            gradient += [(slope * shares[number + 1]).sum(), -(slope * shares[number + 1] * x).sum()]
        return float(cost.sum()), np.array(gradient) / HUBER_DELTA

    bounds = [(-20.0, 20.0), *[(-20.0, 20.0), (0.0, 5.0)] * len(scaled)]
    found: Any = minimize(huber, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2000})
    return found.x, float(found.fun)


def _unscaled(fit: Floats, centres: Sequence[float]) -> Floats:
    values = [math.exp(fit[0])]
    for number, centre in enumerate(centres):
        exponent = fit[2 + 2 * number]
        values += [math.exp(fit[1 + 2 * number] + exponent * math.log(centre)), exponent]
    return np.array(values)


def _intervals(draws: Floats) -> list[Interval]:
    low, high = np.percentile(draws[1:], [2.5, 97.5], axis=0)
    return [Interval(float(value), float(a), float(b)) for value, a, b in zip(draws[0], low, high, strict=True)]
