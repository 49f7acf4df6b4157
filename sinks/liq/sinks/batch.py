"""Batches of records that a destination stores together. Pure: the caller passes the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from liq.runtime.record_size import RECORD_OVERHEAD_BYTES
from liq.schemas.headers import Headers

Partition = tuple[str, int]


class Delivered(Protocol):
    """The fields of a Kafka record that sinks read. `timestamp` is Kafka's, UTC milliseconds."""

    @property
    def topic(self) -> str: ...  # noqa: D102 - see the class
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Headers: ...  # noqa: D102


# By topic; in Kafka's order within each partition.
RecordsByTopic = Mapping[str, Sequence[Delivered]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """The number of records, the age in seconds and the bytes at which a batch is flushed.

    The bytes are those of Python's memory (`record_size`), of records without heartbeats.
    A poll waits for `seconds` at most, so a record waits for twice that time at most.
    """

    rows: int
    seconds: float
    size_bytes: int


@dataclass(slots=True)
class Batch:
    """Records by topic, and for each partition the offset to commit once they are stored.

    `logs` maps each topic to the name of the log that its first record came from.
    """

    records: dict[str, list[Delivered]] = field(default_factory=dict)
    offsets: dict[Partition, int] = field(default_factory=dict)
    count: int = 0
    size_bytes: int = 0
    opened_at: float | None = None
    logs: dict[str, str] = field(default_factory=dict)

    def add(self, records: Sequence[Delivered], now: float) -> None:
        """Append records of one partition, in order; a heartbeat only moves the offset."""
        if not records:
            return
        if self.opened_at is None:
            self.opened_at = now
        last = records[-1]
        self.offsets[last.topic, last.partition] = last.offset + 1
        self.count += len(records)
        kept = self.records.setdefault(last.topic, [])
        for record in records:
            if record.value is not None:
                kept.append(record)
                self.size_bytes += RECORD_OVERHEAD_BYTES + len(record.value)

    def is_full(self, limits: BatchLimits) -> bool:
        """Return whether no more records should be added."""
        return self.count >= limits.rows or self.size_bytes >= limits.size_bytes

    def is_due(self, limits: BatchLimits, now: float) -> bool:
        """Return whether the batch must be flushed now, for its size or its age."""
        if self.opened_at is None:
            return False
        return self.is_full(limits) or now - self.opened_at >= limits.seconds

    @property
    def row_count(self) -> int:
        """The number of records to store, without heartbeats."""
        return row_count(self.records)


def row_count(records: RecordsByTopic) -> int:
    """Return the number of records of all topics."""
    return sum(map(len, records.values()))


def halves(records: RecordsByTopic) -> tuple[RecordsByTopic, RecordsByTopic]:
    """Split records into two halves, each in the order of the partitions."""
    entries = [(topic, record) for topic, found in records.items() for record in found]
    middle = len(entries) // 2
    return _by_topic(entries[:middle]), _by_topic(entries[middle:])


def _by_topic(entries: Sequence[tuple[str, Delivered]]) -> RecordsByTopic:
    records: dict[str, list[Delivered]] = {}
    for topic, record in entries:
        records.setdefault(topic, []).append(record)
    return records
