"""Inserts into ClickHouse. Every call blocks until the server has answered."""

from io import BytesIO

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from liq.runtime.metrics import SINK_INSERT, SINK_ROWS
from liq.sinks.clickhouse.encoding import Encoded, encode
from liq.sinks.clickhouse.failures import classify
from liq.sinks.destination import FailureKind
from liq.sinks.refusals import Refusal

REFUSED = "refused_by_clickhouse"
INSERT_SETTINGS = {
    # Acknowledged means stored, not queued.
    "async_insert": 0,
    # A replicated table would take a load that is repeated on purpose for a retry, and drop it.
    "insert_deduplicate": 0,
    "input_format_null_as_default": 0,
    # A replay of years may touch more months than the server's default allows in one insert.
    "max_partitions_per_insert_block": 0,
}


def insert(client: Client, encoded: Encoded) -> list[Refusal]:
    """Store rows and return a refusal for each one whose data ClickHouse does not take.

    The server names one bad row at most, so a refused insert is halved until the bad rows stand
    alone; every other row is stored. Rows that are sent twice on the way replace themselves.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the insert failed for another reason; some of
            the rows may be stored.
    """
    refused: list[Refusal] = []
    pending = [encoded]
    while pending:
        part = pending.pop()
        if not part.records:
            continue
        try:
            _insert_once(client, part)
        except Error as error:
            failure = classify(error)
            if failure.kind is not FailureKind.ROW:
                raise
            if len(part.records) == 1:
                refused.append(Refusal(part.records[0], REFUSED, failure.sentence))
            else:
                middle = len(part.records) // 2
                pending += [
                    encode(part.table, half)
                    for half in (part.records[middle:], part.records[:middle])
                ]
    return refused


def _insert_once(client: Client, encoded: Encoded) -> None:
    # A file object, because the client silently re-sends bytes after a reset connection, and
    # sending again is for us to decide.
    body = BytesIO(b"".join(encoded.blocks))
    with SINK_INSERT.time():
        client.raw_insert(
            encoded.table.name,
            column_names=encoded.table.sent_columns,
            insert_block=body,
            fmt="Native",
            settings=INSERT_SETTINGS,
        )
    SINK_ROWS.labels(encoded.table.name).inc(len(encoded.records))
