"""The events topic in the order in which detection applied it.

Detecting workers apply each partition in the order of its log, whatever the times of records are.
The clock of a partition is the latest time in its log so far. This module merges partitions by
their clocks, and writes the partition into each line. So `liq detect` of the lines gives the alerts
that the workers published; a property test compares them.
"""

import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final, NamedTuple

import orjson
from aiokafka import TopicPartition

from liq.cli.log_replay import PARTITION, PARTITIONS, STEP
from liq.processors.cascades import decode_observation
from liq.processors.cascades.share import Share
from liq.processors.stages.growth import (
    follow,
    growth_step,
    is_about_growth,
    is_misplaced,
    new_share,
)
from liq.processors.workers.merge import MergeBuffer
from liq.runtime.believed_time import append_time_ms, believed_ms, bounded_clock_ms
from liq.schemas.codec import DecodeError
from liq.schemas.headers import BLIND, BLIND_RUNS, CLOCK_MS, VENUES, blind_header, text_header
from liq.schemas.units import SECOND_MS

POLL_MS: Final = 500
POLL_RECORDS: Final = 500
#: A partition with this many waiting records is not fetched further.
HELD_RECORDS: Final = 1_000
#: Above this, only partitions without waiting records are fetched, one record at a time.
HELD_BYTES: Final = 64 * 1024 * 1024
#: Python's memory for a line besides its bytes.
LINE_OVERHEAD_BYTES: Final = 200
#: The time of a record that moves no clock.
NO_TIME: Final = 0


class DetectedLine(NamedTuple):
    """A record as a line for `liq detect`, and the time (UTC, ms) to which it moves the clock."""

    time_ms: int
    line: bytes


@dataclass(slots=True)
class DetectionOrder:
    """A reader of the events topic, merged by the partitions' clocks, with bounded memory.

    `left_out` counts records that detection rejects, and heartbeats without a time.
    """

    consumer: Any
    ends: Mapping[TopicPartition, int]
    left_out: int = 0
    _shares: dict[int, Share] = field(default_factory=dict)
    _merge: MergeBuffer[TopicPartition, DetectedLine] = field(
        default_factory=lambda: MergeBuffer(attrgetter("time_ms"), _size_of)
    )

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the line with the partitions' numbers, then those from the positions to `ends`.

        Raises:
            KafkaError: the brokers do not answer.
        """
        yield first_line([place.partition for place in self.ends])
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
        """Return the partitions that are not read to their ends yet."""
        return {each for each in partitions if await self.consumer.position(each) < self.ends[each]}

    async def _fetch(self, partitions: set[TopicPartition], max_records: int) -> None:
        fetched = await self.consumer.getmany(
            *partitions, timeout_ms=POLL_MS, max_records=max_records
        )
        for partition, records in fetched.items():
            lines = []
            for record in records:
                if record.offset < self.ends[partition]:
                    detected = self._detected(partition, record)
                    if detected is None:
                        self.left_out += 1
                    else:
                        lines.append(detected)
            self._merge.add(partition, lines)

    def _detected(self, partition: TopicPartition, record: Any) -> DetectedLine | None:
        """Return a record as detection reads it at its offset; None if detection skips it."""
        share = self._shares.get(partition.partition)
        if share is None:
            share = self._shares[partition.partition] = new_share(partition.partition)
        if record.value is None and is_about_growth(record):
            follow(share, record)
        return detected_line(record, share)


def detected_line(record: Any, share: Share) -> DetectedLine | None:
    """Return a record of the events topic as detection reads it; None if detection skips it.

    `share` is the partition's share of assets, from its log up to the record.
    """
    if record.value is None:
        clock_ms = bounded_clock_ms(record)
        return None if clock_ms is None else _line_without_value(record, clock_ms)
    try:
        view = decode_observation(record.value)
    except DecodeError:
        return None
    if share.count and is_misplaced(share, view):
        return None
    # In JSON, line breaks occur only between tokens.
    line = record.value.replace(b"\r", b" ").replace(b"\n", b" ")
    if view is None:
        return DetectedLine(NO_TIME, _with_partition(line, record.partition))
    counted_ms = believed_ms(view.received_at_ms, append_time_ms(record))
    line = _with_partition(event_line(line, record), record.partition)
    return DetectedLine(counted_ms, line)


def first_line(partitions: Collection[int]) -> bytes:
    """Return the line with the partitions of the log; it moves no clock."""
    return bytes(orjson.dumps({CLOCK_MS: NO_TIME, PARTITIONS: sorted(partitions)}))


def _line_without_value(record: Any, clock_ms: int) -> DetectedLine:
    """Return the line of a heartbeat or a step of a growth.

    Assets that arrive at a resumption have left at the handoffs, so all handoffs come first.
    """
    if not is_about_growth(record):
        line = clock_line(clock_ms, blind_header(record.headers), record.partition)
        return DetectedLine(clock_ms, line)
    step = growth_step(record)
    names = text_header(record.headers, VENUES), text_header(record.headers, BLIND_RUNS)
    line = orjson.dumps(
        {
            CLOCK_MS: clock_ms,
            PARTITION: record.partition,
            STEP: [step.is_handoff, step.growth, step.partitions, *names],
        }
    )
    return DetectedLine(clock_ms if step.is_handoff else clock_ms + SECOND_MS, line)


def _with_partition(line: bytes, partition: int) -> bytes:
    return b'%b,"partition":%d}' % (line.rstrip().removesuffix(b"}").rstrip(), partition)


def event_line(value: bytes, record: Any) -> bytes:
    """Return an event with the time of receipt that detection uses; the engine's events have it."""
    try:
        event = orjson.loads(value)
        received_at_ms = event["received_at_ms"]
        counted_ms = believed_ms(received_at_ms, append_time_ms(record))
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return value  # `liq detect` reports the error
    if counted_ms == received_at_ms:
        return value
    return bytes(orjson.dumps({**event, "received_at_ms": counted_ms}))


def clock_line(clock_ms: int, blind: Sequence[str] = (), partition: int | None = None) -> bytes:
    """Return the line of a heartbeat, with its blind venues."""
    line: dict[str, Any] = {CLOCK_MS: clock_ms}
    if partition is not None:
        line[PARTITION] = partition
    if blind:
        line[BLIND] = list(blind)
    return orjson.dumps(line)


def _size_of(detected: DetectedLine) -> int:
    return LINE_OVERHEAD_BYTES + len(detected.line)
