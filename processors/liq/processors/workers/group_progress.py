"""The progress of the detecting group: the committed offset and note of each events partition."""

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from liq.processors.stages.detect_note import DetectNote
from liq.processors.stages.status import PartitionProgress
from liq.runtime.kafka import new_admin, new_consumer, start_consumer
from liq.runtime.partitions import committed_places, list_partitions
from liq.runtime.settings import Settings

CLIENT_ID = "detection-progress"


class GroupProgress:
    """A query of the progress of all events partitions, whichever worker detects on them."""

    def __init__(self, settings: Settings) -> None:
        """Open no connection yet; the first `ask` does."""
        self._settings = settings
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None

    async def ask(self) -> dict[int, PartitionProgress]:
        """Return the progress of every partition.

        Raises:
            KafkaError: the brokers do not answer; call `close` before the next `ask`.
        """
        if self._admin is None or self._consumer is None:
            self._admin = new_admin(self._settings, CLIENT_ID)
            self._consumer = new_consumer(self._settings)
            await self._admin.start()
            await start_consumer(self._settings, self._consumer)
        admin, consumer = self._admin, self._consumer
        places = await list_partitions(admin, [self._settings.topics.events])
        ends = await consumer.end_offsets(places)
        oldest = await consumer.beginning_offsets(places)
        committed = await committed_places(admin, self._settings.group("detect"))
        progress = {}
        for place in places:
            offset, note = committed.get(place, (0, ""))
            behind = max(0, ends[place] - max(offset, oldest[place]))
            clock_ms = DetectNote.from_metadata(note).clock_ms
            progress[place.partition] = PartitionProgress(behind, clock_ms)
        return progress

    async def close(self) -> None:
        """Close the connections."""
        admin, consumer = self._admin, self._consumer
        self._admin = self._consumer = None
        if consumer is not None:
            await consumer.stop()
        if admin is not None:
            await admin.close()
