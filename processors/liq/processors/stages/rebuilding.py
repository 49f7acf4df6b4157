"""State that is lost: rebuilt from the last day of the log, silently, and what readers know of it.

Reading is bounded in time and records, so that a take-over ends. What is then missing is what the
oldest records would have taught.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from liq.runtime.kafka import new_consumer, start_consumer
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS, STATE_REBUILT
from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, decode
from liq.schemas.records import CascadeAlert
from liq.schemas.units import DAY_MS

#: How far back the log is read, at most so many records and for so long.
REBUILD_MS: Final = DAY_MS
REBUILD_RECORDS: Final = 500_000
REBUILD_SECONDS: Final = 20.0
#: Of each partition of the alerts' topic, the newest records: many days of them.
ALERT_RECORDS: Final = 50_000
POLL_MS: Final = 500

log = get_logger(__name__)


async def rebuild(
    settings: Settings,
    place: TopicPartition,
    until: int,
    apply: Callable[[Sequence[Any]], Any],
) -> int:
    """Pass the last day of a partition's records before the offset `until` to `apply`.

    Returns:
        How many records there were.

    Raises:
        KafkaError: the brokers do not answer.
    """
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    count = 0
    try:
        consumer.assign([place])
        start = await _day_before(consumer, place, until)
        log.info("state_rebuilding", topic=place.topic, partition=place.partition, start=start)
        async for records in _read(consumer, {place: start}, {place: until}):
            apply(records)
            count += len(records)
            STATE_REBUILT.labels(place.topic).inc(len(records))
    finally:
        await consumer.stop()
    return count


async def read_alerts(settings: Settings) -> list[CascadeAlert]:
    """Return the published alerts, those of each cascade in order.

    Raises:
        KafkaError: the brokers do not answer.
    """
    places = await find_partitions(settings, [settings.topics.cascades])
    alerts: list[CascadeAlert] = []
    if not places:
        return alerts
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    try:
        consumer.assign(places)
        beginnings = await consumer.beginning_offsets(places)
        ends = await consumer.end_offsets(places)
        starts = {each: max(beginnings[each], ends[each] - ALERT_RECORDS) for each in places}
        async for records in _read(consumer, starts, ends):
            for record in records:
                try:
                    alerts.append(decode(CascadeAlert, record.value or b""))
                except DecodeError:
                    ERRORS.labels("alert_undecodable").inc()
    finally:
        await consumer.stop()
    return alerts


async def _day_before(consumer: AIOKafkaConsumer, place: TopicPartition, until: int) -> int:
    """Return where the last day before an offset begins, by the times of the log's records."""
    oldest: int = (await consumer.beginning_offsets([place]))[place]
    first = max(oldest, until - REBUILD_RECORDS)
    if first >= until:
        return until
    consumer.seek(place, until - 1)
    newest = (await consumer.getmany(timeout_ms=POLL_MS, max_records=1)).get(place)
    if not newest:
        return first
    found = (await consumer.offsets_for_times({place: newest[0].timestamp - REBUILD_MS}))[place]
    return first if found is None else max(first, int(found.offset))


async def _read(
    consumer: AIOKafkaConsumer,
    starts: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
) -> AsyncIterator[list[Any]]:
    """Read from the starts up to the ends, for `REBUILD_SECONDS` at most."""
    deadline = time.monotonic() + REBUILD_SECONDS
    for place, start in starts.items():
        consumer.seek(place, start)
    behind = {place for place, start in starts.items() if start < ends[place]}
    while behind:
        for place, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
            wanted = [record for record in records if record.offset < ends[place]]
            if wanted:
                yield wanted
        behind = {place for place in behind if await consumer.position(place) < ends[place]}
        if behind and time.monotonic() > deadline:
            ERRORS.labels("rebuild_cut_off").inc()
            log.warning("rebuild_cut_off", places=[str(place) for place in sorted(behind)])
            return
