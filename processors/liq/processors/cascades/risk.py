"""The risk score of a moment and its named parts.

    speed         S = 1 - exp(-G / 25)
    volume        V = ln(1 + U / floor) / ln(1 + U_full / floor), at most 1
    imbalance     I = (U - U_other) / (U + U_other + floor / 2), at least 0
    concentration C = (U_burst / U - even) / (1 - even), at least 0
    breadth       B = (n_eff - 1) / (n_full - 1), at most 1
    score         100 [ 0.30 S + 0.30 V + sqrt(S V) (0.15 I + 0.10 C + 0.15 B) ]

G is the surprise, U the dollars of the floor's window, U_other the opposite side's, U_burst its
busiest ten seconds, n_eff the effective number (inverse Herfindahl index) of venues or assets.
Speed and volume dominate the score; the other three parts count only where both are high.
"""

from math import exp, log, sqrt
from typing import NamedTuple

from liq.processors.cascades.observation import CENTS_PER_DOLLAR

NATS_OF_SPEED = 25.0
SPEED_WEIGHT, VOLUME_WEIGHT = 0.30, 0.30
IMBALANCE_WEIGHT, CONCENTRATION_WEIGHT, BREADTH_WEIGHT = 0.15, 0.10, 0.15
PART_DECIMALS, SCORE_DECIMALS = 4, 2

BASIC_RATE_POINTS = 10
BASIC_MILLION_POINTS = 5
BASIC_MILLIONS_CAP = 10
MAX_SCORE = 100


class Parts(NamedTuple):
    """The parts of a score, each between 0 and 1."""

    speed: float
    volume: float
    imbalance: float
    concentration: float
    breadth: float


def speed(nats: float) -> float:
    """Return the part that saturates with the surprise."""
    return round(1 - exp(-nats / NATS_OF_SPEED), PART_DECIMALS)


def volume(cents: int, floor_cents: int, full_cents: int) -> float:
    """Return the part that is logarithmic in the dollars: 1 from `full_cents` on."""
    share = log(1 + cents / floor_cents) / log(1 + full_cents / floor_cents)
    return round(min(1.0, share), PART_DECIMALS)


def imbalance(cents: int, other_cents: int, floor_cents: int) -> float:
    """Return how far this side outweighs the other; half the floor damps small sums."""
    share = (cents - other_cents) / (cents + other_cents + floor_cents / 2)
    return round(max(0.0, share), PART_DECIMALS)


def concentration(burst_cents: int, cents: int, even_share: float) -> float:
    """Return how concentrated the dollars are in time: 0 for even, 1 for all in one burst."""
    if not cents:
        return 0.0
    share = (burst_cents / cents - even_share) / (1 - even_share)
    return round(max(0.0, share), PART_DECIMALS)


def breadth(cells: int, squares: int, full_groups: float) -> float:
    """Return how many groups take part, from the sum and the sum of squares of their cells."""
    if not squares:
        return 0.0
    share = (cells * cells / squares - 1) / (full_groups - 1)
    return round(min(1.0, share), PART_DECIMALS)


def score(parts: Parts) -> float:
    """Return the score of 0 to 100; it never falls when a part rises."""
    quality = (
        IMBALANCE_WEIGHT * parts.imbalance
        + CONCENTRATION_WEIGHT * parts.concentration
        + BREADTH_WEIGHT * parts.breadth
    )
    base = SPEED_WEIGHT * parts.speed + VOLUME_WEIGHT * parts.volume
    return round(MAX_SCORE * (base + sqrt(parts.speed * parts.volume) * quality), SCORE_DECIMALS)


def basic_score(count: int, cents: int, window_seconds: int) -> float:
    """Return ten points per event a second plus five per million USD, up to ten million USD."""
    millions = cents / CENTS_PER_DOLLAR / 1_000_000
    points = (
        count / window_seconds * BASIC_RATE_POINTS
        + min(millions, BASIC_MILLIONS_CAP) * BASIC_MILLION_POINTS
    )
    return round(min(points, MAX_SCORE), SCORE_DECIMALS)
