"""The cost of taking over a detector's state, when new and after a month of checkpoints.

A month of checkpoints leaves the result of compaction, and records that are not compacted yet. So
the benchmark writes the worker's own snapshots repeatedly, waits until the broker has compacted
them, and fills the open segment of every partition, which no broker compacts.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition

from benchmarks.workers.backlogs import Logs, Part
from benchmarks.workers.logs import (
    EndOffsets,
    Log,
    LogRecord,
    Namespace,
    namespace,
    wait_for,
    write,
)
from benchmarks.workers.processes import start
from benchmarks.workers.resources import until_ready
from liq.devstack.stack import Stack
from liq.runtime.kafka import assign_all_from_beginning, new_consumer, start_consumer
from liq.runtime.log_reading import read_to_ends
from liq.schemas.topics import COMPACTED_SEGMENT_BYTES

STATE_TOPICS: Final = ("detector-state", "market-state")
#: The first part creates a state of every asset; the later ones are read after a take-over.
FIRST_FRAMES, LATER_FRAMES = 5_000, (200, 200)
#: Segments of a partition to compact, and the used share of the open segment.
CLOSED_SEGMENTS: Final = 48
OPEN_SHARE: Final = 0.9
START_SECONDS: Final = 90.0
MEBIBYTE: Final = 1_048_576
#: The broker looks for segments to compact every 15 seconds.
COMPACTED_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 20.0


class TakeOver(NamedTuple):
    """A start on stored state: times until ready, then to the first output; the state's size."""

    ready_seconds: float
    ready_cpu_seconds: float
    output_seconds: float
    output_cpu_seconds: float
    state_mebibytes: float


class Comparison(NamedTuple):
    """The same take-over of new and of old state; writing `written_mebibytes` aged it."""

    young: TakeOver
    old: TakeOver
    written_mebibytes: float


async def take_overs(stack: Stack, *, partitions: int) -> Comparison:
    """Measure a detecting worker's take-over before and after its state topics aged.

    Raises:
        SystemExit: an output, or the broker's compaction, was not complete in time.
    """
    first, *later = Logs(partitions=partitions).liquidations(FIRST_FRAMES, *LATER_FRAMES)
    async with namespace(stack, "takeover", (), partitions=partitions) as run:
        await _take_over(stack, run, first)
        young = await _take_over(stack, run, later[0])
        written = await _age(stack, run)
        old = await _take_over(stack, run, later[1])
        return Comparison(young, old, written / MEBIBYTE)


async def _take_over(stack: Stack, run: Namespace, part: Part) -> TakeOver:
    """Start a worker on the stored state, and write records for it once it is ready."""
    check = stack.supervisor.check
    stored = await _stored(run)
    began = time.monotonic()
    process = start(stack, "detect", run.environment, is_loop=False)

    try:
        async with EndOffsets(run) as ends:
            pulses, alerts = await ends.total("pulse", 1), await ends.total("cascades")

            async def has_output() -> bool:
                return await ends.total("pulse", 1) > pulses

            async def has_ended() -> bool:
                return await ends.total("cascades") >= alerts + part.outputs

            ready = await until_ready(stack, process, began)
            await write(run, part.log)
            written = time.monotonic()
            output = await wait_for(
                has_output, seconds=START_SECONDS, what="the first pulse", check=check
            )
            output_cpu = process.cpu_seconds()
            await wait_for(has_ended, seconds=START_SECONDS, what="the last alert", check=check)
    finally:
        await asyncio.to_thread(stack.stop_workers)
    return TakeOver(*ready, output - written, output_cpu - ready.cpu_seconds, stored / MEBIBYTE)


async def _age(stack: Stack, run: Namespace) -> int:
    """Write the newest snapshots repeatedly, and wait for compaction; return the bytes written."""
    newest = await _newest(run)
    closed = await _write_state(run, newest, CLOSED_SEGMENTS * COMPACTED_SEGMENT_BYTES)
    await _wait_until_compacted(stack, run)
    return closed + await _write_state(run, newest, int(OPEN_SHARE * COMPACTED_SEGMENT_BYTES))


async def _write_state(run: Namespace, newest: Log, bytes_a_partition: int) -> int:
    """Repeat the snapshots up to a number of bytes per partition; return the total of bytes."""
    log: dict[tuple[str, int], list[LogRecord]] = {}
    total = 0
    for place, records in newest.items():
        repeated, written = itertools.cycle(records), 0
        log[place] = []
        while written < bytes_a_partition:
            record = next(repeated)
            log[place].append(record)
            written += _size(record.key, record.value)
        total += written
    # Uncompressed, because a codec would shrink repeated snapshots, but not different ones.
    await write(run, log, codec=None)
    return total


async def _wait_until_compacted(stack: Stack, run: Namespace) -> None:
    """Wait until a partition has at most its open segment and another one."""
    partitions = run.settings.topic_partitions + 1
    looked_at = 0.0

    async def is_compacted() -> bool:
        nonlocal looked_at
        if time.monotonic() < looked_at + LOOK_SECONDS:
            return False
        stored = await _stored(run)
        looked_at = time.monotonic()
        return stored <= 2 * COMPACTED_SEGMENT_BYTES * partitions

    what = "the broker to compact the state topics"
    check = stack.supervisor.check
    await wait_for(is_compacted, seconds=COMPACTED_SECONDS, what=what, check=check)


async def _newest(run: Namespace) -> Log:
    """Return the last record of every key of the state topics."""
    found: dict[tuple[str, int], dict[bytes, LogRecord]] = {}
    async with aclosing(_state_records(run)) as records:
        async for ending, record in records:
            kept = found.setdefault((ending, record.partition), {})
            kept[record.key] = LogRecord(record.key, record.value, record.headers)
    return {place: list(kept.values()) for place, kept in found.items()}


async def _stored(run: Namespace) -> int:
    """Return the bytes of keys and values in the state topics."""
    async with aclosing(_state_records(run)) as records:
        return sum([_size(record.key, record.value) async for _, record in records])


async def _state_records(run: Namespace) -> AsyncGenerator[tuple[str, Any], None]:
    """Yield the records of the state topics, each with the ending of its topic's name."""
    endings: Mapping[str, str] = {run.topic(ending): ending for ending in STATE_TOPICS}
    counts = {"detector-state": run.settings.topic_partitions, "market-state": 1}
    places = [
        TopicPartition(topic, number)
        for topic, ending in endings.items()
        for number in range(counts[ending])
    ]
    consumer = new_consumer(run.settings)
    await start_consumer(run.settings, consumer)
    try:
        ends = await assign_all_from_beginning(consumer, places)
        async for record in read_to_ends(consumer, ends):
            yield endings[record.topic], record
    finally:
        await consumer.stop()


def _size(key: bytes, value: bytes | None) -> int:
    return len(key) + len(value or b"")
