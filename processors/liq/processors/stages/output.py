"""Delivering a batch's records: all acknowledged, or the batch does not count as handled."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from mode import Service

from liq.runtime.kafka import new_producer
from liq.runtime.metrics import RECORDS_OUT
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings


class Output(Service):
    """An idempotent producer that lives as long as the worker."""

    def __init__(self, settings: Settings, client_id: str) -> None:
        """The producer connects when the worker starts."""
        super().__init__()
        self._settings = settings
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None

    async def on_start(self) -> None:
        """Connect."""
        self._producer = new_producer(self._settings, self._client_id)
        await self._producer.start()

    async def on_stop(self) -> None:
        """Send what is buffered and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def partitions(self, topic: str) -> list[int]:
        """The partitions of a topic, ascending."""
        return sorted(await self._connected.partitions_for(topic))

    async def deliver(self, records: Sequence[OutputRecord]) -> None:
        """Produce in order and wait until every replica acknowledged every record.

        It waits for as long as Kafka is away: an idempotent producer's records do not expire.

        Raises:
            KafkaError: Kafka does not take a record, however often it is sent.
        """
        producer = self._connected
        deliveries = [
            await producer.send(
                record.topic,
                record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
            for record in records
        ]
        await asyncio.gather(*deliveries)
        for topic, count in Counter(record.topic for record in records).items():
            RECORDS_OUT.labels(topic).inc(count)

    @property
    def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("Output is used before the worker started it")
        return self._producer
