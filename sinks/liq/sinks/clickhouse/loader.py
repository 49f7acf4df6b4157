"""Stores batches, however long ClickHouse is away."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.health import Health
from liq.runtime.logs import get_logger
from liq.runtime.metrics import (
    ERRORS,
    REJECTED,
    SINK_BREAKER,
    SINK_PAUSED,
    SINK_RETRIES,
    SINK_SKIPPED,
)
from liq.runtime.retry import Backoff, BackoffPolicy, BreakerState, CircuitBreaker, show_breaker
from liq.runtime.settings import Settings
from liq.sinks.clickhouse.batcher import Batch
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.documents import SINK_STAGE, Delivered
from liq.sinks.clickhouse.encoding import Encoded, Refusal, encode, encode_refusals
from liq.sinks.clickhouse.failures import Failure, classify
from liq.sinks.clickhouse.migrations import check_schema
from liq.sinks.clickhouse.redelivery import Redelivery
from liq.sinks.clickhouse.tables import Table
from liq.sinks.clickhouse.threads import in_thread
from liq.sinks.clickhouse.writer import insert

CONDITION = "clickhouse"
BACKOFF: Final = BackoffPolicy(first_seconds=0.25, longest_seconds=10.0)
# Fewer refused records than this are bad luck, whatever their share.
SUSPICIOUS_COUNT = 100
Result = TypeVar("Result")
log = get_logger(__name__)


class Loader:
    """The way from a batch to acknowledged rows. Not for two batches at once."""

    def __init__(self, settings: Settings, health: Health) -> None:
        self._settings = settings
        self._health = health
        self._backoff = Backoff(BACKOFF)
        self._client: Client | None = None
        self.redelivery = Redelivery()
        self.breaker = CircuitBreaker(show=partial(show_breaker, SINK_BREAKER))
        health.require(CONDITION, "not connected yet")

    @property
    def in_trouble(self) -> bool:
        """Whether ClickHouse failed last time it was asked."""
        return self.breaker.state is not BreakerState.CLOSED

    async def open(self) -> None:
        """Connect, however long it takes, and check the schema.

        Raises:
            ConfigurationError: the schema is not the one that this engine writes to.
        """
        self._client = await self._until_it_works(self._connect)

    async def store(self, batch: Batch) -> None:
        """Store every record of a batch; returning means that ClickHouse acknowledged them all.

        Raises:
            ConfigurationError: so many records cannot be stored that something larger is wrong.
            DependencyError: ClickHouse refuses even the rejections.
        """
        refusals: list[Refusal] = []
        for name, records in batch.records.items():
            table = batch.tables[name]
            encoded = await self._encode(table, records)
            refusals += encoded.refusals
            self._refuse_suspicious(refusals, batch.count)
            refusals += await self._until_it_works(partial(insert, self._open_client(), encoded))
            self._refuse_suspicious(refusals, batch.count)
        await self._keep_refused(refusals)

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

    def _open_client(self) -> Client:
        if self._client is None:
            raise RuntimeError("open() was not called")
        return self._client

    async def _encode(self, table: Table, records: Sequence[Delivered]) -> Encoded:
        is_stored = await self._until_it_works(
            partial(self.redelivery.look_up, self._open_client(), table, records)
        )
        encoded = await in_thread(partial(encode, table, records, is_stored))
        SINK_SKIPPED.labels(table.name).inc(encoded.skipped)
        return encoded

    async def _keep_refused(self, refusals: Sequence[Refusal]) -> None:
        for refusal in refusals:
            record = refusal.record
            log.warning(
                "record_rejected",
                reason=refusal.reason,
                detail=refusal.detail,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
            )
        rejections = encode_refusals(refusals)
        if await self._until_it_works(partial(insert, self._open_client(), rejections)):
            raise DependencyError(
                "ClickHouse refuses rows of the table `rejected` that are right; see the log for "
                "its reason, and compare the table with sinks/liq/sinks/clickhouse/migrations."
            )
        REJECTED.labels("", SINK_STAGE).inc(len(refusals))

    def _refuse_suspicious(self, refusals: Sequence[Refusal], count: int) -> None:
        share = self._settings.sink_max_rejected_share
        if len(refusals) < SUSPICIOUS_COUNT or len(refusals) <= share * count:
            return
        raise ConfigurationError(
            f"{len(refusals)} of {count} records cannot be stored, which looks like a wrong "
            f"deployment; the first: {refusals[0].detail}. Nothing was committed. Compare the "
            "versions of the processors and of this sink, and check TOPIC_NAMESPACE. If the "
            "records are to be given up, set SINK_MAX_REJECTED_SHARE (now "
            f"{share:g}) to 1."
        )

    async def _until_it_works(self, call: Callable[[], Result]) -> Result:
        while True:
            try:
                result = await in_thread(call)
            except Error as error:
                await self._wait_out(classify(error))
                self.breaker.half_open()
            else:
                self._recover()
                return result

    async def _wait_out(self, failure: Failure) -> None:
        seconds = self._backoff.next_seconds()
        self.breaker.open()
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
        self.breaker.close()
        self._backoff.reset()
        self._health.set(CONDITION, holds=True, reason="answers")
        SINK_PAUSED.set(0)
