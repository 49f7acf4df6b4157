"""Kafka clients as every worker makes them."""

import asyncio

import pytest
from aiokafka import TopicPartition

from liq.runtime.kafka import assign_from_beginning, new_consumer, new_producer, start_consumer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from tests.support.pipeline_log import read_topic

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]


async def test_a_consumer_without_a_group_can_be_stopped_at_once(settings: Settings) -> None:
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    await consumer.stop()


async def test_the_end_of_an_empty_partition_is_known_while_its_fetch_is_held_back(
    settings: Settings,
) -> None:
    await ensure_topics(settings, ())
    consumer = new_consumer(settings, fetch_max_wait_ms=60_000)
    await start_consumer(settings, consumer)
    try:
        async with asyncio.timeout(30):
            partition = TopicPartition(settings.topics.instruments, 0)
            assert await assign_from_beginning(consumer, partition) == 0
            assert await consumer.position(partition) == 0
    finally:
        await consumer.stop()


async def test_a_partition_is_read_from_its_oldest_record(settings: Settings) -> None:
    await ensure_topics(settings, ())
    partition = TopicPartition(settings.topics.instruments, 0)
    producer = new_producer(settings, "test")
    await producer.start()
    try:
        for value in (b"first", b"second"):
            await producer.send_and_wait(partition.topic, value, key=value)
    finally:
        await producer.stop()
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    try:
        end = await assign_from_beginning(consumer, partition)
        values = []
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                values += [record.value for record in records]
        assert values == [b"first", b"second"]
    finally:
        await consumer.stop()


def test_a_topic_that_nobody_made_holds_nothing(settings: Settings) -> None:
    assert read_topic(settings, settings.topics.feeds) == {}
