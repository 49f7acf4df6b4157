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
from liq.schemas.headers import DETECTOR, LOG, text_header

EPOCH_KEY = b"epoch"
POLL_MS = 500
SEPARATOR = b"|"


@dataclass(slots=True)
class RestoredState:
    """What a new owner of a partition starts from.

    `log` names the log that the snapshots are about, `detector` the one that wrote them (empty for
    older releases). Without `is_claimed`, the topic has lost its
    oldest records: every owner's first record is its claim.
    """

    partition: int
    epoch: int
    snapshots: dict[str, bytes]
    log: str = ""
    detector: str = ""
    is_claimed: bool = True


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
        self.topic = topic
        self._stored: dict[int, dict[bytes, bytes | None]] = {}
        self._claims: dict[int, tuple[str, str]] = {}

    async def read(self, partitions: Collection[int]) -> list[RestoredState]:
        """Read the snapshots of partitions, each for an owner under a new epoch.

        Raises:
            KafkaError: the brokers do not answer.
        """
        self._stored, self._claims = await self._read(partitions)
        restored = []
        for partition, entries in self._stored.items():
            highest, snapshots = choose_newest(entries)
            log_name, detector = self._claims.get(partition, ("", ""))
            is_claimed = EPOCH_KEY in entries
            restored.append(
                RestoredState(partition, highest + 1, snapshots, log_name, detector, is_claimed)
            )
        return restored

    async def claim(self, restored: RestoredState, log_name: str, detector: str) -> None:
        """Claim a partition under its new epoch, with its snapshots and the log they are about.

        Raises:
            KafkaError: the brokers do not acknowledge the claim.
        """
        partition, epoch = restored.partition, restored.epoch
        # Older releases read this record's value, and no header.
        headers = [(LOG, log_name.encode()), (DETECTOR, detector.encode())]
        await self._output.deliver(
            [
                OutputRecord(self.topic, EPOCH_KEY, b"%d" % epoch, headers, partition=partition),
                *self.records(partition, epoch, restored.snapshots),
                *(
                    self._record(partition, key, None)
                    for key, value in self._stored.pop(partition, {}).items()
                    if key != EPOCH_KEY and value is not None
                ),
            ]
        )

    def records(
        self, partition: int, epoch: int, changes: Mapping[str, bytes | None]
    ) -> list[OutputRecord]:
        """Return the records that store changed snapshots; None deletes one."""
        return [
            self._record(partition, b"%d%s%s" % (epoch, SEPARATOR, asset.encode()), value)
            for asset, value in changes.items()
        ]

    async def _read(
        self, partitions: Collection[int]
    ) -> tuple[dict[int, dict[bytes, bytes | None]], dict[int, tuple[str, str]]]:
        """Return the last value of every key of each partition, and what its last claim names."""
        entries: dict[int, dict[bytes, bytes | None]] = {each: {} for each in partitions}
        claims: dict[int, tuple[str, str]] = {}
        places = [TopicPartition(self.topic, partition) for partition in partitions]
        if not places:
            return entries, claims
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
                    claims.update(
                        (
                            place.partition,
                            (
                                text_header(record.headers, LOG),
                                text_header(record.headers, DETECTOR),
                            ),
                        )
                        for record in records
                        if record.key == EPOCH_KEY
                    )
        finally:
            await consumer.stop()
        return entries, claims

    def _record(self, partition: int, key: bytes, value: bytes | None) -> OutputRecord:
        return OutputRecord(self.topic, key, value, partition=partition)
