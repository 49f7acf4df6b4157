"""Stores batches, however long ClickHouse is away."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from runtime.errors import ConfigurationError, DependencyError
from runtime.health import Health
from runtime.logs import get_logger
from runtime.metrics import ERRORS, REJECTED, SINK_PAUSED, SINK_RETRIES, SINK_SKIPPED
from runtime.settings import Settings
from sinks.clickhouse import tables
from sinks.clickhouse.backoff import Backoff
from sinks.clickhouse.batcher import Batch
from sinks.clickhouse.client import connect
from sinks.clickhouse.failures import Failure, classify
from sinks.clickhouse.migrations import check_schema
from sinks.clickhouse.redelivery import Redelivery
from sinks.clickhouse.tables import Row, Table
from sinks.clickhouse.threads import in_thread
from sinks.clickhouse.writer import insert

CONDITION = "clickhouse"
Result = TypeVar("Result")
log = get_logger(__name__)


class Loader:
    """The way from a batch to acknowledged rows. Not for two batches at once."""

    def __init__(self, settings: Settings, health: Health) -> None:
        self._settings = settings
        self._health = health
        self._backoff = Backoff()
        self._client: Client | None = None
        self.redelivery = Redelivery()
        self.in_trouble = False
        health.require(CONDITION, "not connected yet")

    async def open(self) -> None:
        """Connect, however long it takes, and check the schema.

        Raises:
            ConfigurationError: the schema is not the one that this engine writes to.
        """
        self._client = await self._until_it_works(self._connect)

    async def store(self, batch: Batch) -> None:
        """Store every row of a batch; returning means that ClickHouse acknowledged them all.

        Raises:
            ConfigurationError: most of the batch is undecodable, so something larger is wrong.
            DependencyError: ClickHouse refuses even the rejections.
        """
        _refuse_suspicious(batch)
        for rows in batch.rows.values():
            batch.rejections += await self._store_rows(rows[0].table, rows)
        _refuse_suspicious(batch)
        if await self._store_rows(tables.REJECTED, batch.rejections):
            raise DependencyError(
                "ClickHouse refuses rows of the table `rejected` that are right; see the log for "
                "its reason, and compare the table with sinks/clickhouse/migrations."
            )
        REJECTED.labels("", tables.SINK_STAGE).inc(len(batch.rejections))

    def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            self._client.close()

    def _connect(self) -> Client:
        database = self._settings.clickhouse_database
        client = connect(self._settings, use_database=False)
        check_schema(client, database)
        client.database = database
        return client

    async def _store_rows(self, table: Table, rows: Sequence[Row]) -> list[Row]:
        client = self._client
        if client is None:
            raise RuntimeError("open() was not called")
        fresh = await self._until_it_works(
            lambda: self.redelivery.without_stored(client, table, rows)
        )
        SINK_SKIPPED.labels(table.name).inc(len(rows) - len(fresh))
        if not fresh:
            return []
        refused = await self._until_it_works(lambda: insert(client, table, fresh))
        for row in refused:
            log.warning("row_refused", table=table.name, line=row.json[:500])
        return refused

    async def _until_it_works(self, call: Callable[[], Result]) -> Result:
        while True:
            try:
                result = await in_thread(call)
            except Error as error:
                await self._wait_out(classify(error))
            else:
                self._recover()
                return result

    async def _wait_out(self, failure: Failure) -> None:
        seconds = self._backoff.next_seconds()
        self.in_trouble = True
        self._health.set(CONDITION, holds=False, reason=failure.sentence)
        SINK_PAUSED.set(1)
        SINK_RETRIES.labels(failure.label).inc()
        ERRORS.labels("clickhouse").inc()
        log.warning(
            "clickhouse_failed",
            kind=failure.kind,
            reason=failure.sentence,
            attempt=self._backoff.attempts,
            retry_in_seconds=round(seconds, 2),
        )
        await asyncio.sleep(seconds)

    def _recover(self) -> None:
        if self.in_trouble:
            log.info("clickhouse_recovered", attempts=self._backoff.attempts)
        self.in_trouble = False
        self._backoff.reset()
        self._health.set(CONDITION, holds=True, reason="answers")
        SINK_PAUSED.set(0)


def _refuse_suspicious(batch: Batch) -> None:
    if not batch.is_suspicious:
        return
    example = orjson.loads(batch.rejections[0].json)["detail"]
    raise ConfigurationError(
        f"{len(batch.rejections)} of {batch.records} records cannot be stored, which looks like a "
        f"wrong deployment; the first: {example}. Nothing was committed. Compare the versions of "
        "the processors and of this sink, and check TOPIC_NAMESPACE."
    )
