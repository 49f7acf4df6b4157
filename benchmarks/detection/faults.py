"""Faults of one venue's feed, between the published events and the log."""

import random
from collections.abc import Callable
from typing import Final

from benchmarks.detection.venues import DAY_START_MS, SHARES, Published, by_receipt
from liq.runtime.believed_time import believed_ms, is_lagging
from liq.schemas.units import HOUR_SECONDS, SECOND_MS

Fault = Callable[[random.Random, list[Published]], list[Published]]
"""Converts the events of sound feeds to the log's events, in log order."""

DARK_SECONDS: Final = 12 * HOUR_SECONDS
LATE_MS: Final = 20_000


def no_fault(random_numbers: random.Random, published: list[Published]) -> list[Published]:
    """Change nothing."""
    del random_numbers
    return published


def dark(random_numbers: random.Random, published: list[Published]) -> list[Published]:
    """Lose twelve hours of one venue."""
    venue = _venue(random_numbers)
    from_ms = DAY_START_MS + SECOND_MS * random_numbers.randrange(DARK_SECONDS)
    until_ms = from_ms + SECOND_MS * DARK_SECONDS
    return [
        (event, family)
        for event, family in published
        if event.exchange != venue or not from_ms <= event.received_at_ms < until_ms
    ]


def late(random_numbers: random.Random, published: list[Published]) -> list[Published]:
    """Receive one venue 20 s late all day."""
    venue = _venue(random_numbers)
    return by_receipt(
        (
            event._replace(received_at_ms=event.received_at_ms + LATE_MS)
            if event.exchange == venue
            else event,
            family,
        )
        for event, family in published
    )


def clock_off(off_ms: int, *, is_appended: bool = True) -> Fault:
    """Return a fault: the clock of one venue's producer is off all day.

    The log is in the true order of receipt. With append times, the times of receipt are those that
    the normalizer believes. A file has no append times, so its times are used unchanged.
    """

    def fault(random_numbers: random.Random, published: list[Published]) -> list[Published]:
        venue = _venue(random_numbers)

        def stamped(item: Published) -> Published:
            event, family = item
            if event.exchange != venue:
                return item
            appended_ms = event.received_at_ms if is_appended else None
            received_ms = believed_ms(event.received_at_ms + off_ms, appended_ms)
            if is_lagging(received_ms, event.timestamp_ms, appended_ms):
                received_ms = event.received_at_ms
            return event._replace(received_at_ms=received_ms), family

        return [stamped(item) for item in published]

    return fault


def _venue(random_numbers: random.Random) -> str:
    return random_numbers.choice([venue for venue, _ in SHARES])
