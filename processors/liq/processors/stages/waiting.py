"""Detection of partitions of the events topic for which the market's detection waits.

The market's detector decides a second when every partition has passed it, so a silent partition
stops it. The rule is pure and uses the times of the pulse log. The market waits for a partition if
the partition has sent no record for half a minute of append time, and its clock is half a minute
behind the furthest clock. The first condition alone describes a pipeline at rest, the second alone
a worker that catches up. A partition is reported once, until its clock is near the furthest again.

The state does not survive a restart: a continuing episode is reported again after half a minute.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from liq.schemas.records import FeedStatus
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import FeedEvent

WAITING_MS: Final = 30_000


class WaitingSources:
    """The partitions for which the market waits, updated with each record of the pulse topic."""

    def __init__(self, sources: Iterable[int]) -> None:
        """Start without records of any partition."""
        self._heard_ms: dict[int, int | None] = dict.fromkeys(sources)
        self._appended_ms = 0
        self._waiting: set[int] = set()

    @property
    def waiting(self) -> tuple[int, ...]:
        """The partitions for which the market waits, ascending."""
        return tuple(sorted(self._waiting))

    def note(self, source: int, appended_ms: int, clocks: Mapping[int, int]) -> list[int]:
        """Count a record of a partition; return the partitions for which the market now waits.

        `clocks` maps each partition to the second that it has reached, this record included.
        """
        second = self._appended_ms // SECOND_MS
        self._appended_ms = max(self._appended_ms, appended_ms)
        self._heard_ms[source] = self._appended_ms
        if self._appended_ms // SECOND_MS == second:
            return []
        furthest = max(clocks.values(), default=0)
        begun = []
        for partition, clock in sorted(clocks.items()):
            heard_ms = self._heard_ms.get(partition)
            if heard_ms is None:
                heard_ms = self._heard_ms[partition] = self._appended_ms
            if (furthest - clock) * SECOND_MS < WAITING_MS:
                self._waiting.discard(partition)
            elif self._appended_ms - heard_ms >= WAITING_MS and partition not in self._waiting:
                self._waiting.add(partition)
                begun.append(partition)
        return begun


def waiting_status(
    partition: int, clocks: Mapping[int, int], *, topic: str, exchange: str, connection: str
) -> FeedStatus:
    """Return the feed record of a partition for which the market waits."""
    furthest_ms = max(clocks.values()) * SECOND_MS
    clock_ms = clocks[partition] * SECOND_MS
    since = (
        f"has said nothing for {(furthest_ms - clock_ms) // SECOND_MS} s"
        if clock_ms
        else "has never said anything"
    )
    return FeedStatus(
        exchange=exchange,
        feed=topic,
        connection=connection,
        event=FeedEvent.WAITING,
        timestamp_ms=furthest_ms,
        detail=f"no alert of the market is decided: partition {partition} of {topic} {since} while "
        "others go on; check the workers that write it and the one that detects on it",
        from_ms=clock_ms or None,
    )
