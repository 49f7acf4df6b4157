"""The rebalance listener of a sink.

aiokafka fetches records of new partitions while the listener still determines their start offsets.
So the listener pauses new partitions, and the loop resumes them once the offsets are settled.
"""

from collections.abc import Collection
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from liq.runtime.health import Health
from liq.runtime.logs import get_logger
from liq.sinks.destination import Destination, Start
from liq.sinks.log_watch import LogWatch

CONDITION: Final = "kafka"
log = get_logger(__name__)


class Assignments(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Forwards assignments to the destination, and seeks new groups to its start position.

    aiokafka only logs a listener's exceptions, so the loop raises the one stored in `error`.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        destination: Destination,
        health: Health,
        logs: LogWatch,
    ) -> None:
        self._consumer = consumer
        self._logs = logs
        self._destination = destination
        self._health = health
        self.error: KafkaError | None = None
        self.is_settled = True
        # Whether the loop must ask a destination that keeps its positions for them.
        self.are_positions_due = False

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Keep buffered records: this process stores them, and the next owner may do so again."""
        log.info("partitions_revoked", count=len(revoked))

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Notify the destination, and seek to the start of replaced logs and new partitions."""
        self._consumer.pause(*assigned)
        self.is_settled = False
        self.are_positions_due = self._destination.intake.keeps_positions
        try:
            self._destination.assigned([(item.topic, item.partition) for item in assigned])
            replaced = await self._logs.begin(assigned)
            if self._destination.intake.start is Start.NEWEST:
                await self._begin_at_the_end(set(assigned).difference(replaced))
        except KafkaError as error:
            self.error = error
        finally:
            self.is_settled = True
        self._health.set(CONDITION, holds=True, reason=f"{len(assigned)} partitions assigned")
        log.info("partitions_assigned", count=len(assigned))

    async def _begin_at_the_end(self, assigned: Collection[TopicPartition]) -> None:
        """Seek to the end of partitions without a committed offset.

        The end is committed at once. Otherwise a restart before the first record would skip the
        records that arrived in between.
        """
        new = [item for item in assigned if await self._consumer.committed(item) is None]
        if not new:
            return
        ends = await self._consumer.end_offsets(new)
        for partition, end in ends.items():
            self._consumer.seek(partition, end)
        await self._consumer.commit(ends)
