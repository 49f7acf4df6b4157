"""Everyday liquidations: a Hawkes process for each asset; a family has one side."""

import random
from bisect import bisect_right
from collections.abc import Iterator
from itertools import count
from math import exp, log
from typing import Final

from benchmarks.detection.assets import Asset, hour_factor, most_hour_factor, regimes
from benchmarks.detection.conditions import Conditions, Steps, factor_at
from benchmarks.detection.events import TrueLiquidation
from benchmarks.detection.venues import choose_venue
from liq.schemas.units import DAY_SECONDS, HOUR_SECONDS
from liq.schemas.vocabulary import Side

FAST_SHARE = 0.6
FAST_SECONDS = 0.5
MIN_CENTS, MAX_CENTS = 500, 500_000_000
SHOCKED_ASSETS: Final = (5, 25)
SHOCK_SECONDS: Final = 5.0


def background(
    random_numbers: random.Random,
    traded: tuple[Asset, ...],
    conditions: Conditions,
    steps: Steps,
) -> Iterator[TrueLiquidation]:
    """Yield a day's liquidations of all assets; `steps` multiply every rate in parts of the day."""
    swings = regimes(random_numbers)
    starts = [start for start, _ in swings]
    most = (
        most_hour_factor()
        * max(factor for _, factor in swings)
        * max([1.0, *(factor for _, factor in steps)])
    )
    families = count(1)
    for asset in traded:
        per_second = asset.per_hour * (1 - asset.branching) / HOUR_SECONDS
        peak = per_second * conditions.traffic * most
        second = random_numbers.expovariate(peak)
        while second < DAY_SECONDS:
            factor = hour_factor(second) * swings[bisect_right(starts, second) - 1][1]
            if random_numbers.random() * most < factor * factor_at(steps, second):
                side = random_numbers.choice((Side.LONG, Side.SHORT))
                yield from _family(
                    random_numbers, asset, second, side, conditions.slow_seconds, next(families)
                )
            second += random_numbers.expovariate(peak)
    if conditions.shocks_an_hour:
        yield from _shocks(random_numbers, traded, conditions, families)


def _shocks(
    random_numbers: random.Random,
    traded: tuple[Asset, ...],
    conditions: Conditions,
    families: Iterator[int],
) -> Iterator[TrueLiquidation]:
    """Yield common shocks: a family of one side in each of several assets, within seconds."""
    per_second = conditions.shocks_an_hour / HOUR_SECONDS
    second = random_numbers.expovariate(per_second)
    while second < DAY_SECONDS:
        side = random_numbers.choice((Side.LONG, Side.SHORT))
        for asset in random_numbers.sample(traded, k=random_numbers.randint(*SHOCKED_ASSETS)):
            moment = second + random_numbers.uniform(0, SHOCK_SECONDS)
            yield from _family(
                random_numbers, asset, moment, side, conditions.slow_seconds, next(families)
            )
        second += random_numbers.expovariate(per_second)


def _family(  # noqa: PLR0913, PLR0917 - one argument for each thing that makes a family
    random_numbers: random.Random,
    asset: Asset,
    second: float,
    side: Side,
    slow_seconds: float,
    family: int,
) -> Iterator[TrueLiquidation]:
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
            mean = FAST_SECONDS if random_numbers.random() < FAST_SHARE else slow_seconds
            waiting.append(moment + random_numbers.expovariate(1 / mean))


def size_cents(random_numbers: random.Random, asset: Asset) -> int:
    """Draw the size of one liquidation, in cents."""
    cents = 100 * random_numbers.lognormvariate(log(asset.median_usd), asset.sigma)
    return min(MAX_CENTS, max(MIN_CENTS, round(cents)))


def poisson(random_numbers: random.Random, mean: float) -> int:
    """Draw a Poisson number by counting, for small means."""
    limit, product, number = exp(-mean), random_numbers.random(), 0
    while product > limit:
        product *= random_numbers.random()
        number += 1
    return number
