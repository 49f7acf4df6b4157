"""Observers of a pipeline's outputs: topics record by record, rows by their count."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Final

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.workers.loads import number_of
from benchmarks.workers.logs import Namespace
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import migrate

POLL_SECONDS: Final = 0.05
COUNT: Final = "SELECT count() FROM liquidations"


@dataclass(slots=True)
class Seen:
    """The values of a topic with their times of arrival (UTC, ms), without heartbeats."""

    values: list[tuple[float, bytes]] = field(default_factory=list)


@asynccontextmanager
async def watching(run: Namespace, ending: str) -> AsyncIterator[Seen]:
    """Read every partition of a topic from now on."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=run.settings.kafka_bootstrap_servers,
        fetch_max_wait_ms=50,
        isolation_level="read_committed",
    )
    await consumer.start()
    partitions = range(run.settings.topic_partitions)
    consumer.assign([TopicPartition(run.topic(ending), number) for number in partitions])
    await consumer.seek_to_end()
    seen = Seen()

    async def read() -> None:
        while True:
            batch = await consumer.getmany(timeout_ms=100)
            now_ms = time.time() * SECOND_MS
            for records in batch.values():
                seen.values += [(now_ms, one.value) for one in records if one.value is not None]

    reading = asyncio.create_task(read())
    try:
        yield seen
    finally:
        reading.cancel()
        await asyncio.wait({reading})
        await consumer.stop()


@dataclass(slots=True)
class Rows:
    """The number of rows at each time of a query (UTC, ms), while they are counted."""

    counts: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 0)])


@asynccontextmanager
async def counting_rows(run: Namespace) -> AsyncIterator[Rows]:
    """Create the run's database, poll its number of rows, and drop it afterwards."""
    settings = run.settings
    with closing(connect(settings, use_database=False)) as client:
        await asyncio.to_thread(migrate, client, settings.clickhouse_database)
        client.database = settings.clickhouse_database
        rows = Rows()

        async def count() -> None:
            while True:
                found = await asyncio.to_thread(client.query, COUNT)
                number = int(found.result_rows[0][0])
                if number > rows.counts[-1][1]:
                    rows.counts.append((time.time() * SECOND_MS, number))
                await asyncio.sleep(POLL_SECONDS)

        counting = asyncio.create_task(count())
        try:
            yield rows
        finally:
            counting.cancel()
            await asyncio.wait({counting})
            client.command(f"DROP DATABASE {settings.clickhouse_database} SYNC")


@dataclass(frozen=True, slots=True)
class Arrival:
    """The times (UTC, ms) at which an order's event was sent and first arrived."""

    sent_ms: float
    seen_ms: float


def arrivals(values: Sequence[tuple[float, bytes]], first_number: int) -> dict[int, Arrival]:
    """Return the first arrival of each order from a number on, by its number."""
    found: dict[int, Arrival] = {}
    for at_ms, value in values:
        event = orjson.loads(value)
        number = number_of(event["quantity"])
        if number >= first_number:
            found.setdefault(number, Arrival(event["timestamp_ms"], at_ms))
    return found


def alert_delays(values: Sequence[tuple[float, bytes]], without: str) -> list[float]:
    """Return the delays of alerts (ms) since the end of the second of their decision.

    Ends, and the alerts of the asset `without`, do not count.
    """
    alerts = [(at_ms, orjson.loads(value)) for at_ms, value in values]
    return [
        at_ms - alert["timestamp_ms"]
        for at_ms, alert in alerts
        if alert["type"] != AlertType.ENDED and alert["asset"] != without
    ]


def has_alert(values: Sequence[tuple[float, bytes]], asset: str) -> bool:
    """Return whether there is an alert of an asset."""
    return any(orjson.loads(value)["asset"] == asset for _, value in values)


def row_delays(
    sent_ms: Sequence[float], counts: Sequence[tuple[float, int]], before: int
) -> list[float]:
    """Return the delays from exchange time to queryable row (ms).

    Rows are assumed to become visible in the order of their exchange times, because a count does
    not identify them. `sent_ms` is ascending; `before` is the number of earlier rows.
    """
    found: list[float] = []
    for at_ms, count in counts:
        visible = sent_ms[len(found) : max(len(found), count - before)]
        found += [at_ms - time_ms for time_ms in visible]
    return found
