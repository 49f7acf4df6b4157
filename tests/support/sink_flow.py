"""Records of every kind, published piece by piece, as by a pipeline with faults."""

import asyncio
import random
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from liq.devstack.progress import PipelineProgress
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from liq.sinks.clickhouse.destination import STAGE
from liq.sinks.clickhouse.tables import tables_by_topic
from tests.support.sample_records import alert, feed_status, instrument, liquidation, rejection


class Flow:
    """A publisher of events, piece by piece, with the other records between them.

    One event in ten is repeated at a new offset, as by a second producer. A few records cannot be
    decoded.
    """

    def __init__(self, settings: Settings, chance: random.Random) -> None:
        self._settings = settings
        self._chance = chance
        self._count = 0

    def publish(self, count: int) -> None:
        topics = self._settings.topics
        numbers = range(self._count, self._count + count)
        self._count += count
        events = [encode(liquidation(number)) for number in numbers]
        again = self._chance.choices(range(self._count), k=count // 10)
        events += [encode(liquidation(number)) for number in again]
        events += [b"{" + encode(liquidation(numbers[0]))]
        self._chance.shuffle(events)
        asyncio.run(
            send(
                self._settings,
                {
                    topics.events: events,
                    topics.rejected: [encode(rejection(number)) for number in numbers[::40]] * 2,
                    topics.feeds: [encode(feed_status(number)) for number in numbers[::40]] * 2,
                    topics.instruments: [encode(instrument(number)) for number in numbers[::40]],
                    topics.cascades: [encode(alert(number)) for number in numbers[::40]] * 2,
                },
            )
        )


def is_loaded(settings: Settings) -> bool:
    """Return whether the ClickHouse sink has committed all records."""

    async def ask() -> int:
        async with PipelineProgress(settings) as progress:
            return await progress.lag(STAGE, tables_by_topic(settings.topics))

    return asyncio.run(ask()) == 0


async def send(settings: Settings, values: dict[str, Sequence[bytes]]) -> None:
    """Publish values, spread over their topics' partitions, and await all acknowledgements."""
    producer: AIOKafkaProducer = new_producer(settings, "test")
    await producer.start()
    try:
        for topic, sent in values.items():
            count = len(await producer.partitions_for(topic))
            # Brokers reject records without a key on a compacted topic.
            futures = [
                await producer.send(topic, value, key=b"%d" % number, partition=number % count)
                for number, value in enumerate(sent)
            ]
            await asyncio.gather(*futures)
    finally:
        await producer.stop()
