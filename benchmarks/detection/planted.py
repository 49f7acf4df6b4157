"""Planted cascades of a synthetic day, with a known beginning and end."""

import random
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from math import exp, log
from typing import Final

from benchmarks.detection.assets import MAJORS, Asset
from benchmarks.detection.events import TrueLiquidation
from benchmarks.detection.venues import COMPLETE, choose_venue
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
    SPARSE = "sparse"
    MARKET = "market"
    SLUG = "slug"
    FLOOD = "flood"


A_DAY: Final[Mapping[Kind, int]] = {
    Kind.SMALL: 4,
    Kind.MAJOR: 4,
    Kind.TWO_WAVE: 2,
    Kind.SLOW: 2,
    Kind.SPARSE: 2,
    Kind.MARKET: 2,
}


@dataclass(frozen=True, slots=True)
class Planted:
    """The truth about a cascade; an empty `base` means the whole market. Times are day seconds.

    `cents` are those of all liquidations on its side, published or not; half of them lie before
    `half`.
    """

    kind: Kind
    base: str
    side: Side
    start: float
    end: float
    family: int
    cents: int
    half: float


# Shapes of a wave: a quick rise with a slower fall, and an even one.
RISE_AND_FALL: Final = (1.15, 2.0)
EVEN: Final = (1.0, 1.0)
Wave = tuple[float, float]


def plant(  # noqa: PLR0913 - one argument for each thing that makes a day's cascades
    random_numbers: random.Random,
    traded: tuple[Asset, ...],
    first_family: int,
    *,
    counts: Mapping[Kind, int] = A_DAY,
    counter_share: float = 0.0,
    crashes_at: Sequence[float] = (),
) -> tuple[list[Planted], list[TrueLiquidation]]:
    """Return a day's cascades and their liquidations, with families numbered from `first_family`.

    `counts` has the number of each kind; `counter_share` of the liquidations are on the other side.
    `crashes_at` are the seconds of additional market crashes, regardless of the others.
    """
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    random_numbers.shuffle(kinds)
    truths: list[Planted] = []
    events: list[TrueLiquidation] = []
    starts = _starts(random_numbers, len(kinds))
    drawn = [*zip(kinds, starts, strict=True), *((Kind.MARKET, start) for start in crashes_at)]
    for number, (kind, start) in enumerate(drawn):
        made = list(MAKERS[kind](random_numbers, traded, start, first_family + number))
        side = made[0].side
        if counter_share:
            made = [
                event._replace(side=side.opposite)
                if random_numbers.random() < counter_share
                else event
                for event in made
            ]
        events += made
        truths.append(_truth(kind, side, sorted(made)))
    return truths, events


def _truth(kind: Kind, side: Side, made: list[TrueLiquidation]) -> Planted:
    sums = list(accumulate(event.cents if event.side is side else 0 for event in made))
    return Planted(
        kind=kind,
        base="" if kind is Kind.MARKET else made[0].base,
        side=side,
        start=made[0].second,
        end=made[-1].second,
        family=made[0].family,
        cents=sums[-1],
        half=made[bisect_left(sums, sums[-1] / 2)].second,
    )


def _starts(random_numbers: random.Random, count: int) -> list[float]:
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
    shape: tuple[float, float] = RISE_AND_FALL,
) -> Iterator[TrueLiquidation]:
    """Yield `count` liquidations worth `dollars` in a wave, a few of them large.

    `shape` are the parameters of the beta distribution of their times.
    """
    start, duration = wave
    shares = [random_numbers.lognormvariate(0, 1.7) for _ in range(count)]
    total = sum(shares)
    for share in shares:
        moment = start + duration * random_numbers.betavariate(*shape)
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


def _sparse(
    random_numbers: random.Random, traded: tuple[Asset, ...], start: float, family: int
) -> Iterator[TrueLiquidation]:
    """Yield a slow burn of few liquidations, spread evenly."""
    asset, side = random_numbers.choice(traded[: 2 * len(MAJORS)]), _side(random_numbers)
    duration = random_numbers.uniform(480, 1_200)
    dollars = random_numbers.uniform(1_000_000, 10_000_000)
    count = random_numbers.randint(*SPARSE_COUNT)
    yield from _burst(
        random_numbers, asset.name, side, (start, duration), dollars, count, family, EVEN
    )


def _slug(
    random_numbers: random.Random, traded: tuple[Asset, ...], start: float, family: int
) -> Iterator[TrueLiquidation]:
    """Yield a cascade like those on recordings: ten seconds, few orders, large dollars."""
    asset, side = random_numbers.choice(traded[: len(MAJORS)]), _side(random_numbers)
    wave = (start, random_numbers.uniform(6, 14))
    dollars = _log_uniform(random_numbers, 400_000, 4_000_000)
    count = round(_log_uniform(random_numbers, *SLUG_COUNT))
    yield from _burst(random_numbers, asset.name, side, wave, dollars, count, family)


def _flood(
    random_numbers: random.Random, traded: tuple[Asset, ...], start: float, family: int
) -> Iterator[TrueLiquidation]:
    """Yield twenty thousand liquidations in one millisecond, as a venue's engine may close them."""
    asset, side = random_numbers.choice(traded[: len(MAJORS)]), _side(random_numbers)
    dollars = _log_uniform(random_numbers, 5_000_000, 50_000_000)
    moment = round(start, 3) + 0.0001
    for number in range(FLOOD_COUNT):
        cents = round(100 * dollars / FLOOD_COUNT * random_numbers.uniform(0.1, 1.9))
        # Ids contain the time, so small offsets distinguish the liquidations.
        yield TrueLiquidation(moment + number * 1e-8, asset.name, side, cents, COMPLETE, family)


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


# Liquidations before publication, of which a reader receives about two thirds.
SMALL_COUNT = (10, 40)
MAJOR_COUNT = (40, 200)
WAVE_COUNT = (25, 100)
SLOW_PER_SECOND = (0.15, 0.5)
SPARSE_COUNT = (60, 180)
SLUG_COUNT = (6, 18)
FLOOD_COUNT = 20_000
MARKET_COUNT = (8, 40)

Maker = Callable[[random.Random, tuple[Asset, ...], float, int], Iterator[TrueLiquidation]]
MAKERS: dict[Kind, Maker] = {
    Kind.SMALL: _small,
    Kind.MAJOR: _major,
    Kind.TWO_WAVE: _two_wave,
    Kind.SLOW: _slow,
    Kind.SPARSE: _sparse,
    Kind.MARKET: _market,
    Kind.SLUG: _slug,
    Kind.FLOOD: _flood,
}
