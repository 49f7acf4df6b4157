"""Detection of redelivered records that ClickHouse has already stored.

This is only an optimization: it prevents duplicate rows after a restart or a rebalance, which FINAL
would otherwise remove at a cost. After an assignment, each partition is checked until its records
are newer than the last stored one. A row counts as stored if its position and identity agree and it
was inserted after Kafka appended the record, because a recreated topic reuses its offsets.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from clickhouse_connect.driver.client import Client

from liq.sinks.batch import Delivered, Partition
from liq.sinks.clickhouse.documents import Document
from liq.sinks.clickhouse.encoding import IsStored
from liq.sinks.clickhouse.tables import Table

# Topic, partition, offset and identity.
StoredRow = tuple[str, int, int, str]
Ranges = dict[Partition, tuple[int, int]]


@dataclass(slots=True)
class Redelivery:
    """The partitions with possibly stored records, and their last stored offset if known."""

    watched: dict[Partition, int | None] = field(default_factory=dict)

    def watch(self, partitions: Iterable[Partition]) -> None:
        """Check these partitions, which have just been assigned, from now on."""
        self.watched.update(dict.fromkeys(partitions))

    def look_up(
        self, clients: Sequence[Client], table: Table, records: Sequence[Delivered]
    ) -> IsStored | None:
        """Return a test for stored records; None if no server can have stored any. Blocks.

        Raises:
            clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
        """
        if table.identity is None or not self.watched:
            return None
        ranges = _ranges(record for record in records if _partition(record) in self.watched)
        unknown = {place: span for place, span in ranges.items() if self.watched[place] is None}
        self._find_last_stored(clients, table, unknown)
        suspects: Ranges = {}
        passed = []
        for place, (first, last) in ranges.items():
            last_stored = self.watched[place] or 0
            if first <= last_stored:
                suspects[place] = (first, min(last, last_stored))
            if last > last_stored:
                passed.append(place)
        is_stored = _stored_rows(clients, table, table.identity, suspects) if suspects else None
        for place in passed:
            del self.watched[place]
        return is_stored

    def _find_last_stored(self, clients: Sequence[Client], table: Table, ranges: Ranges) -> None:
        if not ranges:
            return
        places = " OR ".join(
            f"(src_topic = '{topic}' AND src_partition = {partition} AND src_offset >= {first})"
            for (topic, partition), (first, _) in ranges.items()
        )
        sql = (
            f"SELECT src_topic, src_partition, max(src_offset) FROM {table.name} "  # noqa: S608 - our own names and numbers
            f"WHERE {places} GROUP BY src_topic, src_partition"
        )
        found: dict[Partition, int] = {}
        for client in clients:
            for topic, partition, last in client.query(sql).result_rows:
                found[topic, partition] = max(last, found.get((topic, partition), -1))
        for place in ranges:
            self.watched[place] = found.get(place, -1)


def _stored_rows(
    clients: Sequence[Client], table: Table, identity: str, ranges: Ranges
) -> IsStored:
    places = " OR ".join(
        f"(src_topic = '{topic}' AND src_partition = {partition} "
        f"AND src_offset BETWEEN {first} AND {last})"
        for (topic, partition), (first, last) in ranges.items()
    )
    sql = (
        f"SELECT src_topic, src_partition, src_offset, {identity}, "  # noqa: S608 - our own names and numbers
        f"toUnixTimestamp64Milli(max(ingested_at)) FROM {table.name} WHERE {places} "
        f"GROUP BY src_topic, src_partition, src_offset, {identity}"
    )
    stored: dict[StoredRow, int] = {
        (topic, partition, offset, found): ingested_at_ms
        for client in clients
        for topic, partition, offset, found, ingested_at_ms in client.query(sql).result_rows
    }

    def is_stored(record: Delivered, document: Document) -> bool:
        identifier = document.get(identity)
        if not isinstance(identifier, str):
            return False
        row = (record.topic, record.partition, record.offset, identifier)
        return stored.get(row, -1) >= record.timestamp

    return is_stored


def _ranges(records: Iterable[Delivered]) -> Ranges:
    offsets: dict[Partition, list[int]] = defaultdict(list)
    for record in records:
        offsets[_partition(record)].append(record.offset)
    return {partition: (min(found), max(found)) for partition, found in offsets.items()}


def _partition(record: Delivered) -> Partition:
    return record.topic, record.partition
