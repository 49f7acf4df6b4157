"""The expected content of ClickHouse for a log, and its comparison with the actual content."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from decimal import Decimal

import orjson
from aiokafka import ConsumerRecord, TopicPartition
from clickhouse_connect.driver.client import Client

from liq.runtime.kafka import new_consumer, start_consumer
from liq.runtime.settings import Settings
from liq.runtime.topics import describe_topics
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.encoding import encode, encode_refusals
from liq.sinks.clickhouse.migrations import migrate
from liq.sinks.clickhouse.tables import tables_by_topic
from liq.sinks.clickhouse.writer import insert

# Columns that may differ between loads: where and when a row was stored.
CIRCUMSTANCES = {"ingested_at", "src_topic", "src_partition", "src_offset", "applied_at"}
Sums = dict[tuple[str, str], tuple[int, Decimal]]


def expect_the_truth(settings: Settings) -> None:
    """Compare every table and view with the log.

    The sums of liquidations are computed here. The rest is compared with a second database, into
    which the log is loaded once, without faults.
    """
    log = asyncio.run(read_log(settings))
    with closing(connect(settings)) as client:
        events = log[settings.topics.events]
        assert sums_in_clickhouse(client) == sums_of(record.value for record in events)
        reference = f"{settings.clickhouse_database}_reference"
        load_once(settings, log, reference)
        try:
            for name in names(client, settings.clickhouse_database):
                differing = difference(client, settings.clickhouse_database, reference, name)
                assert differing == 0, f"{name}: {differing} rows differ"
        finally:
            client.command(f"DROP DATABASE {reference}")


async def read_log(settings: Settings) -> dict[str, list["ConsumerRecord[bytes, bytes]"]]:
    """Return every record of the topics that the sink reads."""
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    found: dict[str, list[ConsumerRecord[bytes, bytes]]] = defaultdict(list)
    try:
        partitions = [
            TopicPartition(state.spec.name, number)
            for state in await describe_topics(settings, ())
            for number in range(state.partitions or 0)
            if state.spec.name in tables_by_topic(settings.topics)
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                found[place.topic] += records
    finally:
        await consumer.stop()
    return found


def sums_of(values: Iterable[bytes]) -> Sums:
    """Return events and dollars by exchange and side, with every event once."""
    dollars: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(dict)
    for value in values:
        try:
            event = orjson.loads(value)
        except orjson.JSONDecodeError:
            continue
        dollars[event["exchange"], event["side"]][event["event_id"]] = Decimal(event["value_usd"])
    return {
        group: (len(found), sum(found.values(), Decimal(0))) for group, found in dollars.items()
    }


def sums_in_clickhouse(client: Client) -> Sums:
    """Return the same sums by a user's query."""
    rows = client.query("SELECT exchange, side, events, value_usd FROM liquidations_by_venue_side")
    return {(exchange, side): (events, usd) for exchange, side, events, usd in rows.result_rows}


def load_once(
    settings: Settings,
    log: Mapping[str, list["ConsumerRecord[bytes, bytes]"]],
    database: str,
) -> None:
    """Load a log into a new database."""
    own = connect(settings, use_database=False)
    with closing(own):
        migrate(own, database)
        own.database = database
        for topic, table in tables_by_topic(settings.topics).items():
            records = [record for record in log.get(topic, []) if record.value is not None]
            encoded = encode(table, records)
            assert insert(own, encoded) == []
            assert insert(own, encode_refusals(encoded.refusals)) == []


def names(client: Client, database: str) -> list[str]:
    """Return every table and view of the migrations."""
    return [row[0] for row in client.query(f"SHOW TABLES FROM {database}").result_rows]


def difference(client: Client, one: str, other: str, name: str) -> int:
    """Return the number of distinct rows that one of two databases lacks or has more often.

    Views with parameters are skipped, because they have no columns without arguments.
    """
    described = client.query(
        "SELECT c.name, t.engine FROM system.columns AS c JOIN system.tables AS t "
        "ON c.database = t.database AND c.table = t.name "
        "WHERE c.database = {database:String} AND c.table = {table:String} "
        "AND c.default_kind != 'ALIAS'",
        parameters={"database": one, "table": name},
    ).result_rows
    if not described:
        return 0
    columns = ", ".join(f"`{column}`" for column, _ in described if column not in CIRCUMSTANCES)
    final = "FINAL" if described[0][1].endswith(("MergeTree", "Distributed")) else ""
    rows = client.query(
        f"SELECT count() FROM (SELECT row, sum(sign) AS surplus FROM ("  # noqa: S608 - our names
        f"SELECT tuple({columns}) AS row, 1 AS sign FROM {one}.{name} {final} UNION ALL "
        f"SELECT tuple({columns}) AS row, -1 AS sign FROM {other}.{name} {final}"
        ") GROUP BY row HAVING surplus != 0)"
    )
    return int(rows.result_rows[0][0])
