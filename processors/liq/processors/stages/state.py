"""Snapshots of a detector in a compacted topic; partition n belongs to partition n of its input.

A checkpoint writes snapshots after alerts were acknowledged and before offsets are committed. So
after a crash the newest snapshots include every event before the committed offset, perhaps some
after it. Each asset's snapshot contains the offset of its last event.

Every owner of a partition writes under its own epoch, one higher than any that it found. A worker
that was frozen while its partition was revoked can only write under an old epoch, which later
owners ignore.

When the number of partitions grows, the owner of a partition writes the snapshots of leaving assets
to their new partitions, under the name of the growth (`moved` keys). The new owner reads them when
its log resumes.
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
#: A partition's share of the assets according to its log (`cascades.share`), by epoch.
SHARE_KEY: Final = b"share"
#: A snapshot that another partition has handed over, by growth and asset.
MOVED_KEY: Final = b"moved"
#: The limit for epochs, which count the owners of a partition; a higher one is foreign.
MAX_EPOCH: Final = 10**12
_is_epoch: Final = re.compile(rb"0|[1-9][0-9]{0,12}").fullmatch

Entries = Iterable[tuple[bytes | None, bytes | None]]
"""Every key with its last value."""
Restore = Callable[[Mapping[str, bytes]], Mapping[str, str]]
"""Restores snapshots by name; returns the reason for each unreadable one."""

log = get_logger(__name__)


@dataclass(slots=True)
class RestoredState:
    """The state from which a new owner of a partition starts.

    `versions` are the snapshots of each asset, the newest first. `restore` selects among them:
    `snapshots` are the readable ones, `lost` maps each asset without one to the reason.

    `log` names the log of the snapshots, `detector` the detector that wrote them (both empty for
    older releases). Without `is_claimed`, the topic has lost its oldest records, because every
    owner's first record is its claim. `share` is the partition's share in the newest epoch.
    """

    partition: int
    epoch: int
    versions: Mapping[str, Sequence[bytes]]
    log: str = ""
    detector: str = ""
    is_claimed: bool = True
    share: bytes = b""
    snapshots: dict[str, bytes] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)

    def restore(self, restore: Restore) -> None:
        """Restore the newest readable snapshot of each asset."""
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
        """Discard the snapshots, because they belong to another log or are incomplete."""
        self.versions, self.snapshots, self.lost = {}, {}, {}
        self.share = b""


@dataclass(frozen=True, slots=True)
class StoredState:
    """The content of a partition of the topic; `foreign` counts keys of foreign writers."""

    epoch: int
    versions: dict[str, tuple[bytes, ...]]
    foreign: int = 0
    share: bytes = b""


def sort_entries(entries: Entries) -> StoredState:
    """Return the highest epoch, and the snapshots of each asset, the newest epoch first.

    A deletion hides the snapshots of older epochs.
    """
    highest = foreign = 0
    shares: dict[int, bytes] = {}
    found: dict[str, list[tuple[int, bytes | None]]] = {}
    for key, value in entries:
        if key == EPOCH_KEY:
            epoch = _epoch(value or b"")
        else:
            digits, separator, asset = (key or b"").partition(SEPARATOR)
            if separator and digits == MOVED_KEY:
                continue
            if separator and digits == SHARE_KEY:
                if value is not None and (epoch := _epoch(asset)) is not None:
                    shares[epoch] = value
                continue
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
    kept_versions = {name: kept for name, kept in versions.items() if kept}
    # A share of a higher epoch is foreign, because an owner claims its epoch first.
    newest_share = max((epoch for epoch in shares if epoch <= highest), default=-1)
    return StoredState(highest, kept_versions, foreign, shares.get(newest_share, b""))


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
    """Return the values of one asset after its last deletion, the newest first."""
    kept = []
    for _, value in sorted(written, key=lambda item: item[0], reverse=True):
        if value is None:
            break
        kept.append(value)
    return tuple(kept)


class DetectorStateStore:
    """The snapshots of a stage: it reads those of partitions, and creates records of changes."""

    def __init__(self, settings: Settings, output: Output, topic: str) -> None:
        """Configure the store; `output` sends snapshots to the compacted `topic`."""
        self._settings = settings
        self._output = output
        self.topic = topic
        self._stored: dict[int, dict[bytes | None, bytes | None]] = {}

    async def read(self, partitions: Collection[int]) -> list[RestoredState]:
        """Read the snapshots of partitions; each result has a new epoch for this owner.

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
                RestoredState(
                    partition,
                    epoch,
                    stored.versions,
                    log_name,
                    detector,
                    is_claimed,
                    stored.share,
                )
            )
        return restored

    async def claim(self, restored: RestoredState, log_name: str, detector: str) -> None:
        """Claim a partition under its new epoch, and write the restored snapshots again.

        The claim names their log, and the detector that continues with them.

        Raises:
            KafkaError: the brokers do not acknowledge the claim.
        """
        partition, epoch = restored.partition, restored.epoch
        kept = self.records(partition, epoch, restored.snapshots)
        fresh = {record.key for record in kept}
        # Older releases read this record's value and ignore its headers.
        headers = [(LOG, log_name.encode()), (DETECTOR, detector.encode())]
        claim = OutputRecord(self.topic, EPOCH_KEY, b"%d" % epoch, headers, partition=partition)
        claims = [claim, *kept]
        if restored.share:
            claims.append(self.share_record(partition, epoch, restored.share))
            fresh.add(claims[-1].key)
        for key, value in self._stored.pop(partition, {}).items():
            # Foreign keys stay, because their writer may still need them.
            if key is not None and key not in fresh and value is not None and _is_of_epoch(key):
                claims.append(self._record(partition, key, None))
        await self._output.deliver(claims)

    def records(
        self, partition: int, epoch: int, changes: Mapping[str, bytes | None]
    ) -> list[OutputRecord]:
        """Return the records that store changed snapshots; None deletes a snapshot."""
        return [
            self._record(partition, b"%d%s%s" % (epoch, SEPARATOR, asset.encode()), value)
            for asset, value in changes.items()
        ]

    def share_record(self, partition: int, epoch: int, share: bytes) -> OutputRecord:
        """Return the record that stores a partition's share of the assets."""
        return self._record(partition, b"%s%s%d" % (SHARE_KEY, SEPARATOR, epoch), share)

    def moved_record(
        self, partition: int, growth: str, asset: str, snapshot: bytes | None
    ) -> OutputRecord:
        """Return the record that hands a snapshot over to a partition; None deletes it."""
        key = SEPARATOR.join((MOVED_KEY, growth.encode(), asset.encode()))
        return self._record(partition, key, snapshot)

    async def read_moved(self, growths: Mapping[int, str]) -> dict[int, dict[str, bytes]]:
        """Return, by partition, the snapshots by asset that a growth has handed over to it.

        Raises:
            KafkaError: the brokers do not answer.
        """
        entries, _ = await self._read(list(growths))
        moved: dict[int, dict[str, bytes]] = {}
        for partition, growth in growths.items():
            prefix = SEPARATOR.join((MOVED_KEY, growth.encode(), b""))
            moved[partition] = {
                name: value
                for key, value in entries[partition].items()
                if key is not None
                and value is not None
                and key.startswith(prefix)
                and (name := _text(key[len(prefix) :])) is not None
            }
        return moved

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


def _is_of_epoch(key: bytes) -> bool:
    """Return whether the key is of an owner of the partition: a snapshot, or its share."""
    digits, separator, asset = key.partition(SEPARATOR)
    if not separator:
        return False
    if digits == SHARE_KEY:
        return _epoch(asset) is not None
    return _epoch(digits) is not None and _text(asset) is not None
