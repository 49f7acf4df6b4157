"""Snapshots of a detector in a compacted topic; partition n belongs to partition n of its input.

A checkpoint writes snapshots after alerts were acknowledged and before offsets are committed. So
after a crash the newest snapshots hold every event before the committed offset,
perhaps some after it, and each asset's snapshot says which was its last.

Every owner of a partition writes under an epoch of its own, one higher than any it found. A
worker that was frozen, lost its partition and woke up again can then only write under an old
epoch, which no later owner reads.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiokafka import TopicPartition

from liq.processors.stages.output import Output
from liq.runtime.kafka import assign_all_from_beginning, new_consumer, start_consumer
from liq.runtime.log_reading import read_to_ends
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.headers import DETECTOR, LOG, text_header

EPOCH_KEY: Final = b"epoch"
SEPARATOR: Final = b"|"
#: Epochs count the owners of a partition. Nobody of ours has ever written a higher one.
MAX_EPOCH: Final = 10**12
_is_epoch: Final = re.compile(rb"0|[1-9][0-9]{0,12}").fullmatch

Entries = Iterable[tuple[bytes | None, bytes | None]]
"""Every key, and its last value."""
Restore = Callable[[Mapping[str, bytes]], Mapping[str, str]]
"""Restores snapshots, and returns why those are unreadable that are, by their names."""

log = get_logger(__name__)


@dataclass(slots=True)
class RestoredState:
    """What a new owner of a partition starts from.

    `versions` are the snapshots of each asset, the newest first. `restore` chooses among them:
    `snapshots` are those that serve, and `lost` says of each asset without one why.

    `log` names the log that the snapshots are about, `detector` the one that wrote them (empty for
    older releases). Without `is_claimed`, the topic has lost its oldest records: every owner's
    first record is its claim.
    """

    partition: int
    epoch: int
    versions: Mapping[str, Sequence[bytes]]
    log: str = ""
    detector: str = ""
    is_claimed: bool = True
    snapshots: dict[str, bytes] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)

    def restore(self, restore: Restore) -> None:
        """Restore the newest snapshot of each asset, and an older one where that is unreadable."""
        age = 0
        pending = set(self.versions)
        while pending:
            candidates = {name: self.versions[name][age] for name in sorted(pending)}
            unreadable = restore(candidates)
            self.snapshots |= {
                name: data for name, data in candidates.items() if name not in unreadable
            }
            age += 1
            pending = {name for name in unreadable if len(self.versions[name]) > age}
            self.lost |= {name: unreadable[name] for name in unreadable if name not in pending}

    def forget(self) -> None:
        """Start from nothing: the snapshots are of another log, or incomplete."""
        self.versions, self.snapshots, self.lost = {}, {}, {}


@dataclass(frozen=True, slots=True)
class StoredState:
    """What a partition of the topic holds; `foreign` counts the keys that nobody of ours wrote."""

    epoch: int
    versions: dict[str, tuple[bytes, ...]]
    foreign: int = 0


def sort_entries(entries: Entries) -> StoredState:
    """Find the highest epoch, and the snapshots of each asset from the newest epoch on.

    What an epoch deleted hides what older ones wrote.
    """
    highest = foreign = 0
    found: dict[str, list[tuple[int, bytes | None]]] = {}
    for key, value in entries:
        if key == EPOCH_KEY:
            epoch = _epoch(value or b"")
        else:
            digits, separator, asset = (key or b"").partition(SEPARATOR)
            epoch = _epoch(digits) if separator else None
            name = _text(asset)
            if epoch is not None and name is not None:
                found.setdefault(name, []).append((epoch, value))
            else:
                epoch = None
        if epoch is None:
            foreign += 1
        else:
            highest = max(highest, epoch)
    versions = {name: _undeleted(written) for name, written in found.items()}
    return StoredState(highest, {name: kept for name, kept in versions.items() if kept}, foreign)


def _epoch(digits: bytes) -> int | None:
    if _is_epoch(digits) is None:
        return None
    epoch = int(digits)
    return epoch if epoch <= MAX_EPOCH else None


def _text(name: bytes) -> str | None:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return None


def _undeleted(written: list[tuple[int, bytes | None]]) -> tuple[bytes, ...]:
    """The values of one asset, the newest first, down to where it was deleted."""
    kept = []
    for _, value in sorted(written, key=lambda item: item[0], reverse=True):
        if value is None:
            break
        kept.append(value)
    return tuple(kept)


class DetectorStateStore:
    """Reads the snapshots of partitions that are taken over, and makes records of changes."""

    def __init__(self, settings: Settings, output: Output, topic: str) -> None:
        """Snapshots go to a compacted topic through the worker's own producer."""
        self._settings = settings
        self._output = output
        self.topic = topic
        self._stored: dict[int, dict[bytes | None, bytes | None]] = {}

    async def read(self, partitions: Collection[int]) -> list[RestoredState]:
        """Read the snapshots of partitions, each for an owner under a new epoch.

        Raises:
            KafkaError: the brokers do not answer.
        """
        self._stored, claims = await self._read(partitions)
        restored = []
        for partition, entries in self._stored.items():
            stored = sort_entries(entries.items())
            if stored.foreign:
                ERRORS.labels("foreign_state").inc(stored.foreign)
                log.warning(
                    "foreign_state", topic=self.topic, partition=partition, keys=stored.foreign
                )
            epoch = min(stored.epoch + 1, MAX_EPOCH)
            log_name, detector = claims.get(partition, ("", ""))
            is_claimed = EPOCH_KEY in entries
            restored.append(
                RestoredState(partition, epoch, stored.versions, log_name, detector, is_claimed)
            )
        return restored

    async def claim(self, restored: RestoredState, log_name: str, detector: str) -> None:
        """Claim a partition under its new epoch, with the snapshots that serve.

        The claim names the log that they are about, and the detector that goes on with them.

        Raises:
            KafkaError: the brokers do not acknowledge the claim.
        """
        partition, epoch = restored.partition, restored.epoch
        kept = self.records(partition, epoch, restored.snapshots)
        fresh = {record.key for record in kept}
        # Older releases read this record's value, and no header.
        headers = [(LOG, log_name.encode()), (DETECTOR, detector.encode())]
        claim = OutputRecord(self.topic, EPOCH_KEY, b"%d" % epoch, headers, partition=partition)
        claims = [claim, *kept]
        for key, value in self._stored.pop(partition, {}).items():
            # Foreign keys are left as they are: whoever wrote them may still want them.
            if key is not None and key not in fresh and value is not None and _is_snapshot(key):
                claims.append(self._record(partition, key, None))
        await self._output.deliver(claims)

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
    ) -> tuple[dict[int, dict[bytes | None, bytes | None]], dict[int, tuple[str, str]]]:
        """Return the last value of every key of each partition, and what its last claim names."""
        entries: dict[int, dict[bytes | None, bytes | None]] = {each: {} for each in partitions}
        claims: dict[int, tuple[str, str]] = {}
        places = [TopicPartition(self.topic, partition) for partition in partitions]
        if not places:
            return entries, claims
        consumer = new_consumer(self._settings)
        await start_consumer(self._settings, consumer)
        try:
            ends = await assign_all_from_beginning(consumer, places)
            async for record in read_to_ends(consumer, ends):
                entries[record.partition][record.key] = record.value
                if record.key == EPOCH_KEY:
                    names = text_header(record.headers, LOG), text_header(record.headers, DETECTOR)
                    claims[record.partition] = names
        finally:
            await consumer.stop()
        return entries, claims

    def _record(self, partition: int, key: bytes, value: bytes | None) -> OutputRecord:
        return OutputRecord(self.topic, key, value, partition=partition)


def _is_snapshot(key: bytes) -> bool:
    digits, separator, asset = key.partition(SEPARATOR)
    return bool(separator) and _epoch(digits) is not None and _text(asset) is not None
