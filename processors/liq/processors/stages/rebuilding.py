"""Rebuilding of lost state from the last day of the log, and the alerts that readers already have.

Reading is bounded in time and records, so that a take-over ends. Beyond the bound, the rebuilt
state lacks the contribution of the oldest records. Rebuilding publishes no alerts.
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
from liq.schemas.headers import CASCADE, PUBLISHED, RECORD, text_header
from liq.schemas.records import CascadeAlert
from liq.schemas.units import DAY_MS, MINUTE_MS, SECOND_MS

#: How far back the log is read, limited by `REBUILD_RECORDS` and `REBUILD_SECONDS`.
REBUILD_MS: Final = DAY_MS
#: The same if snapshots exist, and only the note of the committed offset is missing.
RELEARN_MS: Final = MINUTE_MS
REBUILD_RECORDS: Final = 500_000
REBUILD_SECONDS: Final = 20.0
#: The newest records to read of each partition of the alerts' topic: many days.
ALERT_RECORDS: Final = 50_000
#: The same for the pulse topic: more than an older release leaves unevaluated.
LEFT_RECORDS: Final = 20_000
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
        The number of records.

    Raises:
        KafkaError: the brokers do not answer.
    """
    log.info("state_rebuilding", topic=place.topic, partition=place.partition)

    def count(records: Sequence[Any]) -> None:
        STATE_REBUILT.labels(place.topic).inc(len(records))
        apply(records)

    return await read_before(settings, place, until, REBUILD_MS, count)


async def read_before(
    settings: Settings,
    place: TopicPartition,
    until: int,
    span_ms: int,
    apply: Callable[[Sequence[Any]], Any],
) -> int:
    """Pass the records of the `span_ms` before the offset `until` to `apply`; return their number.

    Raises:
        KafkaError: the brokers do not answer.
    """
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    count = 0
    try:
        consumer.assign([place])
        start = await _start_before(consumer, place, until, span_ms)
        async for records in _read(consumer, {place: start}, {place: until}):
            apply(records)
            count += len(records)
    finally:
        await consumer.stop()
    return count


async def read_alerts(settings: Settings) -> list[CascadeAlert]:
    """Return the published alerts, those of each cascade in order.

    Raises:
        KafkaError: the brokers do not answer.
    """
    return await _newest_alerts(settings, settings.topics.cascades, ALERT_RECORDS, lambda _: True)


async def read_left_alerts(settings: Settings) -> list[CascadeAlert]:
    """Return the newest alerts of assets on the pulse topic that their detectors did not publish.

    In releases up to commit e5e5d9a, the market stage published them after their evaluation.

    Raises:
        KafkaError: the brokers do not answer.
    """
    topic = settings.topics.pulse
    return await _newest_alerts(settings, topic, LEFT_RECORDS, _is_left)


def _is_left(record: Any) -> bool:
    """Return whether a record of the pulse topic is an alert that its detector did not publish."""
    is_alert = record.value is not None and text_header(record.headers, RECORD) == CASCADE
    return is_alert and not text_header(record.headers, PUBLISHED)


async def _newest_alerts(
    settings: Settings, topic: str, count: int, is_wanted: Callable[[Any], bool]
) -> list[CascadeAlert]:
    """Return the wanted alerts among the newest records of each partition of a topic."""
    places = await find_partitions(settings, [topic])
    alerts: list[CascadeAlert] = []
    if not places:
        return alerts
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    try:
        consumer.assign(places)
        beginnings = await consumer.beginning_offsets(places)
        ends = await consumer.end_offsets(places)
        starts = {each: max(beginnings[each], ends[each] - count) for each in places}
        async for records in _read(consumer, starts, ends):
            for record in filter(is_wanted, records):
                try:
                    alerts.append(decode(CascadeAlert, record.value or b""))
                except DecodeError:
                    ERRORS.labels("alert_undecodable").inc()
    finally:
        await consumer.stop()
    return alerts


async def _start_before(
    consumer: AIOKafkaConsumer, place: TopicPartition, until: int, span_ms: int
) -> int:
    """Return the first offset of the `span_ms` before `until`, by the timestamps of the log."""
    oldest: int = (await consumer.beginning_offsets([place]))[place]
    first = max(oldest, until - REBUILD_RECORDS)
    if first >= until:
        return until
    consumer.seek(place, until - 1)
    newest = (await consumer.getmany(timeout_ms=POLL_MS, max_records=1)).get(place)
    # There may be no record at the end, behind aborted transactions.
    newest_ms = newest[0].timestamp if newest else int(time.time() * SECOND_MS)
    found = (await consumer.offsets_for_times({place: newest_ms - span_ms}))[place]
    return first if found is None else max(first, int(found.offset))


async def _read(
    consumer: AIOKafkaConsumer,
    starts: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
) -> AsyncIterator[list[Any]]:
    """Yield the records between the starts and the ends, for at most `REBUILD_SECONDS`."""
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
