"""ClickHouse for a development stack: the embedded server, or one that is given."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from liq.devstack.options import StackOptions
from liq.devstack.ports import LOOPBACK, choose_port
from liq.devstack.probe import answers_http
from liq.devstack.supervisor import Child, Supervisor

NAME = "clickhouse"


@dataclass(frozen=True, slots=True)
class WarehouseAddress:
    """Where ClickHouse is, and the settings that its clients need (by environment name)."""

    url: str
    environment: dict[str, str]


class Warehouse(Protocol):
    """A ClickHouse that can be used between `start` and `stop`."""

    def start(self) -> WarehouseAddress:
        """Bring it up and say where it is, once it answers.

        Raises:
            ConfigurationError: its port is taken.
            DependencyError: it did not start.
        """

    def stop(self) -> None:
        """End what `start` started."""


class EmbeddedClickHouse:
    """The ClickHouse engine behind its HTTP interface, as a child process on loopback."""

    def __init__(
        self, supervisor: Supervisor, data_directory: Path, port: int, database: str
    ) -> None:
        self._supervisor = supervisor
        self._data_directory = data_directory
        self._wanted_port = port
        self._database = database

    def start(self) -> WarehouseAddress:
        """Start the process and wait until it answers."""
        port = choose_port(self._wanted_port, "EMBEDDED_CLICKHOUSE_PORT")
        url = f"http://{LOOPBACK}:{port}"
        self._supervisor.start(
            Child(
                name=NAME,
                command=(
                    *(sys.executable, "-P", "-m", "liq.devstack.clickhouse"),
                    *("--host", LOOPBACK, "--port", str(port)),
                    *("--data-dir", str(self._data_directory), "--database", self._database),
                ),
                is_ready=lambda: answers_http(f"{url}/ping"),
                ready_seconds=60.0,
            )
        )
        environment = {
            "CLICKHOUSE_URL": url,
            "CLICKHOUSE_DATABASE": self._database,
            # It asks for no password; one that is set for another server is not for this one.
            "CLICKHOUSE_USER": "default",
            "CLICKHOUSE_PASSWORD": "",
        }
        return WarehouseAddress(url, environment)

    def stop(self) -> None:
        """End the process; it closes its tables first."""
        if NAME in self._supervisor.names:
            self._supervisor.stop(NAME)


class GivenClickHouse:
    """A server that somebody else runs; user and password come from the environment."""

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._database = database

    def start(self) -> WarehouseAddress:
        """Only gives the address."""
        environment = {"CLICKHOUSE_URL": self._url, "CLICKHOUSE_DATABASE": self._database}
        return WarehouseAddress(self._url, environment)

    def stop(self) -> None:
        """Nothing of ours runs."""


def choose_warehouse(options: StackOptions, supervisor: Supervisor) -> Warehouse:
    """The ClickHouse that the options ask for: a given one first, else the embedded one."""
    if options.clickhouse_url:
        return GivenClickHouse(options.clickhouse_url, options.clickhouse_database)
    return EmbeddedClickHouse(
        supervisor,
        options.embedded_data_dir / NAME,
        options.embedded_clickhouse_port,
        options.clickhouse_database,
    )
