"""Operations on topics and on committed offsets while a pipeline is in use."""

import asyncio
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import KafkaError

from liq.processors.stages.state import EPOCH_KEY
from liq.runtime.kafka import new_admin, new_consumer, new_producer, start_consumer
from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings
from liq.runtime.topic_ids import topic_ids
from tests.support.pipeline_log import read_topic

POLL_SECONDS = 0.1
GROUP_EMPTY_SECONDS = 60.0
#: A snapshot begins with its offset; the version after it is replaced with an unknown one.
OFFSET_BYTES: Final = 8
UNKNOWN_VERSION: Final = b"\x63newer"


class Target(StrEnum):
    """The targets of a reset of offsets; the time is the append time of the middle record."""

    BEGINNING = "beginning"
    MIDDLE = "middle"
    TIME = "time"


async def delete_topics(settings: Settings, *topics: str) -> None:
    """Delete topics, and wait until the brokers do not list them any more."""
    admin = new_admin(settings, "operator")
    await admin.start()
    try:
        await admin.delete_topics(list(topics))
        while True:
            if not set(topics) & set(await admin.list_topics()):
                break
            await asyncio.sleep(POLL_SECONDS)
    finally:
        await admin.close()


async def truncate(settings: Settings, topic: str) -> None:
    """Delete every present record of a topic; offsets continue."""
    places = await find_partitions(settings, [topic])
    admin = new_admin(settings, "operator")
    consumer = new_consumer(settings)
    await admin.start()
    await start_consumer(settings, consumer)
    try:
        ends = await consumer.end_offsets(places)
        await admin.delete_records({place: RecordsToDelete(end) for place, end in ends.items()})
    finally:
        await consumer.stop()
        await admin.close()


async def reset_offsets(
    settings: Settings, stage: str, offsets: Mapping[TopicPartition, int]
) -> None:
    """Commit offsets without notes for a group, as soon as the group is empty."""
    consumer = new_consumer(settings, group_id=settings.group(stage))
    await start_consumer(settings, consumer)
    try:
        consumer.assign(list(offsets))
        async with asyncio.timeout(GROUP_EMPTY_SECONDS):
            while True:
                try:
                    await consumer.commit(dict(offsets))
                except KafkaError:
                    await asyncio.sleep(POLL_SECONDS)
                else:
                    return
    finally:
        await consumer.stop()


async def offsets_at(
    settings: Settings, places: Sequence[TopicPartition], target: Target
) -> dict[TopicPartition, int]:
    """Return the offsets of partitions for a reset."""
    log = {
        (topic, partition): records
        for topic in {place.topic for place in places}
        for partition, records in (await asyncio.to_thread(read_topic, settings, topic)).items()
    }
    offsets = {}
    for place in places:
        records = log.get((place.topic, place.partition), [])
        middle = records[len(records) // 2] if records else None
        if target is Target.BEGINNING or middle is None:
            offsets[place] = 0
        elif target is Target.MIDDLE:
            offsets[place] = middle.offset
        else:
            at = [record.offset for record in records if record.timestamp >= middle.timestamp]
            offsets[place] = at[0]
    return offsets


async def overwrite_snapshots(settings: Settings, topics: Sequence[str], name: str = "") -> None:
    """Overwrite all stored snapshots, or that of one name, with an unknown version."""
    producer = new_producer(settings, "operator")
    await producer.start()
    for topic in topics:
        for partition, records in (await asyncio.to_thread(read_topic, settings, topic)).items():
            newest = {record.key: record.value for record in records}
            for key, value in newest.items():
                if value is not None and key != EPOCH_KEY and key.endswith(name.encode()):
                    data = value[:OFFSET_BYTES] + UNKNOWN_VERSION
                    await producer.send_and_wait(topic, data, key=key, partition=partition)
    await producer.stop()


async def has_topic_ids(settings: Settings) -> bool:
    """Return whether the brokers have ids of topics; the embedded broker has none."""
    admin = new_admin(settings, "operator")
    await admin.start()
    try:
        return any((await topic_ids(admin._client, await admin.list_topics())).values())
    finally:
        await admin.close()
