"""A synthetic day: what a reader receives, and the truth about it. The same for the same seed."""

import random
from collections import defaultdict
from dataclasses import dataclass
from itertools import count

from benchmarks.detection.assets import assets
from benchmarks.detection.background import background
from benchmarks.detection.decoys import decoys, repeated
from benchmarks.detection.events import TrueLiquidation
from benchmarks.detection.planted import Planted, plant
from benchmarks.detection.venues import DAY_START_MS, publish
from liq.processors.cascades.observation import Observation
from liq.schemas.vocabulary import Side

PLANTED_FAMILY, DECOY_FAMILY = 10_000_000, 20_000_000
# A natural family of this size is a cascade that nobody planted: hit or missed, it counts nothing.
NATURAL_EVENTS, NATURAL_CENTS = 20, 30_000_000


@dataclass(frozen=True, slots=True)
class Natural:
    """A large family of the background, which is neither right nor wrong to report."""

    base: str
    side: Side
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Day:
    """What a reader of the feeds receives in a day, by receipt, and what was planted."""

    seed: int
    observations: list[Observation]
    planted: list[Planted]
    natural: list[Natural]


def make_day(seed: int, *, traffic: float = 1.0, with_cascades: bool = True) -> Day:
    """One day from a seed; without cascades, only the everyday background and no decoys."""
    random_numbers = random.Random(seed)  # noqa: S311 - not for secrets
    traded = assets(random_numbers)
    happened = list(background(random_numbers, traded, traffic))
    planted: list[Planted] = []
    if with_cascades:
        planted, events = plant(random_numbers, traded, PLANTED_FAMILY)
        happened += events
        happened += decoys(random_numbers, traded, DECOY_FAMILY)
    happened.sort()
    published = publish(random_numbers, happened)
    natural = _natural(happened)
    if with_cascades:
        published += repeated(random_numbers, published)
        order = count()
        published = [
            item
            for _, _, item in sorted(
                (item[0].received_at_ms, next(order), item) for item in published
            )
        ]
    return Day(seed, [observation for observation, _ in published], planted, natural)


def _natural(happened: list[TrueLiquidation]) -> list[Natural]:
    families: dict[int, list[TrueLiquidation]] = defaultdict(list)
    for liquidation in happened:
        if liquidation.family < PLANTED_FAMILY:
            families[liquidation.family].append(liquidation)
    return [
        Natural(
            members[0].base, members[0].side, day_ms(members[0].second), day_ms(members[-1].second)
        )
        for members in families.values()
        if len(members) >= NATURAL_EVENTS
        and sum(member.cents for member in members) >= NATURAL_CENTS
    ]


def day_ms(second: float) -> int:
    """A second of the synthetic day as a time."""
    return DAY_START_MS + int(second * 1000)
