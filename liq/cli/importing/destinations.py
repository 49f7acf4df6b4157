"""The destinations of imported events: standard output, Kafka, or ClickHouse."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from liq.processors.archives import BadLine
from liq.runtime.errors import DependencyError
from liq.runtime.kafka import new_producer
from liq.runtime.layout import read_layout
from liq.runtime.sending import BatchSender, OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.cloud_events import liquidation_headers
from liq.schemas.codec import encode
from liq.schemas.records import Liquidation

STDOUT: Final = "-"
KAFKA: Final = "kafka"
CLICKHOUSE: Final = "clickhouse"


@dataclass(frozen=True, slots=True)
class Stored:
    """The counts of stored events and of those already stored, and the refused events."""

    count: int
    known: int = 0
    refused: Sequence[BadLine] = field(default=())


class EventDestination(Protocol):
    """A destination of imported events; `name` identifies it in a journal."""

    @property
    def name(self) -> str: ...  # noqa: D102 - see the class

    async def open(self) -> None: ...  # noqa: D102

    async def store(self, events: Sequence[Liquidation], brought_by: str) -> Stored:
        """Store events durably; `brought_by` is the prefix of the origins of their archive."""

    async def close(self) -> None: ...  # noqa: D102


class StdoutDestination:
    """A destination that writes a line of JSON for each event."""

    name = STDOUT

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    async def open(self) -> None:
        """Do nothing: the stream is open."""

    async def store(self, events: Sequence[Liquidation], brought_by: str) -> Stored:  # noqa: ARG002
        """Write the events."""
        self._stream.writelines(encode(event) + b"\n" for event in events)
        return Stored(len(events))

    async def close(self) -> None:
        """Flush the stream."""
        self._stream.flush()


class KafkaDestination:
    """A destination that publishes to the events topic, by the normalizers' layout.

    Detection treats these events as history. The topic of large events has live ones only.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.name = f"{KAFKA} {settings.kafka_bootstrap_servers} {settings.topics.events}"
        self._producer: AIOKafkaProducer | None = None
        self._sender: BatchSender | None = None

    async def open(self) -> None:
        """Connect.

        Raises:
            DependencyError: Kafka does not answer, or events are growing at this moment.
        """
        topic = self._settings.topics.events
        try:
            layout = (await read_layout(self._settings)).layout
            self._producer = new_producer(self._settings, "import", linger_ms=0)
            await self._producer.start()
            await self._producer.partitions_for(topic)
        except KafkaError as error:
            raise _unreachable(error) from error
        self._sender = BatchSender(self._producer, self._settings.topics)
        if layout is not None:
            if layout.is_paused:
                raise DependencyError(
                    "The events topic grows at this moment (`liq topics grow`); import when it is "
                    "done."
                )
            self._sender.spread(topic, layout.partitions)

    async def store(self, events: Sequence[Liquidation], brought_by: str) -> Stored:  # noqa: ARG002
        """Publish the events, and wait until every replica has acknowledged them.

        Raises:
            DependencyError: Kafka rejects them, or does not answer.
        """
        topic = self._settings.topics.events
        records = [
            OutputRecord(topic, event.base.encode(), encode(event), liquidation_headers(event))
            for event in events
        ]
        if self._sender is None:
            raise RuntimeError("the destination is not open")
        try:
            await (await self._sender.send(records))
        except KafkaError as error:
            raise _unreachable(error) from error
        return Stored(len(events))

    async def close(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()


def _unreachable(error: KafkaError) -> DependencyError:
    return DependencyError(
        f"Kafka does not take the events ({error!r}); check KAFKA_BOOTSTRAP_SERVERS, make the "
        "topics with `liq topics`, and run the same command again: it goes on where it was."
    )


class ClickHouseDestination:
    """A destination that inserts rows with the sink's encoder; stored rows do not change."""

    def __init__(self, settings: Settings, loader: Any) -> None:
        """Create the destination; `loader` is a `liq.sinks.clickhouse.bulk.BulkLoader`."""
        servers = settings.clickhouse_shards or (settings.clickhouse_url,)
        self.name = f"{CLICKHOUSE} {' '.join(servers)} {settings.clickhouse_database}"
        self._loader = loader

    async def open(self) -> None:
        """Connect.

        Raises:
            ConfigurationError: the schema is not that of this release.
        """
        await asyncio.to_thread(self._loader.open)

    async def store(self, events: Sequence[Liquidation], brought_by: str) -> Stored:
        """Insert the events that are not stored yet."""
        result = await asyncio.to_thread(self._loader.store, events, brought_by)
        refused = [
            BadLine(refusal.record.offset, refusal.reason, refusal.detail)
            for refusal in result.refused
        ]
        return Stored(result.stored, result.known, refused)

    async def close(self) -> None:
        """Disconnect."""
        self._loader.close()
