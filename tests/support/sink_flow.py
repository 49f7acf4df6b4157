"""Records of every kind, published piece by piece, as a pipeline with mishaps would."""

import asyncio
import random
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from tests.support.sample_records import alert, feed_status, instrument, liquidation, rejection


class Flow:
    """Publishes events piece by piece, and the other records between them.

    One event in ten comes again under a new offset, as from a second producer, and here and there
    is a record that nobody can decode.
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


async def send(settings: Settings, values: dict[str, Sequence[bytes]]) -> None:
    """Publish values, spread over the partitions of their topics; all are acknowledged."""
    producer: AIOKafkaProducer = new_producer(settings, "test")
    await producer.start()
    try:
        for topic, sent in values.items():
            count = len(await producer.partitions_for(topic))
            # A compacted topic takes no record without a key.
            futures = [
                await producer.send(topic, value, key=b"%d" % number, partition=number % count)
                for number, value in enumerate(sent)
            ]
            await asyncio.gather(*futures)
    finally:
        await producer.stop()
