"""The newest event and alert that ClickHouse has."""

from contextlib import closing, suppress

from clickhouse_connect.driver.exceptions import Error

from runtime.settings import Settings
from sinks.clickhouse.client import connect


class Newest:
    """Asks when it is read; 0 while ClickHouse does not answer or has none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def event_ms(self) -> int:
        return self._ask("SELECT toUnixTimestamp64Milli(max(received_at)) FROM liquidations")

    @property
    def alert_ms(self) -> int:
        return self._ask("SELECT toUnixTimestamp64Milli(max(timestamp)) FROM cascades")

    def _ask(self, query: str) -> int:
        with suppress(Error), closing(connect(self._settings)) as client:
            return int(client.query(query).result_rows[0][0])
        return 0
