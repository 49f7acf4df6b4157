"""The retention of rows: a TTL for each table, from the settings."""

import re
from collections.abc import Mapping
from typing import Final

from clickhouse_connect.driver.client import Client

from liq.runtime.settings import Settings
from liq.sinks.clickhouse.cluster import for_cluster
from liq.sinks.clickhouse.tables import (
    CASCADES,
    FEEDS,
    LIQUIDATIONS,
    OPEN_POSITIONS,
    RAW_FRAMES,
    REJECTED,
)

#: A snapshot a minute is large, and of use while it is new; frames may have a shorter retention.
POSITION_DAYS: Final = 7

_TTL = re.compile(r"\bTTL (.+?)(?: SETTINGS .*)?$", re.DOTALL)


def wanted_ttls(settings: Settings) -> dict[str, str | None]:
    """Return the TTL of each table with a retention, in ClickHouse's form; None to keep for ever.

    Market data expires by its own time. Rejections and frames expire by their time of insertion,
    because a replay of an old recording produces new ones.
    """
    market = settings.clickhouse_retention_days
    return {
        LIQUIDATIONS.name: _ttl("timestamp", market),
        CASCADES.name: _ttl("timestamp", market),
        FEEDS.name: _ttl("timestamp", market),
        REJECTED.name: _ttl("ingested_at", settings.clickhouse_rejected_retention_days),
        OPEN_POSITIONS.name: _ttl(
            "snapshot_at", min(POSITION_DAYS, settings.clickhouse_raw_retention_days)
        ),
        RAW_FRAMES.name: _ttl("ingested_at", settings.clickhouse_raw_retention_days),
    }


def retention_statements(client: Client, database: str, settings: Settings) -> list[str]:
    """Return the statements that set the wanted TTLs where they differ.

    Missing tables count as new tables without a TTL.
    """
    present = _present_ttls(client, database)
    return [
        for_cluster(_statement(table, ttl), settings.clickhouse_cluster)
        for table, ttl in wanted_ttls(settings).items()
        if present.get(table) != ttl
    ]


def _ttl(column: str, days: int) -> str | None:
    return f"toDateTime({column}) + toIntervalDay({days})" if days else None


def _statement(table: str, ttl: str | None) -> str:
    change = "REMOVE TTL" if ttl is None else f"MODIFY TTL {ttl}"
    return f"ALTER TABLE {table} {change}"


def _present_ttls(client: Client, database: str) -> Mapping[str, str | None]:
    result = client.query(
        "SELECT name, engine_full FROM system.tables WHERE database = {database:String}",
        parameters={"database": database},
    )
    found = {name: _TTL.search(engine) for name, engine in result.result_rows}
    return {name: match[1] if match else None for name, match in found.items()}
