"""The newest event and alert that ClickHouse has."""

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from liq.runtime.settings import Settings
from liq.sinks.clickhouse.client import connect


class Newest:
    """Asks when it is read; 0 while ClickHouse does not answer or has none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Kept: opening one costs both sides ten times what a question does.
        self._client: Client | None = None

    @property
    def event_ms(self) -> int:
        return self._ask("SELECT toUnixTimestamp64Milli(max(received_at)) FROM liquidations")

    @property
    def alert_ms(self) -> int:
        return self._ask("SELECT toUnixTimestamp64Milli(max(timestamp)) FROM cascades")

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _ask(self, query: str) -> int:
        try:
            if self._client is None:
                self._client = connect(self._settings)
            return int(self._client.query(query).result_rows[0][0])
        except Error:
            return 0
