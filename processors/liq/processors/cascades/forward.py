"""A calibrated forecast of the next minute: whether a cascade goes on, and by how much.

    P    = 1 / (1 + exp(-(a + b1 s + b2 m + b3 g + b4 w - c ln(X / $250k))))
    more = $100k exp(d + e1 s + e2 m + e3 g + e4 w)

P is the probability that at least X dollars follow within 60 s. X equals the total so far, and is
at least $250k. `more` is the expected dollars. s and m are logarithms of one plus the dollars of
the last ten seconds and of the window, in $10k, g is the surprise of the two shorter windows in
tens of nats, w the logarithm of one plus the cells of ten seconds.

The coefficients were fitted by maximum likelihood on synthetic days and the recording of July 2026,
and are part of the algorithm: docs/detection.md has the reliability.
"""

from math import exp, log, log1p
from typing import Final, NamedTuple

from liq.processors.cascades.observation import CENTS_PER_DOLLAR
from liq.processors.cascades.ring import CELL_TENTHS
from liq.schemas.vocabulary import Scope

LEAST_MORE_CENTS: Final = 250_000 * CENTS_PER_DOLLAR
UNIT_CENTS: Final = 10_000 * CENTS_PER_DOLLAR
EXPECTED_UNIT_CENTS: Final = 100_000 * CENTS_PER_DOLLAR
NATS_UNIT: Final = 10.0
PROBABILITY_DECIMALS: Final = 4
# No extrapolation beyond the fitted range, and no certainty.
MOST_EXPONENT: Final = 8.0
MOST_PROBABILITY: Final = 0.99


class Pace(NamedTuple):
    """The input of the forecast.

    `short_cents` are the cents and `short_weight` the cells (in tenths) of the last ten seconds,
    `cents` those of the window, `quick_nats` the surprise of the two shorter windows.
    """

    short_cents: int
    cents: int
    quick_nats: float
    short_weight: int


class Coefficients(NamedTuple):
    """The weights of a constant, the two windows' dollars, the surprise, and the cells."""

    constant: float
    short: float
    window: float
    nats: float
    cells: float


class Model(NamedTuple):
    """The coefficients of a kind of lane; `size` is the coefficient c of X."""

    probability: Coefficients
    size: float
    expected: Coefficients


MODELS: Final = {
    Scope.ASSET: Model(
        Coefficients(-4.211, -0.074, 1.010, -0.080, 0.385),
        1.513,
        Coefficients(-0.578, 0.083, 0.480, -0.008, 0.015),
    ),
    Scope.MARKET: Model(
        Coefficients(-11.798, 1.028, 4.035, -0.182, 0.519),
        5.718,
        Coefficients(-1.708, 0.411, 0.372, -0.059, 0.625),
    ),
}


def continue_probability(scope: Scope, pace: Pace, total_cents: int) -> float:
    """Return the probability that `total_cents`, and at least $250k, follow within 60 s."""
    model = MODELS[scope]
    size = log(max(LEAST_MORE_CENTS, total_cents) / LEAST_MORE_CENTS)
    value = _linear(model.probability, pace) - model.size * size
    probability = 1 / (1 + exp(-max(-MOST_EXPONENT, min(MOST_EXPONENT, value))))
    return round(min(MOST_PROBABILITY, probability), PROBABILITY_DECIMALS)


def expected_more_cents(scope: Scope, pace: Pace) -> int:
    """Return the expected cents within 60 s."""
    value = min(MOST_EXPONENT, _linear(MODELS[scope].expected, pace))
    return round(EXPECTED_UNIT_CENTS * exp(value))


def _linear(weights: Coefficients, pace: Pace) -> float:
    return (
        weights.constant
        + weights.short * log1p(pace.short_cents / UNIT_CENTS)
        + weights.window * log1p(pace.cents / UNIT_CENTS)
        + weights.nats * pace.quick_nats / NATS_UNIT
        + weights.cells * log1p(pace.short_weight / CELL_TENTHS)
    )
