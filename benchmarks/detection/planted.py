"""Cascades with a known beginning and end, put into a synthetic day."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log

from benchmarks.detection.assets import MAJORS, Asset
from benchmarks.detection.events import TrueLiquidation
from benchmarks.detection.venues import choose_venue
from liq.schemas.units import DAY_SECONDS
from liq.schemas.vocabulary import Side

MARGIN_SECONDS = 1_800
# Two cascades are further apart than any detector's memory of one.
SPACING_SECONDS = 900


class Kind(StrEnum):
    """The kinds of planted cascades."""

    SMALL = "small"
    MAJOR = "major"
    TWO_WAVE = "two-wave"
    SLOW = "slow"
    MARKET = "market"


A_DAY = {Kind.SMALL: 4, Kind.MAJOR: 4, Kind.TWO_WAVE: 2, Kind.SLOW: 2, Kind.MARKET: 2}


@dataclass(frozen=True, slots=True)
class Planted:
    """The truth about one cascade; an empty `base` means the whole market. Seconds of the day."""

    kind: Kind
    base: str
    side: Side
    start: float
    end: float
    family: int


Wave = tuple[float, float]


def plant(
    random_numbers: random.Random, traded: tuple[Asset, ...], first_family: int
) -> tuple[list[Planted], list[TrueLiquidation]]:
    """A day's cascades and their liquidations, families numbered from `first_family`."""
    kinds = [kind for kind, count in A_DAY.items() for _ in range(count)]
    random_numbers.shuffle(kinds)
    truths: list[Planted] = []
    events: list[TrueLiquidation] = []
    for number, (kind, start) in enumerate(zip(kinds, _starts(random_numbers), strict=True)):
        made = list(MAKERS[kind](random_numbers, traded, start, first_family + number))
        events += made
        truths.append(
            Planted(
                kind=kind,
                base="" if kind is Kind.MARKET else made[0].base,
                side=made[0].side,
                start=min(event.second for event in made),
                end=max(event.second for event in made),
                family=first_family + number,
            )
        )
    return truths, events


def _starts(random_numbers: random.Random) -> list[float]:
    count = sum(A_DAY.values())
    room = DAY_SECONDS - 2 * MARGIN_SECONDS - count * (SPACING_SECONDS + 1_200)
    cuts = sorted(random_numbers.uniform(0, room) for _ in range(count))
    return [
        MARGIN_SECONDS + cut + number * (SPACING_SECONDS + 1_200) for number, cut in enumerate(cuts)
    ]


def _log_uniform(random_numbers: random.Random, low: float, high: float) -> float:
    return exp(random_numbers.uniform(log(low), log(high)))


def _burst(  # noqa: PLR0913, PLR0917 - one argument for each thing that makes a burst
    random_numbers: random.Random,
    base: str,
    side: Side,
    wave: Wave,
    dollars: float,
    count: int,
    family: int,
) -> Iterator[TrueLiquidation]:
    """`count` liquidations worth `dollars` in a wave: quick rise, slower fall, a few large ones."""
    start, duration = wave
    shares = [random_numbers.lognormvariate(0, 1.7) for _ in range(count)]
    total = sum(shares)
    for share in shares:
        moment = start + duration * random_numbers.betavariate(1.15, 2.0)
        cents = max(500, round(100 * dollars * share / total))
        venue = choose_venue(random_numbers)
        yield TrueLiquidation(moment, base, side, cents, venue, family)


def _side(random_numbers: random.Random) -> Side:
    return random_numbers.choice((Side.LONG, Side.SHORT))


def _small(
    random_numbers: random.Random, traded: tuple[Asset, ...], start: float, family: int
) -> Iterator[TrueLiquidation]:
    asset = random_numbers.choice(traded[len(MAJORS) :])
    wave = (start, random_numbers.uniform(8, 40))
    dollars = _log_uniform(random_numbers, 150_000, 800_000)
    count = round(_log_uniform(random_numbers, *SMALL_COUNT))
    yield from _burst(
        random_numbers, asset.name, _side(random_numbers), wave, dollars, count, family
    )


def _major(
    random_numbers: random.Random, traded: tuple[Asset, ...], start: float, family: int
) -> Iterator[TrueLiquidation]:
    asset = random_numbers.choice(traded[: len(MAJORS)])
    wave = (start, random_numbers.uniform(10, 90))
    dollars = _log_uniform(random_numbers, 500_000, 6_000_000)
    count = round(_log_uniform(random_numbers, *MAJOR_COUNT))
    yield from _burst(
        random_numbers, asset.name, _side(random_numbers), wave, dollars, count, family
    )


def _two_wave(
    random_numbers: random.Random, traded: tuple[Asset, ...], start: float, family: int
) -> Iterator[TrueLiquidation]:
    asset, side = random_numbers.choice(traded[: 2 * len(MAJORS)]), _side(random_numbers)
    dollars = _log_uniform(random_numbers, 500_000, 4_000_000)
    for _ in range(2):
        duration = random_numbers.uniform(10, 40)
        count = round(_log_uniform(random_numbers, *WAVE_COUNT))
        yield from _burst(
            random_numbers, asset.name, side, (start, duration), dollars / 2, count, family
        )
        start += duration + random_numbers.uniform(30, 90)


def _slow(
    random_numbers: random.Random, traded: tuple[Asset, ...], start: float, family: int
) -> Iterator[TrueLiquidation]:
    asset, side = random_numbers.choice(traded[: 2 * len(MAJORS)]), _side(random_numbers)
    duration = random_numbers.uniform(480, 1_200)
    dollars = random_numbers.uniform(1_000_000, 10_000_000)
    count = round(duration * _log_uniform(random_numbers, *SLOW_PER_SECOND))
    yield from _burst(random_numbers, asset.name, side, (start, duration), dollars, count, family)


def _market(
    random_numbers: random.Random, traded: tuple[Asset, ...], start: float, family: int
) -> Iterator[TrueLiquidation]:
    side = _side(random_numbers)
    duration = random_numbers.uniform(60, 600)
    dollars = _log_uniform(random_numbers, 10_000_000, 300_000_000)
    hit = [
        *traded[: len(MAJORS)],
        *random_numbers.sample(traded[len(MAJORS) :], k=random_numbers.randint(35, 75)),
    ]
    an_asset = _log_uniform(random_numbers, *MARKET_COUNT)
    counts = [asset.per_hour * random_numbers.lognormvariate(0, 0.5) for asset in hit]
    values = [
        asset.per_hour * asset.median_usd * random_numbers.lognormvariate(0, 1.0) for asset in hit
    ]
    for asset, count, value in zip(hit, counts, values, strict=True):
        yield from _burst(
            random_numbers,
            asset.name,
            side,
            (start, duration),
            dollars * value / sum(values),
            max(3, round(an_asset * len(hit) * count / sum(counts))),
            family,
        )


# Liquidations before publication, of which a reader gets about two thirds.
SMALL_COUNT = (10, 40)
MAJOR_COUNT = (40, 200)
WAVE_COUNT = (25, 100)
SLOW_PER_SECOND = (0.15, 0.5)
MARKET_COUNT = (8, 40)

Maker = Callable[[random.Random, tuple[Asset, ...], float, int], Iterator[TrueLiquidation]]
MAKERS: dict[Kind, Maker] = {
    Kind.SMALL: _small,
    Kind.MAJOR: _major,
    Kind.TWO_WAVE: _two_wave,
    Kind.SLOW: _slow,
    Kind.MARKET: _market,
}
