"""Partitions of an events topic in memory, and a consumer with polls of random size."""

import random
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from liq.schemas.headers import heartbeat_headers

TOPIC = "events"

#: A value, the time of a heartbeat (with blind venues), or the headers of another record.
Entry = bytes | int | tuple[int, tuple[str, ...]] | list[tuple[str, bytes]]


class PartitionedLog:
    """The part of a consumer that reads assigned partitions; `largest_step` bounds a poll."""

    def __init__(
        self, chance: random.Random, logs: Sequence[Sequence[Entry]], largest_step: int = 40
    ) -> None:
        """Start at the first records."""
        self._chance = chance
        self._largest_step = largest_step
        self._logs = {
            TopicPartition(TOPIC, number): [
                log_record(number, offset, entry) for offset, entry in enumerate(log)
            ]
            for number, log in enumerate(logs)
        }
        self._positions = dict.fromkeys(self._logs, 0)

    @property
    def ends(self) -> dict[TopicPartition, int]:
        """Return the offsets behind the last records."""
        return {place: len(log) for place, log in self._logs.items()}

    @property
    def records(self) -> dict[int, list[Any]]:
        """Return all records by number of the partition."""
        return {place.partition: log for place, log in self._logs.items()}

    async def position(self, place: TopicPartition) -> int:
        """Return the offset to read next."""
        return self._positions[place]

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int, max_records: int
    ) -> Mapping[TopicPartition, list[Any]]:
        """Return some records of some of the requested partitions."""
        del timeout_ms
        place = self._chance.choice(sorted(places))
        start = self._positions[place]
        end = start + min(max_records, self._chance.randint(1, self._largest_step))
        records = self._logs[place][start:end]
        self._positions[place] += len(records)
        return {place: records} if records else {}


def log_record(partition: int, offset: int, entry: Entry) -> Any:
    """Return a record as a consumer returns it."""
    if isinstance(entry, int):
        entry = entry, ()
    headers: Sequence[tuple[str, bytes]] = ()
    if isinstance(entry, tuple):
        headers = heartbeat_headers(*entry)
    elif isinstance(entry, list):
        headers = entry
    return SimpleNamespace(
        topic=TOPIC,
        partition=partition,
        offset=offset,
        timestamp=0,  # no append time, so that the records' own times are believed
        value=entry if isinstance(entry, bytes) else None,
        headers=headers,
    )
