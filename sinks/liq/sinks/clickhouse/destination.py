"""ClickHouse as a destination: each topic has a table, which counts every record once."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from liq.runtime.errors import DependencyError
from liq.runtime.metrics import SINK_SKIPPED
from liq.runtime.settings import Settings
from liq.sinks.batch import BatchLimits, Delivered, Partition, RecordsByTopic
from liq.sinks.clickhouse.encoding import (
    Encoded,
    IsStored,
    encode_for_shards,
    encode_refusals_for_shards,
)
from liq.sinks.clickhouse.failures import classify
from liq.sinks.clickhouse.late_events import late_copies
from liq.sinks.clickhouse.opening import open_servers
from liq.sinks.clickhouse.redelivery import Redelivery
from liq.sinks.clickhouse.shards import servers_of
from liq.sinks.clickhouse.tables import Table, tables_by_topic
from liq.sinks.clickhouse.writer import insert
from liq.sinks.destination import Destination, Failure, FailureKind, Intake
from liq.sinks.refusals import Refusal, Refusals
from liq.sinks.threads import in_thread

NAME: Final = "clickhouse"
STAGE: Final = "sink-clickhouse"
# Far below ClickHouse's 256 MB, so that an insert stays one block and thus atomic.
MAX_BATCH_BYTES: Final = 32 * 1024 * 1024


class ClickHouseDestination(Destination):
    """The ClickHouse destination: it inserts batches over HTTP in threads, mapped by `tables`."""

    def __init__(self, settings: Settings, raw_exchanges: Collection[str] = ()) -> None:
        """Configure the destination; it also archives the raw frames of `raw_exchanges`."""
        self._settings = settings
        self._tables = tables_by_topic(settings.topics, raw_exchanges)
        self._intake = Intake(
            name=NAME,
            stage=STAGE,
            topics=tuple(self._tables),
            limits=BatchLimits(
                rows=settings.sink_batch_rows,
                seconds=settings.sink_batch_seconds,
                size_bytes=MAX_BATCH_BYTES,
            ),
        )
        self._servers = servers_of(settings)
        self._clients: list[Client] = []
        self._redelivery = Redelivery()
        # The part of the accepted batch that ClickHouse has not acknowledged. Once the first
        # table's inserts are encoded, the remaining ones are stored by the index of their server.
        self._pending: deque[tuple[Table, list[Delivered]]] = deque()
        self._encoded: dict[int, Encoded] | None = None
        self._refusals = Refusals(0, 0)

    @property
    def intake(self) -> Intake:
        """All topics with a table, in batches as large as the settings allow."""
        return self._intake

    async def open(self) -> None:
        """Connect to every server, and check its schema and its place among the shards.

        Raises:
            ConfigurationError: the schema is not the one that this engine writes to.
            clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
        """
        self._clients = await in_thread(partial(open_servers, self._settings, self._servers))

    def assigned(self, partitions: Collection[Partition]) -> None:
        """Look up the stored records of these partitions before inserting from them."""
        self._redelivery.watch(partitions)

    def accept(self, records: RecordsByTopic, refusals: Refusals) -> None:
        """Group a batch by table; several raw topics share a table."""
        by_table: dict[str, tuple[Table, list[Delivered]]] = {}
        for topic, found in records.items():
            table = self._tables[topic]
            by_table.setdefault(table.name, (table, []))[1].extend(found)
        self._pending = deque(by_table.values())
        self._encoded = None
        self._refusals = refusals

    async def flush(self) -> None:
        """Insert table by table; after a failure, resume with the failed table.

        Raises:
            ConfigurationError: the share of refused records suggests a wrong deployment.
            clickhouse_connect.driver.exceptions.Error: an insert failed.
        """
        while self._pending:
            table, records = self._pending[0]
            if self._encoded is None:
                self._encoded = await self._encode(table, records)
            await self._insert(self._encoded, self._refusals.add)
            self._encoded = None
            self._pending.popleft()

    async def keep_refused(self, refusals: Sequence[Refusal]) -> None:
        """Insert refused records into the table `rejected`.

        Raises:
            DependencyError: ClickHouse rejects even these rows.
            clickhouse_connect.driver.exceptions.Error: an insert failed.
        """
        rejections = dict(enumerate(encode_refusals_for_shards(refusals, len(self._servers))))
        refused: list[Refusal] = []
        await self._insert(rejections, refused.extend)
        if refused:
            raise DependencyError(
                "ClickHouse refuses rows of the table `rejected` that are right; see the log for "
                "its reason, and compare the table with sinks/liq/sinks/clickhouse/migrations."
            )

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    def classify(self, error: Exception) -> Failure | None:
        """Classify the client's errors; any other error is unexpected.

        `insert` itself handles bad rows. Such an error of another query is not due to a record.
        """
        if not isinstance(error, Error):
            return None
        failure = classify(error)
        if failure.kind is FailureKind.ROW:
            return replace(failure, kind=FailureKind.RETRY)
        return failure

    async def _encode(self, table: Table, records: Sequence[Delivered]) -> dict[int, Encoded]:
        is_stored = await in_thread(
            partial(self._redelivery.look_up, self._clients, table, records)
        )
        is_copy = await in_thread(partial(late_copies, self._clients, table, records))
        encoded = await in_thread(
            partial(
                encode_for_shards, table, records, len(self._servers), _either(is_stored, is_copy)
            )
        )
        SINK_SKIPPED.labels(table.name).inc(encoded[0].skipped)
        self._refusals.add(encoded[0].refusals)
        return dict(enumerate(encoded))

    async def _insert(
        self, encoded: dict[int, Encoded], keep: Callable[[Sequence[Refusal]], None]
    ) -> None:
        """Insert into all servers concurrently, and drop each acknowledged insert."""

        async def insert_one(number: int, part: Encoded) -> None:
            keep(await in_thread(partial(insert, self._clients[number], part)))
            del encoded[number]

        inserts = [insert_one(number, part) for number, part in encoded.items()]
        failures = await asyncio.gather(*inserts, return_exceptions=True)
        for failure in failures:
            if failure is not None:
                raise failure


def _either(one: IsStored | None, other: IsStored | None) -> IsStored | None:
    if one is None or other is None:
        return one or other
    return lambda record, document: one(record, document) or other(record, document)


def create(settings: Settings, exchanges: Sequence[str]) -> ClickHouseDestination:
    """Create the destination from the settings, with the raw archive if it is enabled."""
    return ClickHouseDestination(settings, exchanges if settings.sink_raw_archive else ())
