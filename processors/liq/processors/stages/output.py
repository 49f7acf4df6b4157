"""The output of a worker's stages: an idempotent producer that sends batches."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from mode import Service

from liq.runtime.kafka import new_producer
from liq.runtime.sending import BatchSender, OutputRecord
from liq.runtime.settings import Settings


class Output(Service):
    """Sends the records of a worker's stages."""

    def __init__(self, settings: Settings, client_id: str) -> None:
        """The producer connects when the worker starts."""
        super().__init__()
        self._settings = settings
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._sender: BatchSender | None = None

    async def on_start(self) -> None:
        """Connect."""
        # Batches are complete when they are sent, so that there is nothing to linger for.
        self._producer = new_producer(self._settings, self._client_id, linger_ms=0)
        await self._producer.start()
        self._sender = BatchSender(self._producer, self._settings.topics)

    async def on_stop(self) -> None:
        """Send what is buffered and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def partitions(self, topic: str) -> list[int]:
        """The partitions of a topic, ascending."""
        if self._producer is None:
            raise RuntimeError("Output is used before the worker started it")
        return sorted(await self._producer.partitions_for(topic))

    async def send(self, records: Sequence[OutputRecord]) -> asyncio.Future[None]:
        """Queue records in order; the future ends when every replica has acknowledged all of them.

        Raises:
            KafkaError: Kafka does not take a record, however often it is sent.
        """
        if self._sender is None:
            raise RuntimeError("Output is used before the worker started it")
        return await self._sender.send(records)

    async def deliver(self, records: Sequence[OutputRecord]) -> None:
        """Send records and wait until every replica has acknowledged all of them.

        Raises:
            KafkaError: Kafka does not take a record, however often it is sent.
        """
        await (await self.send(records))
