"""Snapshots of a detector in a compacted topic; partition n belongs to partition n of its input.

A checkpoint writes snapshots after alerts were acknowledged and before offsets are committed. So
after a crash the newest snapshots hold every event before the committed offset,
perhaps some after it, and each asset's snapshot says which was its last.

Every owner of a partition writes under an epoch of its own, one higher than any it found. A
worker that was frozen, lost its partition and woke up again can then only write under an old
epoch, which no later owner reads.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from liq.processors.stages.output import Output
from liq.runtime.kafka import assign_all_from_beginning, new_consumer, start_consumer
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings

EPOCH_KEY = b"epoch"
POLL_MS = 500
SEPARATOR = b"|"


@dataclass(frozen=True, slots=True)
class RestoredState:
    """What a new owner of a partition starts from."""

    partition: int
    epoch: int
    snapshots: dict[str, bytes]


def choose_newest(entries: Mapping[bytes, bytes | None]) -> tuple[int, dict[str, bytes]]:
    """From the last value of every key, the highest epoch and each asset's newest snapshot."""
    highest = 0
    newest: dict[str, tuple[int, bytes | None]] = {}
    for key, value in entries.items():
        if key == EPOCH_KEY:
            highest = max(highest, int(value or 0))
            continue
        epoch_text, _, asset = key.partition(SEPARATOR)
        epoch = int(epoch_text)
        highest = max(highest, epoch)
        known = newest.get(asset.decode())
        if known is None or epoch > known[0]:
            newest[asset.decode()] = (epoch, value)
    return highest, {asset: value for asset, (_, value) in newest.items() if value is not None}


class DetectorStateStore:
    """Reads the snapshots of partitions that are taken over, and makes records of changes."""

    def __init__(self, settings: Settings, output: Output, topic: str) -> None:
        """Snapshots go to a compacted topic through the worker's own producer."""
        self._settings = settings
        self._output = output
        self._topic = topic

    async def take_over(self, partitions: Collection[int]) -> list[RestoredState]:
        """Read the snapshots of partitions and claim each under a new epoch.

        Raises:
            KafkaError: the brokers do not answer.
        """
        restored, claims = [], []
        for partition, entries in (await self._read(partitions)).items():
            highest, snapshots = choose_newest(entries)
            epoch = highest + 1
            restored.append(RestoredState(partition, epoch, snapshots))
            claims += [
                self._record(partition, EPOCH_KEY, b"%d" % epoch),
                *self.records(partition, epoch, snapshots),
                *(
                    self._record(partition, key, None)
                    for key, value in entries.items()
                    if key != EPOCH_KEY and value is not None
                ),
            ]
        await self._output.deliver(claims)
        return restored

    def records(
        self, partition: int, epoch: int, changes: Mapping[str, bytes | None]
    ) -> list[OutputRecord]:
        """Return the records that store changed snapshots; None deletes one."""
        return [
            self._record(partition, b"%d%s%s" % (epoch, SEPARATOR, asset.encode()), value)
            for asset, value in changes.items()
        ]

    async def _read(self, partitions: Collection[int]) -> dict[int, dict[bytes, bytes | None]]:
        """Return the last value of every key of each partition."""
        entries: dict[int, dict[bytes, bytes | None]] = {each: {} for each in partitions}
        places = [TopicPartition(self._topic, partition) for partition in partitions]
        if not places:
            return entries
        consumer = new_consumer(self._settings)
        await start_consumer(self._settings, consumer)
        try:
            ends = await assign_all_from_beginning(consumer, places)
            behind = set(places)
            while behind := {each for each in behind if await consumer.position(each) < ends[each]}:
                for place, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                    entries[place.partition].update(
                        (record.key, record.value) for record in records
                    )
        finally:
            await consumer.stop()
        return entries

    def _record(self, partition: int, key: bytes, value: bytes | None) -> OutputRecord:
        return OutputRecord(self._topic, key, value, partition=partition)
