"""The conditions in which a synthetic day may differ from an ordinary one."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from benchmarks.detection.assets import ALT_COUNT
from benchmarks.detection.faults import Fault, no_fault
from benchmarks.detection.planted import A_DAY, Kind
from liq.schemas.units import DAY_SECONDS, HOUR_SECONDS

Steps = tuple[tuple[float, float], ...]
"""(from second of the day, factor of every rate), by time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The parameters of a day; the defaults are those of an ordinary day.

    `traffic` multiplies every rate all day, `steps` draws factors for parts of it. `more_sigma` is
    added to the standard deviation of the logarithm of sizes. `slow_seconds` is the mean delay of
    the slow offspring.
    `shocks_an_hour` hit 5 to 25 assets on one side at once. `counter_share` of each planted
    cascade's liquidations are on the other side. With `has_crash_at_rise`, a market crash precedes
    each rise of all traffic by half a minute.
    """

    traffic: float = 1.0
    alt_count: int = ALT_COUNT
    more_sigma: float = 0.0
    slow_seconds: float = 8.0
    shocks_an_hour: float = 0.0
    steps: Callable[[random.Random], Steps] = lambda _: ()
    planted: Mapping[Kind, int] = field(default_factory=lambda: A_DAY)
    counter_share: float = 0.0
    has_crash_at_rise: bool = False
    has_decoys: bool = True
    fault: Fault = no_fault


ORDINARY: Final = Conditions()
NOTHING: Final[Mapping[Kind, int]] = {}


def level_shift(low: float, high: float) -> Callable[[random.Random], Steps]:
    """Return a function that draws a rise of all traffic for 6 to 10 hours, by a bounded factor."""

    def draw(random_numbers: random.Random) -> Steps:
        start = random_numbers.uniform(3, 14) * HOUR_SECONDS
        end = start + random_numbers.uniform(6, 10) * HOUR_SECONDS
        return ((start, random_numbers.uniform(low, high)), (end, 1.0))

    return draw


def calm_night_then_rush(random_numbers: random.Random) -> Steps:
    """Draw a night at a fifth of the traffic, and three times the traffic from its end."""
    return ((0.0, 0.2), (random_numbers.uniform(7, 9) * HOUR_SECONDS, 3.0))


def factor_at(steps: Steps, second: float) -> float:
    """Return the factor at a second; 1 before the first step."""
    factor = 1.0
    for start, value in steps:
        if start > second:
            break
        factor = value
    return factor


def rises(steps: Steps) -> list[float]:
    """Return the seconds at which the traffic rises."""
    factors = [1.0, *(value for _, value in steps)]
    return [
        start
        for (start, value), before in zip(steps, factors, strict=False)
        if value > before and 0 < start < DAY_SECONDS
    ]
