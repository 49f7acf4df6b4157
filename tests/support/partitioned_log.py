"""Partitions of an events topic in memory, and a consumer that reads them in steps of any size."""

import random
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from liq.schemas.headers import heartbeat_headers

TOPIC = "events"


class PartitionedLog:
    """The part of a consumer that reads assigned partitions; `largest_step` bounds an answer."""

    def __init__(
        self, chance: random.Random, logs: Sequence[Sequence[bytes | int]], largest_step: int = 40
    ) -> None:
        """A number in a log is a heartbeat of that time."""
        self._chance = chance
        self._largest_step = largest_step
        self._logs = {
            TopicPartition(TOPIC, number): [_record(*entry) for entry in enumerate(log)]
            for number, log in enumerate(logs)
        }
        self._positions = dict.fromkeys(self._logs, 0)

    @property
    def ends(self) -> dict[TopicPartition, int]:
        """The offsets behind the last records."""
        return {place: len(log) for place, log in self._logs.items()}

    @property
    def records(self) -> dict[int, list[Any]]:
        """All records by number of the partition."""
        return {place.partition: log for place, log in self._logs.items()}

    async def position(self, place: TopicPartition) -> int:
        """Return the offset to read next."""
        return self._positions[place]

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int, max_records: int
    ) -> Mapping[TopicPartition, list[Any]]:
        """Return some records of some of the partitions that are asked for."""
        del timeout_ms
        place = self._chance.choice(sorted(places))
        start = self._positions[place]
        end = start + min(max_records, self._chance.randint(1, self._largest_step))
        records = self._logs[place][start:end]
        self._positions[place] += len(records)
        return {place: records} if records else {}


def _record(offset: int, entry: bytes | int) -> Any:
    is_heartbeat = isinstance(entry, int)
    return SimpleNamespace(
        offset=offset,
        timestamp=0,  # no append time, so that what records say is believed
        value=None if is_heartbeat else entry,
        headers=heartbeat_headers(entry) if isinstance(entry, int) else (),
    )
