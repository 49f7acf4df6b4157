"""Partitions of the events topic that the market's detection waits for.

The market's detector decides a second when every partition has passed it, so one that says nothing
stops it. The rule is pure and counts in the times of the pulse log: a partition is waited for when
it has said nothing for half a minute of the broker's time of appending, and its clock is half a
minute behind the furthest. The first alone is a pipeline at rest, the second alone a worker that
catches up. It is told once, until its clock is near the furthest again.

The state begins anew with the process: an episode that goes on is told again after half a minute.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from liq.schemas.records import FeedStatus
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import FeedEvent

WAITING_MS: Final = 30_000


class WaitingSources:
    """Decides, record by record of the pulse topic, which partitions are waited for."""

    def __init__(self, sources: Iterable[int]) -> None:
        """Nothing was heard of any partition yet."""
        self._heard_ms: dict[int, int | None] = dict.fromkeys(sources)
        self._appended_ms = 0
        self._waiting: set[int] = set()

    @property
    def waiting(self) -> tuple[int, ...]:
        """The partitions that are waited for, ascending."""
        return tuple(sorted(self._waiting))

    def note(self, source: int, appended_ms: int, clocks: Mapping[int, int]) -> list[int]:
        """Note a record of a partition; return the partitions that are waited for from now on.

        `clocks` are the seconds that the partitions have reached, this record included.
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
    """Return the feed record of a partition that is waited for."""
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
