"""What operators do to topics and to the offsets of groups while a pipeline is in use."""

import asyncio
from collections.abc import Mapping

from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import KafkaError

from liq.runtime.kafka import new_admin, new_consumer, start_consumer
from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings
from liq.runtime.topic_ids import topic_ids

POLL_SECONDS = 0.1
GROUP_EMPTY_SECONDS = 60.0


async def delete_topics(settings: Settings, *topics: str) -> None:
    """Delete topics and wait until the brokers list them no longer."""
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
    """Delete every record that a topic has now; offsets go on."""
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
    """Commit offsets for a group, as soon as Kafka takes the group for empty; without notes."""
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


async def has_topic_ids(settings: Settings) -> bool:
    """Whether the brokers have ids of topics; the embedded one has none."""
    admin = new_admin(settings, "operator")
    await admin.start()
    try:
        return any((await topic_ids(admin._client, await admin.list_topics())).values())
    finally:
        await admin.close()
