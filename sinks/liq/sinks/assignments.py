"""What a sink does when the consumer group moves partitions."""

from collections.abc import Collection
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from liq.runtime.health import Health
from liq.runtime.logs import get_logger
from liq.sinks.destination import Destination, Start

CONDITION: Final = "kafka"
log = get_logger(__name__)


class Assignments(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Passes assignments on to the destination, and begins new groups where it wants to begin.

    aiokafka logs what a listener raises and goes on, so a failure is kept in `error` for the loop.
    """

    def __init__(
        self, consumer: AIOKafkaConsumer, destination: Destination, health: Health
    ) -> None:
        self._consumer = consumer
        self._destination = destination
        self._health = health
        self.error: KafkaError | None = None

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Drop nothing: buffered records will be stored, by us and perhaps by another too."""
        log.info("partitions_revoked", count=len(revoked))

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Tell the destination: records from the committed offsets on may be stored already."""
        self._destination.assigned([(item.topic, item.partition) for item in assigned])
        if self._destination.intake.start is Start.NEWEST:
            try:
                await self._begin_at_the_end(assigned)
            except KafkaError as error:
                self.error = error
        self._health.set(CONDITION, holds=True, reason=f"{len(assigned)} partitions assigned")
        log.info("partitions_assigned", count=len(assigned))

    async def _begin_at_the_end(self, assigned: Collection[TopicPartition]) -> None:
        """Skip the past of partitions that the group reads for the first time.

        The end is committed at once. Otherwise a restart before the first record would skip what
        arrived in between.
        """
        new = [item for item in assigned if await self._consumer.committed(item) is None]
        if not new:
            return
        ends = await self._consumer.end_offsets(new)
        for partition, end in ends.items():
            self._consumer.seek(partition, end)
        await self._consumer.commit(ends)
