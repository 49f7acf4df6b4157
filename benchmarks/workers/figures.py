"""Statistics of measurements: quartiles, percentiles, ratios. Pure."""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Quartiles(NamedTuple):
    """The quartiles over rounds; for a single round all three are its value."""

    low: float
    middle: float
    high: float


class Delays(NamedTuple):
    """The percentiles of a run's delays in milliseconds; `number` is their count."""

    number: int
    p50: float
    p99: float
    most: float


def quartiles(values: Sequence[float]) -> Quartiles:
    """Return the quartiles, interpolated between neighbours.

    Raises:
        ValueError: there is no value.
    """
    if not values:
        raise ValueError("there is no round to take quartiles of")
    if len(values) == 1:
        return Quartiles(values[0], values[0], values[0])
    return Quartiles(*statistics.quantiles(values, n=4, method="inclusive"))


def ratios(ours: Iterable[float], peers: Iterable[float]) -> Quartiles:
    """Return the quartiles of ours / peer, round by round."""
    return quartiles([mine / theirs for mine, theirs in zip(ours, peers, strict=True)])


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which a share of ascending values lies (nearest rank)."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def delays(values: Iterable[float]) -> Delays:
    """Return the percentiles of delays in milliseconds; zeros without delays."""
    ordered = sorted(values)
    if not ordered:
        return Delays(0, 0.0, 0.0, 0.0)
    return Delays(len(ordered), percentile(ordered, 0.5), percentile(ordered, 0.99), ordered[-1])
