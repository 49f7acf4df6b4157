"""A synthetic day: the received events, and the truth about them. It follows from the seed."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from benchmarks.detection.assets import assets
from benchmarks.detection.background import background
from benchmarks.detection.conditions import ORDINARY, Conditions, rises
from benchmarks.detection.decoys import decoys, repeated
from benchmarks.detection.events import TrueLiquidation
from benchmarks.detection.planted import Planted, plant
from benchmarks.detection.venues import DAY_START_MS, by_receipt, publish
from liq.processors.backtesting.dollars import MARKET
from liq.processors.cascades.observation import Observation
from liq.schemas.vocabulary import Side

PLANTED_FAMILY, DECOY_FAMILY = 10_000_000, 20_000_000
# A natural family of this size is an unplanted cascade; its report does not count.
NATURAL_EVENTS, NATURAL_CENTS = 20, 30_000_000
# Reports of the market are neither right nor wrong for this long after a rise of all traffic.
RISE_SECONDS: Final = 900
CRASH_BEFORE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Natural:
    """An unplanted event whose report is neither right nor wrong. An empty `base` is the market.

    It is a large family of the background, a rise of all traffic, or, for single assets, the
    smaller side of a planted cascade with two sides.
    """

    base: str
    side: Side
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Day:
    """The events that a reader of the feeds receives in a day, in log order, and the truth.

    `happened` are all liquidations, published or not.
    """

    seed: int
    observations: list[Observation]
    planted: list[Planted]
    natural: list[Natural]
    happened: list[TrueLiquidation] = field(default_factory=list)


def make_day(seed: int, conditions: Conditions = ORDINARY) -> Day:
    """Create a day from a seed."""
    random_numbers = random.Random(seed)  # noqa: S311 - not for secrets
    traded = assets(
        random_numbers, alt_count=conditions.alt_count, more_sigma=conditions.more_sigma
    )
    steps = conditions.steps(random_numbers)
    happened = list(background(random_numbers, traded, conditions, steps))
    planted, events = plant(
        random_numbers,
        traded,
        PLANTED_FAMILY,
        counts=conditions.planted,
        counter_share=conditions.counter_share,
        crashes_at=[
            second - CRASH_BEFORE_SECONDS for second in rises(steps) if conditions.has_crash_at_rise
        ],
    )
    happened += events
    if conditions.has_decoys:
        happened += decoys(random_numbers, traded, DECOY_FAMILY)
    happened.sort()
    published = publish(random_numbers, happened)
    if conditions.has_decoys:
        published = by_receipt([*published, *repeated(random_numbers, published)])
    published = conditions.fault(random_numbers, published)
    natural = [*_families(happened), *_rises(rises(steps)), *_counter_sides(planted, events)]
    return Day(seed, [event for event, _ in published], planted, natural, happened)


def _families(happened: list[TrueLiquidation]) -> Iterator[Natural]:
    families: dict[int, list[TrueLiquidation]] = defaultdict(list)
    for liquidation in happened:
        if liquidation.family < PLANTED_FAMILY:
            families[liquidation.family].append(liquidation)
    for members in families.values():
        if (
            len(members) >= NATURAL_EVENTS
            and sum(member.cents for member in members) >= NATURAL_CENTS
        ):
            first, last = members[0], members[-1]
            yield Natural(first.base, first.side, day_ms(first.second), day_ms(last.second))


def _rises(seconds: list[float]) -> Iterator[Natural]:
    for second in seconds:
        for side in Side:
            yield Natural(MARKET, side, day_ms(second), day_ms(second + RISE_SECONDS))


def _counter_sides(planted: list[Planted], events: list[TrueLiquidation]) -> Iterator[Natural]:
    truths = {truth.family: truth for truth in planted}
    bases: dict[int, set[str]] = defaultdict(set)
    for event in events:
        if event.side is not truths[event.family].side:
            bases[event.family].add(event.base)
    for family, truth in truths.items():
        for base in sorted(bases[family]):
            yield Natural(base, truth.side.opposite, day_ms(truth.start), day_ms(truth.end))


def day_ms(second: float) -> int:
    """Convert a second of the synthetic day to a time (UTC, ms)."""
    return DAY_START_MS + int(second * 1000)
