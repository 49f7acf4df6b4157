"""A ClickHouse sink in the test's process: its input, and its stored and committed records."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from clickhouse_connect.driver.client import Client

from liq.runtime.health import Health
from liq.runtime.kafka import new_admin, new_producer
from liq.runtime.partitions import committed_offsets
from liq.runtime.settings import Settings
from liq.schemas.headers import HEARTBEAT_KEY, heartbeat_headers
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType, Side
from liq.sinks.clickhouse.destination import STAGE, ClickHouseDestination
from tests.support import sample_records
from tests.support.running_sink import running_sink as running_destination
from tests.support.sample_records import STARTED_AT_MS

DEADLINE_SECONDS = 90.0

Values = Sequence[bytes | None]


def liquidation(number: int, **changes: Any) -> Liquidation:
    """Return an event of BTC; each exchange has one side only."""
    values: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "base": "BTC",
        "side": Side.LONG if number % 3 else Side.SHORT,
    }
    return replace(sample_records.liquidation(number), **(values | changes))


def alert(sequence: int, kind: AlertType, **changes: Any) -> CascadeAlert:
    """Return one of the alerts of a single cascade."""
    return replace(
        sample_records.alert(),
        alert_id=f"alert-{sequence}",
        cascade_id="cascade-1",
        sequence=sequence,
        type=kind,
        timestamp_ms=STARTED_AT_MS + 1000 * sequence,
        event_count=10 + sequence,
        **changes,
    )


async def publish(settings: Settings, topic: str, values: Values) -> None:
    """Produce values in order, spread over the partitions; None is a heartbeat."""
    producer = new_producer(settings, "test")
    await producer.start()
    try:
        for number, value in enumerate(values):
            await producer.send(
                topic,
                value,
                key=HEARTBEAT_KEY if value is None else None,
                partition=number % settings.topic_partitions,
                headers=heartbeat_headers(STARTED_AT_MS) if value is None else [],
            )
        await producer.flush()
    finally:
        await producer.stop()


async def committed(settings: Settings) -> dict[TopicPartition, int]:
    admin: AIOKafkaAdminClient = new_admin(settings, "test")
    await admin.start()
    try:
        offsets = await committed_offsets(admin, settings.group(STAGE))
        return {partition: offset for partition, offset in offsets.items() if offset > 0}
    finally:
        await admin.close()


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(0.05)


def running_sink(settings: Settings) -> AbstractAsyncContextManager[Health]:
    """Run the ClickHouse sink in this process."""
    return running_destination(settings, ClickHouseDestination(settings))


def count(client: Client, table: str) -> int:
    return int(client.query(f"SELECT count() FROM {table} FINAL").result_rows[0][0])  # noqa: S608


async def committed_total(settings: Settings) -> int:
    return sum((await committed(settings)).values())
