"""A ClickHouse of a test's own, to be killed, frozen and made to fail."""

import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from tests.support.clickhouse_child import ClickHouseChild


class Server:
    """A ClickHouse that can be killed and started again on the same data and port."""

    def __init__(self, data: Path, environment: Mapping[str, str] | None = None) -> None:
        self._data = data
        self._environment = environment
        self._child = self._start(0)
        self.url = self._child.url

    @property
    def process_id(self) -> int:
        return self._child.process.pid

    def kill(self) -> None:
        self._child.kill()
        self._child.__exit__()
        self._child = self._start(self._child.port)

    def stop(self) -> None:
        self._child.__exit__()

    def order(self, **rule: Any) -> None:
        """A fault for inserts into the tables of records."""
        self._ask("POST", {"match": "INSERT INTO(?!.*schema_migrations)", **rule})

    def hits(self) -> int:
        return sum(rule["hits"] for rule in self._ask("GET"))

    def lift(self) -> None:
        self._ask("DELETE")

    def _start(self, port: int) -> ClickHouseChild:
        options = ["--allow-fault-injection"]
        return ClickHouseChild(
            self._data, port=port, options=options, environment=self._environment
        )

    def _ask(self, method: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else orjson.dumps(body)
        request = urllib.request.Request(f"{self.url}/__fault", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return orjson.loads(answer.read())
