"""The synthetic market: assets with their rates and sizes, and the profile of a day."""

import random
from dataclasses import dataclass, replace
from math import cos, exp, pi

from liq.schemas.units import DAY_SECONDS, HOUR_SECONDS

ALT_COUNT = 75
# Liquidations are ten times as frequent at the busiest hour (UTC) as at the quietest.
BUSIEST_HOUR = 14.5
DAY_SWING = 1.15
MEAN_OF_DAY_PROFILE = 1.36


@dataclass(frozen=True, slots=True)
class Asset:
    """A traded asset: its true liquidations an hour on all venues, and their sizes.

    `branching` is the mean number of liquidations that one liquidation triggers directly. Sizes are
    log-normal with a median in dollars and the standard deviation `sigma` of their logarithm.
    """

    name: str
    per_hour: float
    branching: float
    median_usd: float
    sigma: float
    price: float


# Rates and medians of Bybit's complete feed in July 2026, scaled to three venues.
MAJORS = (
    Asset("BTC", 52.0, 0.62, 908, 2.1, 60_000.0),
    Asset("ETH", 29.0, 0.62, 710, 2.1, 3_000.0),
    Asset("SOL", 21.0, 0.55, 475, 2.1, 150.0),
    Asset("XRP", 8.0, 0.55, 312, 2.1, 2.2),
    Asset("DOGE", 6.0, 0.55, 182, 2.1, 0.2),
)


def assets(
    random_numbers: random.Random, *, alt_count: int = ALT_COUNT, more_sigma: float = 0.0
) -> tuple[Asset, ...]:
    """Return the majors and the alts of a day; alts differ from day to day."""
    alts = tuple(
        Asset(
            f"ALT{number:02d}",
            per_hour=min(40.0, random_numbers.lognormvariate(2.25, 0.7)),
            branching=0.45,
            median_usd=random_numbers.uniform(120, 430),
            sigma=1.8,
            price=10 ** random_numbers.uniform(-2, 2),
        )
        for number in range(alt_count)
    )
    return tuple(replace(asset, sigma=asset.sigma + more_sigma) for asset in MAJORS + alts)


def most_hour_factor() -> float:
    """Return the greatest value of `hour_factor`."""
    return exp(DAY_SWING) / MEAN_OF_DAY_PROFILE


def hour_factor(second: float) -> float:
    """Return the activity of a second of the day, 1 on average."""
    hours = second / HOUR_SECONDS - BUSIEST_HOUR
    return exp(DAY_SWING * cos(2 * pi * hours / 24)) / MEAN_OF_DAY_PROFILE


def regimes(random_numbers: random.Random) -> list[tuple[float, float]]:
    """Draw slow swings of the whole market: (from second, factor), in steps of 1 to 3 hours."""
    steps, start, level = [], 0.0, 0.0
    while start < DAY_SECONDS:
        level = 0.6 * level + random_numbers.gauss(0, 0.25)
        steps.append((start, exp(level)))
        start += random_numbers.uniform(1, 3) * HOUR_SECONDS
    return steps
