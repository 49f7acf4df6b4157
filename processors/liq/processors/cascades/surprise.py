"""How implausible a window is under a lane's own recent rate.

The statistic of one window is a quasi-Poisson generalised log-likelihood ratio in nats,

    G = (N ln(N / m) - N + m) / phi    where N > m, else 0,

with N weighted cells, m expected ones, and phi the variance-to-mean ratio of calm counts: cells
come in clusters even when nothing happens, and plain Poisson limits would cry wolf.
"""

from math import log
from typing import NamedTuple

from liq.processors.cascades.ring import CELL_TENTHS, LONG_SECONDS, SHORT_SECONDS, Ring, weight_of

# However quiet a lane was, so much is expected of it: cells a second.
LEAST_RATE = 0.002


class Dispersion(NamedTuple):
    """Variance over mean of calm counts in the short, middle and long window."""

    short: float
    middle: float
    long: float


class Surprise(NamedTuple):
    """The greatest of the three windows' statistics, and of the two shorter ones."""

    nats: float
    window_seconds: int
    quick_nats: float
    expected_short: float


def log_likelihood_ratio(cells: float, expected: float) -> float:
    """Of seeing so many cells at their own rate against the expected one; 0 where fewer."""
    if cells <= expected:
        return 0.0
    return cells * log(cells / expected) - cells + expected


def surprise(
    ring: Ring, rate: float, dispersion: Dispersion, middle_seconds: int, clustering: float
) -> Surprise:
    """Judge the three windows of a lane against `rate` cells a second.

    `clustering` scales the dispersion of the two shorter windows, within which families fall.
    """
    normal = max(rate, LEAST_RATE)
    short = log_likelihood_ratio(
        weight_of(ring.short_buckets) / CELL_TENTHS, normal * SHORT_SECONDS
    )
    middle = log_likelihood_ratio(
        weight_of(ring.middle_buckets) / CELL_TENTHS, normal * middle_seconds
    )
    long = log_likelihood_ratio(weight_of(ring.buckets) / CELL_TENTHS, normal * LONG_SECONDS)
    short /= dispersion.short * clustering
    middle /= dispersion.middle * clustering
    long /= dispersion.long
    quick = max(short, middle)
    if long > quick:
        best, window = long, LONG_SECONDS
    else:
        best, window = quick, SHORT_SECONDS if short >= middle else middle_seconds
    return Surprise(best, window, quick, normal * SHORT_SECONDS)
