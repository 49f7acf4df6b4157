"""Inserts into ClickHouse. Every call blocks until the server has answered."""

from collections.abc import Sequence
from io import BytesIO

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from runtime.metrics import SINK_INSERT, SINK_ROWS
from sinks.clickhouse.failures import Kind, classify
from sinks.clickhouse.tables import REFUSED, Row, Table, rejection_row

INSERT_SETTINGS = {
    # Acknowledged means stored, not queued.
    "async_insert": 0,
    "date_time_input_format": "best_effort",
    "input_format_null_as_default": 0,
    "input_format_skip_unknown_fields": 0,
    # A replay of years may touch more months than the server's default allows in one insert.
    "max_partitions_per_insert_block": 0,
}


def insert(client: Client, table: Table, rows: Sequence[Row]) -> list[Row]:
    """Store rows and return a rejection for each one whose data ClickHouse refused.

    The server names one bad row at most, so a refused insert is halved until the bad rows stand
    alone; every other row is stored. Rows that are sent twice on the way replace themselves.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the insert failed for another reason; some of
            the rows may be stored.
    """
    refused: list[Row] = []
    pending = [rows]
    while pending:
        part = pending.pop()
        try:
            _insert_once(client, table, part)
        except Error as error:
            failure = classify(error)
            if failure.kind is not Kind.ROW:
                raise
            if len(part) == 1:
                refused.append(rejection_row(part[0].record, REFUSED, failure.sentence))
            else:
                middle = len(part) // 2
                pending += [part[middle:], part[:middle]]
    return refused


def _insert_once(client: Client, table: Table, rows: Sequence[Row]) -> None:
    # A file object, because the client silently re-sends bytes after a reset connection, and
    # sending again is for us to decide.
    body = BytesIO(b"\n".join(row.json for row in rows))
    with SINK_INSERT.time():
        client.raw_insert(
            table.name,
            column_names=table.columns,
            insert_block=body,
            fmt="JSONEachRow",
            settings=INSERT_SETTINGS,
        )
    SINK_ROWS.labels(table.name).inc(len(rows))
