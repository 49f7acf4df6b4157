"""Records of public topics, read by a client that has installed no codec."""

from typing import TYPE_CHECKING

import aiokafka.codec
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import UnsupportedCodecError

from liq.runtime.batch_codec import new_batch
from liq.runtime.feed_records import deliver_feed_status
from liq.runtime.kafka import assign_from_beginning, new_consumer, new_producer, start_consumer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.cloud_events import feed_headers
from liq.schemas.codec import encode
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent

if TYPE_CHECKING:
    from aiokafka.structs import ConsumerRecord

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

STATUS = FeedStatus(
    exchange="okx",
    feed="public",
    connection="a",
    event=FeedEvent.REFUSED,
    timestamp_ms=1_783_528_952_067,
    detail="not as documented; " * 100,
)


async def deliver(settings: Settings, producer: AIOKafkaProducer, topic: str) -> None:
    """Deliver two records in one batch to partition 0, with the topic's codec."""
    batch = new_batch(settings.topics.compression(topic))
    for _ in range(2):
        batch.append(timestamp=None, key=b"BTC", value=bytes(1000), headers=[])
    await (await producer.send_batch(batch, topic, partition=0))


async def read(settings: Settings, topic: str) -> "list[ConsumerRecord]":
    """Return all records of a topic."""
    consumer = new_consumer(settings)
    records = []
    try:
        await start_consumer(settings, consumer)
        for number in range(settings.topic_partitions):
            partition = TopicPartition(topic, number)
            end = await assign_from_beginning(consumer, partition)
            while await consumer.position(partition) < end:
                for found in (await consumer.getmany(timeout_ms=100)).values():
                    records += found
    finally:
        await consumer.stop()
    return records


async def test_without_codecs_public_topics_are_read_and_internal_ones_are_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = settings.topics
    await ensure_topics(settings, ("okx",))
    producer = new_producer(settings, "test")
    await producer.start()
    try:
        await deliver_feed_status(producer, topics, STATUS)
        await deliver(settings, producer, topics.events)
        await deliver(settings, producer, topics.raw("okx"))
    finally:
        await producer.stop()
    monkeypatch.setattr(aiokafka.codec, "cramjam", None)
    assert [record.value for record in await read(settings, topics.events)] == 2 * [bytes(1000)]
    [status] = await read(settings, topics.feeds)
    assert (status.key, status.value) == (b"okx", encode(STATUS))
    assert list(status.headers) == feed_headers(STATUS, encode(STATUS))
    with pytest.raises(UnsupportedCodecError):
        await read(settings, topics.raw("okx"))
