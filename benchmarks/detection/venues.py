"""The publication of liquidations by three venues, each by a real venue's rule."""

import random
from collections.abc import Iterable, Iterator
from decimal import Decimal

from benchmarks.detection.events import TrueLiquidation
from liq.processors.cascades.observation import Observation
from liq.schemas.units import DAY_MS
from liq.schemas.vocabulary import Side

DAY_START_MS = 1_783_000_000_000 // DAY_MS * DAY_MS
SAMPLED_LARGEST, COMPLETE, SAMPLED_LATEST = "binance", "bybit", "okx"
SHARES = ((SAMPLED_LARGEST, 0.35), (COMPLETE, 0.75), (SAMPLED_LATEST, 1.0))
BATCH_MS = 500
LATE_SHARE = 0.03
RESENT_SHARE = 0.005

Slot = tuple[str, Side, int]
Published = tuple[Observation, int]
"""A received event, and the family that it belongs to."""


def choose_venue(random_numbers: random.Random) -> str:
    """Draw the venue of a liquidation."""
    draw = random_numbers.random()
    return next(venue for venue, limit in SHARES if draw < limit)


def publish(random_numbers: random.Random, happened: Iterable[TrueLiquidation]) -> list[Published]:
    """Return the events that a reader of the three feeds receives, in the order of receipt."""
    by_venue: dict[str, list[TrueLiquidation]] = {venue: [] for venue, _ in SHARES}
    for liquidation in happened:
        by_venue[liquidation.venue].append(liquidation)
    received = [
        *_largest_a_second(random_numbers, by_venue[SAMPLED_LARGEST]),
        *_batches(by_venue[COMPLETE]),
        *_latest_a_second(random_numbers, by_venue[SAMPLED_LATEST]),
    ]
    received += _resent(random_numbers, received)
    return by_receipt(received)


def by_receipt(published: Iterable[Published]) -> list[Published]:
    """Sort published events by their time of receipt."""
    return sorted(published, key=lambda item: (item[0].received_at_ms, item[0].event_id))


def _largest_a_second(
    random_numbers: random.Random, happened: list[TrueLiquidation]
) -> Iterator[Published]:
    slots: dict[Slot, TrueLiquidation] = {}
    for liquidation in happened:
        slot = (liquidation.base, liquidation.side, int(liquidation.second))
        held = slots.get(slot)
        if held is None or liquidation.cents > held.cents:
            slots[slot] = liquidation
    for (_, _, second), liquidation in slots.items():
        pushed_ms = (second + 1) * 1000 + random_numbers.randint(10, 80)
        yield _observed(liquidation, pushed_ms, is_complete=False)


def _batches(happened: list[TrueLiquidation]) -> Iterator[Published]:
    for liquidation in happened:
        batch = int(liquidation.second * 1000) // BATCH_MS + 1
        # A push has one time of receipt, so the delay depends only on the batch.
        delay_ms = 10 + (batch * 7919) % 60
        yield _observed(liquidation, batch * BATCH_MS + delay_ms, is_complete=True)


def _latest_a_second(
    random_numbers: random.Random, happened: list[TrueLiquidation]
) -> Iterator[Published]:
    slots: dict[Slot, TrueLiquidation] = {}
    for liquidation in happened:
        slot = (liquidation.base, liquidation.side, int(liquidation.second))
        held = slots.get(slot)
        if held is None or liquidation.second > held.second:
            slots[slot] = liquidation
    for liquidation in slots.values():
        delay = random_numbers.uniform(0.1, 1.5)
        if random_numbers.random() < LATE_SHARE:
            delay = random_numbers.uniform(2, 20)
        yield _observed(liquidation, int((liquidation.second + delay) * 1000), is_complete=False)


def _resent(random_numbers: random.Random, received: list[Published]) -> Iterator[Published]:
    for observation, family in received:
        if random_numbers.random() < RESENT_SHARE:
            delay_ms = random_numbers.randint(50, 5_000)
            yield (
                observation._replace(received_at_ms=observation.received_at_ms + delay_ms),
                family,
            )


def _observed(liquidation: TrueLiquidation, received_ms: int, *, is_complete: bool) -> Published:
    timestamp_ms = DAY_START_MS + int(liquidation.second * 1000)
    observation = Observation(
        event_id=f"{liquidation.second:.9f}{liquidation.base}{liquidation.cents}",
        base=liquidation.base,
        side=liquidation.side,
        exchange=liquidation.venue,
        symbol=liquidation.base + "USDT",
        timestamp_ms=timestamp_ms,
        received_at_ms=DAY_START_MS + received_ms,
        cents=liquidation.cents,
        price=Decimal(100),
        is_complete=is_complete,
    )
    return observation, liquidation.family
