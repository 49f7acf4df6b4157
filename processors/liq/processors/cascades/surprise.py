"""The surprise: how implausible a lane's windows are under the lane's normal rate.

The statistic of one window is a quasi-Poisson generalised log-likelihood ratio in nats,

    G = (N ln(N / m) - N + m) / phi    where N > m, else 0,

with N weighted cells, m expected cells, and phi the variance-to-mean ratio of calm counts. Cells
cluster even in calm hours, so plain Poisson limits would raise false alarms.
"""

from math import log
from typing import NamedTuple

from liq.processors.cascades.ring import CELL_TENTHS, LONG_SECONDS, SHORT_SECONDS, Ring, weight_of

# The least normal rate of a lane, in cells a second.
LEAST_RATE = 0.002


class Dispersion(NamedTuple):
    """The variance over the mean of calm counts in the short, middle and long window."""

    short: float
    middle: float
    long: float


class Surprise(NamedTuple):
    """The greatest statistic of the three windows (`nats`) and of the two shorter (`quick_nats`).

    `window_seconds` is the width of the window with the greatest statistic, `expected_short` the
    expected cells in the short window.
    """

    nats: float
    window_seconds: int
    quick_nats: float
    expected_short: float


def log_likelihood_ratio(cells: float, expected: float) -> float:
    """Return the log-likelihood ratio of observed to expected cells in nats; 0 if fewer."""
    if cells <= expected:
        return 0.0
    return cells * log(cells / expected) - cells + expected


def surprise(
    ring: Ring, rate: float, dispersion: Dispersion, middle_seconds: int, clustering: float
) -> Surprise:
    """Compare the three windows of a lane with `rate` cells a second.

    `clustering` scales the dispersion of the two shorter windows, because families of cells fit
    into them.
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
