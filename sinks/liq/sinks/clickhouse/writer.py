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
    # Acknowledge an insert only when it is stored, not when it is queued.
    "async_insert": 0,
    # A replicated table would drop an intentionally repeated load as a retry.
    "insert_deduplicate": 0,
    "input_format_null_as_default": 0,
    # A replay of years may insert into more months than the server's default allows.
    "max_partitions_per_insert_block": 0,
}


def insert(client: Client, encoded: Encoded) -> list[Refusal]:
    """Insert rows; return a refusal for each row whose data ClickHouse rejects.

    The server names at most one bad row, so a rejected insert is halved until the bad rows are
    isolated; every other row is stored. Rows that are thereby sent twice replace themselves.

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
    # A file object, because the client silently resends bytes after a connection reset, and only
    # the sink may decide to resend.
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
