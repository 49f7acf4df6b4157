"""ClickHouse as a destination: each topic goes into a table, every record once."""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from liq.runtime.errors import DependencyError
from liq.runtime.metrics import SINK_SKIPPED
from liq.runtime.settings import Settings
from liq.sinks.batch import BatchLimits, Delivered, Partition, RecordsByTopic
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.encoding import Encoded, encode, encode_refusals
from liq.sinks.clickhouse.failures import classify
from liq.sinks.clickhouse.migrations import check_schema
from liq.sinks.clickhouse.redelivery import Redelivery
from liq.sinks.clickhouse.tables import Table, tables_by_topic
from liq.sinks.clickhouse.writer import insert
from liq.sinks.destination import Destination, Failure, FailureKind, Intake
from liq.sinks.refusals import Refusal, Refusals
from liq.sinks.threads import in_thread

NAME: Final = "clickhouse"
STAGE: Final = "sink-clickhouse"
# An insert stays one block, and so all or nothing, far below ClickHouse's 256 MB.
MAX_BATCH_BYTES: Final = 32 * 1024 * 1024


class ClickHouseDestination(Destination):
    """Inserts batches over HTTP from threads of its own; `tables.py` says what goes where."""

    def __init__(self, settings: Settings, raw_exchanges: Collection[str] = ()) -> None:
        """Take the raw frames of `raw_exchanges` too."""
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
        self._client: Client | None = None
        self._redelivery = Redelivery()
        # Of the accepted batch, what ClickHouse has not acknowledged; the first table's insert is
        # kept once it is encoded.
        self._pending: deque[tuple[Table, list[Delivered]]] = deque()
        self._encoded: Encoded | None = None
        self._refusals = Refusals(0, 0)

    @property
    def intake(self) -> Intake:
        """Every topic that has a table, in batches as large as the settings allow."""
        return self._intake

    async def open(self) -> None:
        """Connect, and check the schema.

        Raises:
            ConfigurationError: the schema is not the one that this engine writes to.
            clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
        """
        self._client = await in_thread(self._connect)

    def assigned(self, partitions: Collection[Partition]) -> None:
        """Look up which records of these partitions are stored, before inserting them again."""
        self._redelivery.watch(partitions)

    def accept(self, records: RecordsByTopic, refusals: Refusals) -> None:
        """Sort a batch by table: several raw topics share one."""
        by_table: dict[str, tuple[Table, list[Delivered]]] = {}
        for topic, found in records.items():
            table = self._tables[topic]
            by_table.setdefault(table.name, (table, []))[1].extend(found)
        self._pending = deque(by_table.values())
        self._encoded = None
        self._refusals = refusals

    async def flush(self) -> None:
        """Insert table by table; after a failure, go on with the table that failed.

        Raises:
            ConfigurationError: so many records cannot be stored that something larger is wrong.
            clickhouse_connect.driver.exceptions.Error: ClickHouse did not take the rows.
        """
        while self._pending:
            table, records = self._pending[0]
            if self._encoded is None:
                self._encoded = await self._encode(table, records)
                self._refusals.add(self._encoded.refusals)
            self._refusals.add(await in_thread(partial(insert, self._open_client(), self._encoded)))
            self._encoded = None
            self._pending.popleft()

    async def keep_refused(self, refusals: Sequence[Refusal]) -> None:
        """Insert refused records into the table `rejected`.

        Raises:
            DependencyError: ClickHouse refuses even these.
            clickhouse_connect.driver.exceptions.Error: ClickHouse did not take the rows.
        """
        rejections = encode_refusals(refusals)
        if await in_thread(partial(insert, self._open_client(), rejections)):
            raise DependencyError(
                "ClickHouse refuses rows of the table `rejected` that are right; see the log for "
                "its reason, and compare the table with sinks/liq/sinks/clickhouse/migrations."
            )

    async def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            self._client.close()

    def classify(self, error: Exception) -> Failure | None:
        """Classify errors of the client; no other is expected.

        `insert` itself finds bad rows. Such an error of another query is no record's fault.
        """
        if not isinstance(error, Error):
            return None
        failure = classify(error)
        if failure.kind is FailureKind.ROW:
            return replace(failure, kind=FailureKind.RETRY)
        return failure

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
        look_up = partial(self._redelivery.look_up, self._open_client(), table, records)
        is_stored = await in_thread(look_up)
        encoded = await in_thread(partial(encode, table, records, is_stored))
        SINK_SKIPPED.labels(table.name).inc(encoded.skipped)
        return encoded


def create(settings: Settings, exchanges: Sequence[str]) -> ClickHouseDestination:
    """Return the destination that the settings describe, the raw archive included."""
    return ClickHouseDestination(settings, exchanges if settings.sink_raw_archive else ())
