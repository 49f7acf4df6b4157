"""The horizon of a report: the time of detection's decisions, and the lag of the sink."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from liq.runtime.kafka import new_admin, new_consumer, start_consumer, stop_consumer
from liq.runtime.partitions import committed_offsets, list_partitions
from liq.runtime.settings import Settings
from liq.schemas.units import SECOND_MS
from liq.sinks.clickhouse.destination import STAGE

CLIENT_ID: Final = "report"
ANSWER_SECONDS: Final = 10.0
POLL_MS: Final = 1_000
UNKNOWN: Final = (
    "Kafka does not answer, so nobody knows whether detection or the sink is behind: there may be "
    "more than this says."
)


def horizon_sentence(settings: Settings) -> str:
    """Return a sentence with the time up to which cascades are decided, and the sink's lag."""
    try:
        return asyncio.run(_ask(settings))
    except (KafkaError, TimeoutError, OSError):
        return UNKNOWN


def sentence(status: dict[str, Any] | None, unstored: int) -> str:
    """Return the sentence for a status record and the sink's lag. Pure."""
    until = None if status is None else status.get("assets_decided_until_ms")
    if not isinstance(until, int):
        cascades = "No detector has said until when it has decided: cascades may be missing."
    else:
        time = datetime.fromtimestamp(until / SECOND_MS, UTC)
        cascades = f"Cascades are decided until {time:%Y-%m-%d %H:%M:%S} UTC."
    stored = f"{unstored:,} records wait to be stored." if unstored else "All records are stored."
    return f"{cascades} {stored}"


async def _ask(settings: Settings) -> str:
    topics = settings.topics
    consumer = new_consumer(settings)
    admin = new_admin(settings, CLIENT_ID)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await start_consumer(settings, consumer)
            await admin.start()
            stored = await list_partitions(admin, [topics.events, topics.cascades])
            committed = await committed_offsets(admin, settings.group(STAGE))
            ends = await consumer.end_offsets(stored)
            firsts = await consumer.beginning_offsets(stored)
            unstored = sum(
                max(0, ends[place] - max(firsts[place], committed.get(place, 0)))
                for place in stored
            )
            return sentence(
                await _newest(consumer, await list_partitions(admin, [topics.status])), unstored
            )
    finally:
        await admin.close()
        await stop_consumer(consumer)


async def _newest(
    consumer: AIOKafkaConsumer, places: list[TopicPartition]
) -> dict[str, Any] | None:
    """Return the newest record of a small topic; None if it is empty."""
    ends = await consumer.end_offsets(places)
    held = {place: end for place, end in ends.items() if end > 0}
    if not held:
        return None
    consumer.assign(list(held))
    for place, end in held.items():
        consumer.seek(place, end - 1)
    newest: dict[str, Any] | None = None
    while held:
        for place, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
            held.pop(place, None)
            for record in records:
                document: dict[str, Any] = orjson.loads(record.value)
                if newest is None or document["timestamp_ms"] >= newest["timestamp_ms"]:
                    newest = document
    return newest
