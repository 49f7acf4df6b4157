"""Records gathered until they are worth one insert. Pure: time is passed in."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from liq.sinks.clickhouse.documents import Delivered
from liq.sinks.clickhouse.tables import Table

Partition = tuple[str, int]
# An insert stays one block, and so all or nothing, far below ClickHouse's 256 MB.
MAX_BATCH_BYTES = 32 * 1024 * 1024


@dataclass(slots=True)
class Batch:
    """Records by table, and for each partition the offset to commit after storing them."""

    records: dict[str, list[Delivered]] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    offsets: dict[Partition, int] = field(default_factory=dict)
    count: int = 0
    size_bytes: int = 0
    opened_at: float | None = None

    def add(self, table: Table, records: Sequence[Delivered], now: float) -> None:
        """Take records of one partition, in order. Of a heartbeat only the offset is kept."""
        if not records:
            return
        if self.opened_at is None:
            self.opened_at = now
        last = records[-1]
        self.offsets[last.topic, last.partition] = last.offset + 1
        self.count += len(records)
        self.tables[table.name] = table
        kept = self.records.setdefault(table.name, [])
        for record in records:
            if record.value is not None:
                kept.append(record)
                self.size_bytes += len(record.value)

    def is_full(self, max_records: int) -> bool:
        """Whether no more records should be added."""
        return self.count >= max_records or self.size_bytes >= MAX_BATCH_BYTES

    def is_due(self, max_records: int, max_age_seconds: float, now: float) -> bool:
        """Whether the batch is to be stored now, for its size or its age."""
        if self.opened_at is None:
            return False
        return self.is_full(max_records) or now - self.opened_at >= max_age_seconds

    @property
    def row_count(self) -> int:
        """Records to store; heartbeats are none."""
        return sum(len(records) for records in self.records.values())
