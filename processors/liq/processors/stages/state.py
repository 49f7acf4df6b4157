"""Snapshots of a detector in a compacted topic; partition n belongs to partition n of its input.

A batch's snapshots are written after its alerts were acknowledged and before its offsets are
committed. So after a crash the newest snapshots hold every event before the committed offset,
perhaps some after it, and each asset's snapshot says which was its last.

Every owner of a partition writes under an epoch of its own, one higher than any it found. A
worker that was frozen, lost its partition and woke up again can then only write under an old
epoch, which no later owner reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from liq.processors.stages.output import Output
from liq.runtime.kafka import assign_from_beginning, new_consumer, start_consumer
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
    """Reads a partition's snapshots when it is taken over, and writes a batch's changes."""

    def __init__(self, settings: Settings, output: Output, topic: str) -> None:
        """Snapshots go to a compacted topic through the worker's own producer."""
        self._settings = settings
        self._output = output
        self._topic = topic

    async def take_over(self, partition: int) -> RestoredState:
        """Read the partition's snapshots and claim it under a new epoch."""
        entries = await self._read(partition)
        highest, snapshots = choose_newest(entries)
        epoch = highest + 1
        await self._output.deliver(
            [
                self._record(partition, EPOCH_KEY, b"%d" % epoch),
                *self._snapshot_records(partition, epoch, snapshots),
                *(
                    self._record(partition, key, None)
                    for key, value in entries.items()
                    if key != EPOCH_KEY and value is not None
                ),
            ]
        )
        return RestoredState(partition, epoch, snapshots)

    async def write(self, partition: int, epoch: int, changes: Mapping[str, bytes | None]) -> None:
        """Store a batch's changed snapshots; None deletes one."""
        await self._output.deliver(self._snapshot_records(partition, epoch, changes))

    async def _read(self, partition: int) -> dict[bytes, bytes | None]:
        assignment = TopicPartition(self._topic, partition)
        consumer = new_consumer(self._settings)
        entries: dict[bytes, bytes | None] = {}
        await start_consumer(self._settings, consumer)
        try:
            end = await assign_from_beginning(consumer, assignment)
            while await consumer.position(assignment) < end:
                for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                    entries.update((record.key, record.value) for record in records)
        finally:
            await consumer.stop()
        return entries

    def _snapshot_records(
        self, partition: int, epoch: int, changes: Mapping[str, bytes | None]
    ) -> list[OutputRecord]:
        return [
            self._record(partition, b"%d%s%s" % (epoch, SEPARATOR, asset.encode()), value)
            for asset, value in changes.items()
        ]

    def _record(self, partition: int, key: bytes, value: bytes | None) -> OutputRecord:
        return OutputRecord(self._topic, key, value, partition=partition)
