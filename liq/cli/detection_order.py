"""The events topic in the order in which detection applied it.

Detecting workers apply each partition in the order of its log, whatever the records' times say, and
the clock of a partition is the latest time that its log has said so far. Partitions merged by that
clock are one log that leads one detector through the same seconds: `liq detect` of it gives the
alerts that the workers published. A property test compares them.
"""

import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final, NamedTuple

import orjson
from aiokafka import TopicPartition

from liq.processors.cascades import decode_observation
from liq.processors.workers.merge import MergeBuffer
from liq.runtime.believed_time import append_time_ms, believed_ms, bounded_clock_ms
from liq.schemas.codec import DecodeError
from liq.schemas.headers import CLOCK_MS

POLL_MS: Final = 500
POLL_RECORDS: Final = 500
#: No more is fetched of a partition of which so many records wait for other partitions.
HELD_RECORDS: Final = 1_000
#: Above so many bytes, only partitions of which nothing is held are fetched, a record at a time.
HELD_BYTES: Final = 64 * 1024 * 1024
#: A line has this much around its bytes in memory.
LINE_OVERHEAD_BYTES: Final = 200
#: The time of a record that moves no clock.
NO_TIME: Final = 0


class DetectedLine(NamedTuple):
    """A record as a line for `liq detect`, and the time (UTC, ms) to which it moves the clock."""

    time_ms: int
    line: bytes


@dataclass(slots=True)
class DetectionOrder:
    """Reads partitions of the events topic merged by their clocks, within a bound of memory.

    `left_out` counts records that detection rejects, and heartbeats without a time.
    """

    consumer: Any
    ends: Mapping[TopicPartition, int]
    left_out: int = 0
    _merge: MergeBuffer[TopicPartition, DetectedLine] = field(
        default_factory=lambda: MergeBuffer(attrgetter("time_ms"), _size_of)
    )

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the lines from the consumer's positions to `ends`.

        Raises:
            KafkaError: the brokers do not answer.
        """
        behind = await self._behind(set(self.ends))
        while behind:
            while lacking := {each for each in behind if not self._merge.held(each)}:
                if self._merge.held_bytes < HELD_BYTES:
                    wanted = {each for each in behind if self._merge.held(each) < HELD_RECORDS}
                    await self._fetch(wanted, POLL_RECORDS)
                else:
                    await self._fetch(lacking, 1)
                behind = await self._behind(behind)
            barrier = self._merge.barrier(behind)
            for _, detected in self._merge.release(sys.maxsize if barrier is None else barrier[0]):
                yield detected.line
        for _, detected in self._merge.release(sys.maxsize):
            yield detected.line

    async def _behind(self, partitions: set[TopicPartition]) -> set[TopicPartition]:
        """Return the partitions that are not read to their ends."""
        return {each for each in partitions if await self.consumer.position(each) < self.ends[each]}

    async def _fetch(self, partitions: set[TopicPartition], max_records: int) -> None:
        fetched = await self.consumer.getmany(
            *partitions, timeout_ms=POLL_MS, max_records=max_records
        )
        for partition, records in fetched.items():
            lines = []
            for record in records:
                if record.offset < self.ends[partition]:
                    detected = detected_line(record)
                    if detected is None:
                        self.left_out += 1
                    else:
                        lines.append(detected)
            self._merge.add(partition, lines)


def detected_line(record: Any) -> DetectedLine | None:
    """Return a record of the events topic as detection takes it; None for one that it rejects."""
    if record.value is None:
        clock_ms = bounded_clock_ms(record)
        return None if clock_ms is None else DetectedLine(clock_ms, clock_line(clock_ms))
    try:
        view = decode_observation(record.value)
    except DecodeError:
        return None
    # In JSON, line breaks stand between tokens alone.
    line = record.value.replace(b"\r", b" ").replace(b"\n", b" ")
    if view is None:
        return DetectedLine(NO_TIME, line)
    counted_ms = believed_ms(view.received_at_ms, append_time_ms(record))
    return DetectedLine(counted_ms, event_line(line, record))


def event_line(value: bytes, record: Any) -> bytes:
    """Return an event with the time of receipt that detection believes; ours have it already."""
    try:
        event = orjson.loads(value)
        received_at_ms = event["received_at_ms"]
        counted_ms = believed_ms(received_at_ms, append_time_ms(record))
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return value  # `liq detect` says what is wrong with it
    if counted_ms == received_at_ms:
        return value
    return bytes(orjson.dumps({**event, "received_at_ms": counted_ms}))


def clock_line(clock_ms: int) -> bytes:
    """Return the line of a heartbeat."""
    return orjson.dumps({CLOCK_MS: clock_ms})


def _size_of(detected: DetectedLine) -> int:
    return LINE_OVERHEAD_BYTES + len(detected.line)
