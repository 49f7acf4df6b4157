"""Data older than the window: read-only queries to ClickHouse, a few at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from liq.runtime.logs import get_logger
from liq.runtime.settings import Settings
from liq.schemas.units import SECOND_MS
from liq.sinks.clickhouse.client import connect

CONCURRENT: Final = 4
SECONDS: Final = 10
MAX_ROWS: Final = 50_000
#: Sent together with the read-only mode, so that a query cannot change them.
LIMITS: Final = {
    "readonly": "1",
    "max_execution_time": str(SECONDS),
    "max_result_rows": str(MAX_ROWS),
    "result_overflow_mode": "throw",
    "cancel_http_readonly_queries_on_client_close": "1",
}
MINUTES: Final = """
SELECT toUnixTimestamp(minute) * 1000 AS minute_ms, exchange, side, sum(events) AS count,
       toString(sum(value_usd)) AS value_usd
FROM liquidation_minutes
WHERE minute >= {since:DateTime} AND minute < {until:DateTime}
    AND ({symbol:String} = '' OR symbol = {symbol:String})
GROUP BY minute_ms, exchange, side ORDER BY minute_ms, exchange, side
"""
HEAT_MAP: Final = """
SELECT toUnixTimestamp(hour) * 1000 AS hour_ms, toString(price_level) AS price_level, side,
       events AS count, toString(value_usd) AS value_usd
FROM price_level_hours
WHERE hour >= {since:DateTime} AND hour < {until:DateTime} AND symbol = {symbol:String}
ORDER BY hour_ms, price_level, side
"""
CASCADE: Final = """
SELECT c.cascade_id AS cascade_id, c.alert_id AS alert_id, c.sequence AS sequence, c.type AS type,
       c.scope AS scope, c.asset AS asset, c.side AS side, c.level AS level,
       toUnixTimestamp64Milli(c.started_at) AS started_at_ms,
       toUnixTimestamp64Milli(c.timestamp) AS timestamp_ms, c.event_count AS event_count,
       toString(c.total_value_usd) AS total_value_usd, c.risk_score AS risk_score,
       c.exchanges AS exchanges, c.explanation AS explanation
FROM cascades AS c FINAL WHERE c.cascade_id = {cascade_id:String}
ORDER BY sequence, timestamp_ms LIMIT 1000
"""
CASCADE_SECONDS: Final = """
SELECT toUnixTimestamp(second) * 1000 AS second_ms, events AS count,
       toString(value_usd) AS value_usd, exchanges
FROM cascade_seconds(cascade_id = {cascade_id:String}) ORDER BY second_ms
"""
CASCADE_PRICES: Final = """
SELECT toUnixTimestamp(second) * 1000 AS second_ms, symbol, exchange, price_kind,
       toString(price_last) AS price
FROM cascade_price_path(cascade_id = {cascade_id:String})
ORDER BY second_ms, symbol, exchange LIMIT 20000
"""

log = get_logger(__name__)


class HistoryError(Exception):
    """ClickHouse does not answer; the message does not contain its address."""


class History:
    """A client of ClickHouse that connects at the first query."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._places = asyncio.Semaphore(CONCURRENT)
        self._client: Client | None = None

    async def ask(self, query: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the rows of a query, each by column name.

        Raises:
            HistoryError: ClickHouse is unreachable, or the query fails.
        """
        async with self._places:
            try:
                return await asyncio.to_thread(self._ask, query, parameters)
            except ClickHouseError as error:
                log.warning("history_failed", error=str(error)[:500])
                raise HistoryError("ClickHouse does not answer this question now") from error

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await asyncio.to_thread(self._client.close)

    def _ask(self, query: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        if self._client is None:
            self._client = connect(
                self._settings, as_reader=True, answer_timeout_seconds=2 * SECONDS
            )
        answer = self._client.query(query, parameters=dict(parameters), settings=LIMITS)
        names: Sequence[str] = answer.column_names
        return [dict(zip(names, row, strict=True)) for row in answer.result_rows]


def period(since_ms: int, until_ms: int) -> dict[str, datetime]:
    """Return the query parameters of a period."""
    return {
        "since": datetime.fromtimestamp(since_ms / SECOND_MS, UTC),
        "until": datetime.fromtimestamp(until_ms / SECOND_MS, UTC),
    }
