"""The progress of the stages: end offsets of topics, and committed offsets of consumer groups."""

from collections.abc import Iterable
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from liq.runtime.kafka import new_admin, new_consumer
from liq.runtime.partitions import committed_offsets, list_partitions
from liq.runtime.settings import Settings


class PipelineProgress:
    """Queries of progress at the brokers; use it in an `async with` statement."""

    def __init__(self, settings: Settings) -> None:
        """Configure the clients, which connect when the statement is entered."""
        self._settings = settings
        self._consumer: AIOKafkaConsumer = new_consumer(settings)
        self._admin: AIOKafkaAdminClient = new_admin(settings, "progress")

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._consumer.start()
        await self._admin.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._admin.close()
        await self._consumer.stop()

    async def held(self, topics: Iterable[str]) -> int:
        """Return the number of records that were ever written to the topics (their end offsets)."""
        return sum((await self._ends(topics)).values())

    async def handled(self, stage: str, topics: Iterable[str]) -> int:
        """Return the number of records of the topics that the stage's group has committed."""
        committed = await self._committed(stage)
        return sum(committed.get(partition, 0) for partition in await self._ends(topics))

    async def lag(self, stage: str, topics: Iterable[str]) -> int:
        """Return the number of existing records that the stage's group has not committed."""
        committed = await self._committed(stage)
        ends = await self._ends(topics)
        oldest = await self._consumer.beginning_offsets(list(ends)) if ends else {}
        return sum(
            max(0, end - max(oldest[place], committed.get(place, 0))) for place, end in ends.items()
        )

    async def _ends(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        partitions = await list_partitions(self._admin, list(topics))
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(partitions)
        return ends

    async def _committed(self, stage: str) -> dict[TopicPartition, int]:
        return await committed_offsets(self._admin, self._settings.group(stage))
