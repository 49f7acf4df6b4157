"""Inserts of imported events directly into ClickHouse, through the sink's encoder.

Stored events stay unchanged: an archive's event does not replace one of the live feed.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from clickhouse_connect.driver.client import Client

from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from liq.schemas.headers import Headers
from liq.schemas.records import Liquidation
from liq.schemas.units import MILLISECOND_NS
from liq.sinks.clickhouse.encoding import encode_for_shards
from liq.sinks.clickhouse.known_events import StoredEvent, names_of, unknown_events
from liq.sinks.clickhouse.opening import open_servers
from liq.sinks.clickhouse.shards import servers_of
from liq.sinks.clickhouse.tables import LIQUIDATIONS
from liq.sinks.clickhouse.writer import insert
from liq.sinks.refusals import Refusal

_STORED: Final = """
SELECT event_id, exchange, native_symbol, toString(side), toUnixTimestamp64Milli(timestamp),
    contract, quantity, value_usd, raw_topic
FROM liquidations
WHERE timestamp >= fromUnixTimestamp64Milli({first:Int64})
    AND timestamp <= fromUnixTimestamp64Milli({last:Int64})
    AND exchange IN {exchanges:Array(String)} AND native_symbol IN {symbols:Array(String)}
"""


@dataclass(frozen=True, slots=True)
class BulkRecord:
    """An event in the form of a Kafka record; its position is that of its source."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The number of stored events, the number of known events, and the refused events."""

    stored: int
    known: int
    refused: Sequence[Refusal] = field(default=())


class BulkLoader:
    """Inserts imported events between `open` and `close`. Every call blocks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._servers = servers_of(settings)
        self._clients: list[Client] = []

    def open(self) -> None:
        """Connect to every server.

        Raises:
            ConfigurationError: as for `open_servers`.
            clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
        """
        self._clients = open_servers(self._settings, self._servers)

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    def store(self, events: Sequence[Liquidation], brought_by: str) -> BulkResult:
        """Insert the events that are not stored yet; return when all are acknowledged.

        `brought_by` is the prefix of the origin of rows that this archive has already inserted.

        Raises:
            clickhouse_connect.driver.exceptions.Error: an insert failed; some of the rows may be
                stored.
        """
        if not events:
            return BulkResult(0, 0)
        fresh = unknown_events(events, self._stored(events), brought_by=brought_by)
        now_ms = time.time_ns() // MILLISECOND_NS
        records = [_record(event, now_ms) for event in fresh]
        parts = encode_for_shards(LIQUIDATIONS, records, len(self._servers))
        refused = list(parts[0].refusals)
        for client, part in zip(self._clients, parts, strict=True):
            refused += insert(client, part)
        return BulkResult(len(fresh) - len(refused), len(events) - len(fresh), refused)

    def _stored(self, events: Sequence[Liquidation]) -> list[StoredEvent]:
        exchanges, symbols, first, last = names_of(events)
        parameters = {"exchanges": exchanges, "symbols": symbols, "first": first, "last": last}
        return [
            StoredEvent(*row)
            for client in self._clients
            for row in client.query(_STORED, parameters=parameters).result_rows
        ]


def _record(event: Liquidation, now_ms: int) -> BulkRecord:
    source = event.source
    if source is None:
        raise ValueError("an imported event has a source")
    return BulkRecord(source.topic, source.partition, source.offset, now_ms, encode(event))
