"""Records gathered until they are worth one insert. Pure: time is passed in."""

from dataclasses import dataclass, field

from schemas.codec import DecodeError
from sinks.clickhouse.tables import UNDECODABLE, Delivered, Row, Table, build_row, rejection_row

Partition = tuple[str, int]
# An insert stays one block, and so all or nothing, far below ClickHouse's 256 MB.
MAX_BATCH_BYTES = 8 * 1024 * 1024
# So many rejected records, and such a share of a batch, are a wrong deployment and not bad luck.
SUSPICIOUS_COUNT = 100
SUSPICIOUS_SHARE = 0.5


@dataclass(slots=True)
class Batch:
    """Rows by table, rejections, and for each partition the offset to commit after storing."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    rejections: list[Row] = field(default_factory=list)
    offsets: dict[Partition, int] = field(default_factory=dict)
    records: int = 0
    size_bytes: int = 0
    opened_at: float | None = None

    def add(self, table: Table, record: Delivered, now: float) -> None:
        """Take a record: as a row, as a rejection, or (a heartbeat) as its offset alone."""
        if self.opened_at is None:
            self.opened_at = now
        self.records += 1
        self.offsets[record.topic, record.partition] = record.offset + 1
        try:
            row = build_row(table, record)
        except DecodeError as error:
            row = rejection_row(record, UNDECODABLE, f"{table.name}: {error}")
            self.rejections.append(row)
        else:
            if row is None:
                return
            self.rows.setdefault(table.name, []).append(row)
        self.size_bytes += len(row.json)

    def is_full(self, max_rows: int) -> bool:
        """Whether no more records should be added."""
        return self.records >= max_rows or self.size_bytes >= MAX_BATCH_BYTES

    def is_due(self, max_rows: int, max_age_seconds: float, now: float) -> bool:
        """Whether the batch is to be stored now, for its size or its age."""
        if self.opened_at is None:
            return False
        return self.is_full(max_rows) or now - self.opened_at >= max_age_seconds

    @property
    def row_count(self) -> int:
        """Rows to store; heartbeats are none."""
        return len(self.rejections) + sum(len(rows) for rows in self.rows.values())

    @property
    def is_suspicious(self) -> bool:
        """Whether so much is rejected that storing it as rejected would hide a mistake."""
        return (
            len(self.rejections) >= SUSPICIOUS_COUNT
            and len(self.rejections) >= SUSPICIOUS_SHARE * self.records
        )
