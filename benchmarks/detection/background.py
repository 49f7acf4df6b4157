"""Everyday liquidations: a Hawkes process for each asset, sides shared within a family."""

import random
from bisect import bisect_right
from collections.abc import Iterator
from math import exp, log

from benchmarks.detection.assets import (
    Asset,
    hour_factor,
    regimes,
)
from benchmarks.detection.events import TrueLiquidation
from benchmarks.detection.venues import choose_venue
from liq.schemas.units import DAY_SECONDS, HOUR_SECONDS
from liq.schemas.vocabulary import Side

FAST_SHARE = 0.6
FAST_SECONDS, SLOW_SECONDS = 0.5, 8.0
MIN_CENTS, MAX_CENTS = 500, 500_000_000
# Above any factor that the profile of a day and the regimes can give together.
MAX_FACTOR = 30.0


def background(
    random_numbers: random.Random, traded: tuple[Asset, ...], traffic: float
) -> Iterator[TrueLiquidation]:
    """A day's liquidations of all assets; `traffic` multiplies every rate."""
    steps = regimes(random_numbers)
    starts = [start for start, _ in steps]
    family = 0
    for asset in traded:
        immigrants_a_second = asset.per_hour * (1 - asset.branching) * traffic / HOUR_SECONDS
        peak = immigrants_a_second * MAX_FACTOR
        second = random_numbers.expovariate(peak)
        while second < DAY_SECONDS:
            factor = hour_factor(second) * steps[bisect_right(starts, second) - 1][1]
            if random_numbers.random() * MAX_FACTOR < factor:
                family += 1
                yield from _family(random_numbers, asset, second, family)
            second += random_numbers.expovariate(peak)


def _family(
    random_numbers: random.Random, asset: Asset, second: float, family: int
) -> Iterator[TrueLiquidation]:
    side = random_numbers.choice((Side.LONG, Side.SHORT))
    waiting = [second]
    while waiting:
        moment = waiting.pop()
        if moment >= DAY_SECONDS:
            continue
        yield TrueLiquidation(
            moment,
            asset.name,
            side,
            size_cents(random_numbers, asset),
            choose_venue(random_numbers),
            family,
        )
        for _ in range(poisson(random_numbers, asset.branching)):
            mean = FAST_SECONDS if random_numbers.random() < FAST_SHARE else SLOW_SECONDS
            waiting.append(moment + random_numbers.expovariate(1 / mean))


def size_cents(random_numbers: random.Random, asset: Asset) -> int:
    """The size of one liquidation, in cents."""
    cents = 100 * random_numbers.lognormvariate(log(asset.median_usd), asset.sigma)
    return min(MAX_CENTS, max(MIN_CENTS, round(cents)))


def poisson(random_numbers: random.Random, mean: float) -> int:
    """A Poisson number by counting; for small means."""
    limit, product, count = exp(-mean), random_numbers.random(), 0
    while product > limit:
        product *= random_numbers.random()
        count += 1
    return count
