"""Which records of a batch are in ClickHouse already, so that they need not be sent again.

Only an optimization: it keeps a restart or a rebalance from storing rows twice, which FINAL would
undo at a price. After an assignment each partition is looked at until its records are newer than
what was stored then. A row counts as stored when position and identity agree and it was stored
after Kafka got the record: a topic that was deleted and made again reuses its offsets.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from clickhouse_connect.driver.client import Client

from sinks.clickhouse.batcher import Partition
from sinks.clickhouse.tables import Row, Table

# Topic, partition, offset and identity; the value beside it is when the row was stored.
StoredRow = tuple[str, int, int, str]


@dataclass(slots=True)
class Redelivery:
    """The partitions whose records may be stored already, with the last stored offset if known."""

    watched: dict[Partition, int | None] = field(default_factory=dict)

    def watch(self, partitions: Iterable[Partition]) -> None:
        """Look at these partitions from now on: they were just assigned."""
        self.watched.update(dict.fromkeys(partitions))

    def without_stored(self, client: Client, table: Table, rows: Sequence[Row]) -> list[Row]:
        """The rows that are not known to be stored. Blocks while it asks ClickHouse.

        Raises:
            clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
        """
        if table.identity is None:
            return list(rows)
        self._find_last_stored(client, table, _ranges(self._unknown(rows)))
        suspects = self._suspects(rows)
        if not suspects:
            return list(rows)
        stored = _stored(client, table, _ranges(suspects))
        return [row for row in rows if not _is_stored(row, stored)]

    def _unknown(self, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if self.watched.get(_partition(row), -1) is None]

    def _suspects(self, rows: Sequence[Row]) -> list[Row]:
        suspects = []
        for row in rows:
            last_stored = self.watched.get(_partition(row))
            if last_stored is None:
                continue
            if row.record.offset <= last_stored:
                suspects.append(row)
            else:
                del self.watched[_partition(row)]
        return suspects

    def _find_last_stored(
        self, client: Client, table: Table, ranges: dict[Partition, tuple[int, int]]
    ) -> None:
        if not ranges:
            return
        places = " OR ".join(
            f"(src_topic = '{topic}' AND src_partition = {partition} AND src_offset >= {first})"
            for (topic, partition), (first, _) in ranges.items()
        )
        result = client.query(
            f"SELECT src_topic, src_partition, max(src_offset) FROM {table.name} "  # noqa: S608 - our own names and numbers
            f"WHERE {places} GROUP BY src_topic, src_partition"
        )
        found = {(topic, partition): last for topic, partition, last in result.result_rows}
        for partition in ranges:
            self.watched[partition] = found.get(partition, -1)


def _stored(
    client: Client, table: Table, ranges: dict[Partition, tuple[int, int]]
) -> dict[StoredRow, int]:
    places = " OR ".join(
        f"(src_topic = '{topic}' AND src_partition = {partition} "
        f"AND src_offset BETWEEN {first} AND {last})"
        for (topic, partition), (first, last) in ranges.items()
    )
    result = client.query(
        f"SELECT src_topic, src_partition, src_offset, {table.identity}, "  # noqa: S608 - our own names and numbers
        f"toUnixTimestamp64Milli(max(ingested_at)) FROM {table.name} WHERE {places} "
        "GROUP BY src_topic, src_partition, src_offset, "
        f"{table.identity}"
    )
    return {
        (topic, partition, offset, identity): ingested_at_ms
        for topic, partition, offset, identity, ingested_at_ms in result.result_rows
    }


def _is_stored(row: Row, stored: dict[StoredRow, int]) -> bool:
    record = row.record
    ingested_at_ms = stored.get((record.topic, record.partition, record.offset, row.identity))
    return ingested_at_ms is not None and ingested_at_ms >= record.timestamp


def _ranges(rows: Sequence[Row]) -> dict[Partition, tuple[int, int]]:
    offsets: dict[Partition, list[int]] = defaultdict(list)
    for row in rows:
        offsets[_partition(row)].append(row.record.offset)
    return {partition: (min(found), max(found)) for partition, found in offsets.items()}


def _partition(row: Row) -> Partition:
    return row.record.topic, row.record.partition
