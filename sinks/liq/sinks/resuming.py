"""Start offsets for destinations that keep their positions themselves."""

import asyncio
from collections.abc import Mapping
from functools import partial

from aiokafka import AIOKafkaConsumer, TopicPartition

from liq.runtime.logs import get_logger
from liq.runtime.retry import Backoff
from liq.sinks.attempts import BACKOFF, Attempts
from liq.sinks.destination import Destination, PartitionLog, Position
from liq.sinks.log_watch import LogWatch

log = get_logger(__name__)


class Resuming:
    """Requests positions concurrently with the loop, which applies them between two polls."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        destination: Destination,
        attempts: Attempts,
        logs: LogWatch,
    ) -> None:
        self._consumer = consumer
        self._destination = destination
        self._attempts = attempts
        self._logs = logs
        self._offsets: dict[TopicPartition, int] | None = None
        self._backoff = Backoff(BACKOFF)
        self._has_lost = False

    def note_loss(self) -> None:
        """Back off before the next request; the back-off grows until a batch is stored."""
        self._has_lost = True

    def note_stored(self) -> None:
        """Reset the back-off."""
        self._backoff.reset()

    async def ask(self) -> None:
        """Request the positions of all assigned partitions from the destination, until it answers.

        Raises:
            KafkaError: the brokers do not answer.
            Exception: any exception that the destination does not classify.
        """
        if self._has_lost:
            self._has_lost = False
            await asyncio.sleep(self._backoff.next_seconds())
        assigned = list(self._consumer.assignment())
        ends = await self._consumer.end_offsets(assigned) if assigned else {}
        logs = {
            (place.topic, place.partition): PartitionLog(self._logs.name(place.topic), end)
            for place, end in ends.items()
        }
        wanted = await self._attempts.until_success(partial(self._destination.positions, logs))
        self._offsets = await self._find(
            {TopicPartition(*partition): position for partition, position in wanted.items()}, ends
        )

    def apply(self) -> bool:
        """Seek to the positions found; return False if there is no answer yet.

        Partitions that were revoked meanwhile are skipped. Partitions that were assigned meanwhile
        have their own request due.
        """
        offsets, self._offsets = self._offsets, None
        if offsets is None:
            return False
        assigned = self._consumer.assignment()
        for place, offset in offsets.items():
            if place in assigned:
                self._consumer.seek(place, offset)
        log.info("positions_resumed", count=len(offsets))
        return True

    async def _find(
        self, wanted: Mapping[TopicPartition, Position], ends: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Convert positions to offsets, at least the first that each log still has."""
        if not wanted:
            return {}
        first = await self._consumer.beginning_offsets(list(wanted))
        times = {
            place: position.since_ms
            for place, position in wanted.items()
            if position.offset is None and position.since_ms
        }
        found = await self._consumer.offsets_for_times(times) if times else {}
        offsets: dict[TopicPartition, int] = {}
        for place, position in wanted.items():
            if position.offset is not None:
                offsets[place] = max(position.offset, first[place])
            elif place in times:
                offsets[place] = ends[place] if found[place] is None else found[place].offset
            else:
                offsets[place] = first[place]
        return offsets
