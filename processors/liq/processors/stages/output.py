"""The output of a worker's stages: an idempotent producer that sends batches."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from mode import Service

from liq.runtime.kafka import new_producer
from liq.runtime.layout import Layout
from liq.runtime.sending import BatchSender, OutputRecord, know_partition
from liq.runtime.settings import Settings


class Output(Service):
    """The sender of the records of a worker's stages."""

    def __init__(self, settings: Settings, client_id: str) -> None:
        """Configure the producer, which connects when the worker starts."""
        super().__init__()
        self._settings = settings
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._sender: BatchSender | None = None
        self._layout: Layout | None = None

    async def on_start(self) -> None:
        """Connect."""
        # Batches are complete when they are sent, so lingering would only delay them.
        self._producer = new_producer(self._settings, self._client_id, linger_ms=0)
        await self._producer.start()
        self._sender = BatchSender(self._producer, self._settings.topics)
        if self._layout is not None:
            self.spread(self._layout)

    async def on_stop(self) -> None:
        """Flush buffered records and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    def spread(self, layout: Layout) -> None:
        """Spread events over the partitions of a layout, even if their topic has more."""
        self._layout = layout
        if self._sender is not None:
            self._sender.spread(self._settings.topics.events, layout.partitions)

    @property
    def most_sources(self) -> int:
        """The highest number of events partitions that a growth may reach; 0 without a layout."""
        layout = self._layout
        return 0 if layout is None else max(layout.partitions, layout.target)

    async def sources(self) -> list[int]:
        """Return the events partitions that may contain records, ascending."""
        if self._layout is not None:
            return list(range(self._layout.most_partitions))
        return await self.partitions(self._settings.topics.events)

    async def know(self, topic: str, count: int) -> None:
        """Wait until the metadata shows `count` partitions of a topic.

        Raises:
            KafkaError: it does not within half a minute.
        """
        if self._producer is None:
            raise RuntimeError("Output is used before the worker started it")
        await know_partition(self._producer, topic, count - 1)

    async def partitions(self, topic: str) -> list[int]:
        """Return the partitions of a topic over which keys are spread, ascending."""
        if self._producer is None:
            raise RuntimeError("Output is used before the worker started it")
        if self._layout is not None and topic == self._settings.topics.events:
            return list(range(self._layout.partitions))
        return sorted(await self._producer.partitions_for(topic))

    async def send(self, records: Sequence[OutputRecord]) -> asyncio.Future[None]:
        """Queue records in order; the future completes when all replicas have acknowledged them.

        Raises:
            KafkaError: Kafka rejects a record despite retries.
        """
        if self._sender is None:
            raise RuntimeError("Output is used before the worker started it")
        return await self._sender.send(records)

    async def deliver(self, records: Sequence[OutputRecord]) -> None:
        """Send records and wait until all replicas have acknowledged them.

        Raises:
            KafkaError: Kafka rejects a record despite retries.
        """
        await (await self.send(records))
