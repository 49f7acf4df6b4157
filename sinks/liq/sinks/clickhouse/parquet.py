"""Export of rows as Parquet files, one per day, in folders that other tools read as one table."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.client import Client

from liq.schemas.topics import Topics
from liq.sinks.clickhouse.tables import CASCADES, FEEDS, LIQUIDATIONS, REJECTED

_MAGIC: Final = b"PAR1"  # a Parquet file begins and ends with it
_CHUNK_BYTES: Final = 1 << 20
_SETTINGS: Final = {
    "output_format_parquet_compression_method": "zstd",
    "output_format_parquet_string_as_string": 1,
    "output_format_parquet_datetime_as_uint32": 0,
}


class IncompleteFileError(Exception):
    """ClickHouse's response ended before the file was complete; the message names the day."""


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """The export of a table: the time that partitions it, and the omitted or cast columns.

    Other tools read decimals of up to 38 digits, which all plausible values fit.
    """

    name: str
    time: str
    order: str
    columns: str = "*"
    where: str = "1"


_PLACES: Final = "EXCEPT (src_topic, src_partition, src_offset, ingested_at)"
_SIDE: Final = "toString(side) AS side"
EXPORTED_TABLES: Final = (
    ExportedTable(
        LIQUIDATIONS.name,
        time="timestamp",
        order="timestamp, event_id",
        columns=f"* {_PLACES} REPLACE ({_SIDE}, toDecimal128(price, 18) AS price,"
        " toDecimal128(quantity, 12) AS quantity, toDecimal128(value_usd, 12) AS value_usd,"
        " toDecimal128(price_level, 18) AS price_level)",
        where="NOT is_implausible",
    ),
    ExportedTable(
        CASCADES.name,
        time="timestamp",
        order="timestamp, cascade_id, sequence, alert_id",
        columns=f"* {_PLACES} REPLACE ({_SIDE},"
        " toDecimal128(total_value_usd, 12) AS total_value_usd,"
        " toDecimal128(price_first, 18) AS price_first,"
        " toDecimal128(price_last, 18) AS price_last)",
    ),
    ExportedTable(
        FEEDS.name,
        time="timestamp",
        order="timestamp, exchange, feed, connection, event, detail",
        columns=f"* {_PLACES}",
    ),
    ExportedTable(
        REJECTED.name,
        time="received_at",
        order="received_at, raw_topic, raw_partition, raw_offset",
        columns=f"* {_PLACES}",
    ),
)


def exported_table(topics: Topics, topic: str) -> ExportedTable | None:
    """Return the export of a topic's table; None for a topic without an exported table."""
    names = {
        topics.events: LIQUIDATIONS.name,
        topics.cascades: CASCADES.name,
        topics.feeds: FEEDS.name,
        topics.rejected: REJECTED.name,
    }
    return next((each for each in EXPORTED_TABLES if each.name == names.get(topic)), None)


def stored_days(client: Client, table: ExportedTable, since: date, until: date) -> list[date]:
    """Return the UTC days with rows from `since` up to but excluding `until`.

    Raises:
        clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
    """
    rows = client.query(
        f"SELECT DISTINCT toDate({table.time}) AS day FROM {table.name} WHERE {_within(table)}"  # noqa: S608 - our own names
        " ORDER BY day",
        parameters=_bounds(since, until),
    ).result_rows
    return [day for (day,) in rows]


def write_day(client: Client, table: ExportedTable, day: date, directory: Path) -> Path:
    """Write a day's rows to `directory/TABLE/date=DAY/TABLE.parquet`; return the file's path.

    The file replaces that of an earlier export only when it is complete.

    Raises:
        clickhouse_connect.driver.exceptions.Error: ClickHouse rejected the query or did not answer.
        IncompleteFileError: the response broke off.
        OSError: the file cannot be written.
    """
    path = directory / table.name / f"date={day.isoformat()}" / f"{table.name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    last = b""
    with unfinished.open("wb") as file:
        for chunk in _answer(client, table, day):
            file.write(chunk)
            last = (last + chunk)[-len(_MAGIC) :]
    if last != _MAGIC:
        unfinished.unlink()
        raise IncompleteFileError(f"The answer for {table.name} of {day} broke off; run it again.")
    unfinished.replace(path)
    return path


def _answer(client: Client, table: ExportedTable, day: date) -> Iterator[bytes]:
    stream = client.raw_stream(
        f"SELECT {table.columns} FROM {table.name} FINAL"  # noqa: S608 - our own names
        f" WHERE {_within(table)} AND {table.where} ORDER BY {table.order}",
        parameters=_bounds(day, day + timedelta(days=1)),
        settings=_SETTINGS,
        fmt="Parquet",
    )
    with stream as answer:
        while chunk := answer.read(_CHUNK_BYTES):
            yield chunk


def _within(table: ExportedTable) -> str:
    return f"{table.time} >= {{since:DateTime64(3)}} AND {table.time} < {{until:DateTime64(3)}}"


def _bounds(since: date, until: date) -> dict[str, datetime]:
    return {"since": _midnight(since), "until": _midnight(until)}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
