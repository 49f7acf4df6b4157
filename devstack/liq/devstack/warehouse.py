"""ClickHouse for the development stack: several kinds behind one small interface."""

import importlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from liq.devstack.clickhouse_server.configuration import CLUSTER, User
from liq.devstack.clickhouse_server.servers import ClickHouseServers, ServerOptions, owner, reader
from liq.devstack.options import StackOptions
from liq.devstack.ports import LOOPBACK, choose_port
from liq.devstack.probe import answers_http
from liq.devstack.supervisor import Child, Supervisor
from liq.runtime.errors import ConfigurationError

NAME: Final = "clickhouse"
SERVER_NAME: Final = "clickhouse-server"
DATABASE: Final = "liquidations"
DOCKER_IMAGE: Final = "clickhouse/clickhouse-server:26.3"
DOCKER_HTTP_PORT: Final = 8123
READY_SECONDS: Final = 60.0
PASSWORD_VARIABLE: Final = "EMBEDDED_CLICKHOUSE_PASSWORD"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class WarehouseAddress:
    """The address of ClickHouse, and the settings of its clients by environment variable."""

    url: str
    environment: dict[str, str]


class Warehouse(Protocol):
    """A ClickHouse that runs between `start` and `stop`."""

    def start(self) -> WarehouseAddress:
        """Start ClickHouse, wait until it answers, and return its address.

        Raises:
            ConfigurationError: its port is taken.
            DependencyError: it did not start.
        """

    def stop(self) -> None:
        """Stop what `start` has started."""


class EmbeddedClickHouse:
    """The ClickHouse engine behind an own HTTP interface, as a child process on loopback."""

    def __init__(
        self,
        supervisor: Supervisor,
        directory: Path,
        *,
        port: int = 0,
        database: str = DATABASE,
        user: User | None = None,
    ) -> None:
        self._supervisor = supervisor
        self._directory = directory
        self._wanted_port = port
        self._database = database
        self._user = user or owner()

    def start(self) -> WarehouseAddress:
        """Start the process and wait until it answers."""
        port = choose_port(self._wanted_port, "EMBEDDED_CLICKHOUSE_PORT")
        url = f"http://{LOOPBACK}:{port}"
        self._supervisor.start(
            Child(
                name=NAME,
                command=(
                    *(sys.executable, "-P", "-m", "liq.devstack.clickhouse"),
                    *("--port", str(port), "--data-dir", str(self._directory)),
                    *("--database", self._database, "--user", self._user.name),
                ),
                environment={PASSWORD_VARIABLE: self._user.password},
                is_ready=lambda: answers_http(f"{url}/ping"),
                ready_seconds=READY_SECONDS,
            )
        )
        return _address(url, self._database, self._user)

    def stop(self) -> None:
        """Stop the process, which closes its tables first."""
        if NAME in self._supervisor.names:
            self._supervisor.stop(NAME)


class ServerClickHouse:
    """ClickHouse's own server, or several as shards, as child processes on loopback."""

    def __init__(
        self,
        supervisor: Supervisor,
        directory: Path,
        options: ServerOptions | None = None,
        *,
        database: str = DATABASE,
    ) -> None:
        self.servers = ClickHouseServers(supervisor, directory, options)
        self._database = database

    def start(self) -> WarehouseAddress:
        """Start the processes and wait until they answer."""
        self.servers.start()
        servers = self.servers
        urls = [node.url for node in servers.nodes]
        address = _address(urls[0], self._database, servers.user, servers.reader)
        shards = {"CLICKHOUSE_SHARDS": ",".join(urls), "CLICKHOUSE_SHARDS_CLUSTER": CLUSTER}
        return replace(address, environment=address.environment | shards) if urls[1:] else address

    def stop(self) -> None:
        """Stop the processes."""
        self.servers.stop()


class DockerClickHouse:
    """ClickHouse in a container, by testcontainers; requires a running Docker.

    The project's tests run without Docker and do not cover this kind.
    """

    def __init__(self, database: str, user: User | None = None) -> None:
        self._database = database
        self._user = user or owner()
        self._container: Any = None

    def start(self) -> WarehouseAddress:
        """Start one server on a free port."""
        try:
            errors = importlib.import_module("docker.errors")
            containers = importlib.import_module("testcontainers.community.clickhouse")
        except ImportError as error:
            raise ConfigurationError(
                "CLICKHOUSE=docker needs the package testcontainers; install it, or unset "
                "CLICKHOUSE."
            ) from error
        try:
            self._container = containers.ClickHouseContainer(
                DOCKER_IMAGE,
                username=self._user.name,
                password=self._user.password,
                dbname=self._database,
            )
            self._container.start()
        except errors.DockerException as error:
            raise ConfigurationError(
                f"CLICKHOUSE=docker, but Docker does not answer ({error}); start it, or unset "
                "CLICKHOUSE."
            ) from error
        host = self._container.get_container_host_ip()
        url = f"http://{host}:{self._container.get_exposed_port(DOCKER_HTTP_PORT)}"
        return _address(url, self._database, self._user)

    def stop(self) -> None:
        """Remove the container."""
        if self._container is not None:
            self._container.stop()
            self._container = None


class GivenClickHouse:
    """An existing server; user and password come from the environment."""

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._database = database

    def start(self) -> WarehouseAddress:
        """Return the address without starting anything."""
        environment = {"CLICKHOUSE_URL": self._url, "CLICKHOUSE_DATABASE": self._database}
        return WarehouseAddress(self._url, environment)

    def stop(self) -> None:
        """Do nothing: the server is not part of the stack."""


def choose_warehouse(
    options: StackOptions, supervisor: Supervisor, *, user: User | None = None
) -> Warehouse:
    """Return the ClickHouse that the options select: an existing server, else one to start.

    A started one has the user `user`, by default one with a random password.
    """
    database = options.clickhouse_database
    if options.clickhouse_url:
        return GivenClickHouse(options.clickhouse_url, database)
    if options.clickhouse == "docker":
        return DockerClickHouse(database, user)
    if options.clickhouse == "server":
        of_servers = ServerOptions(
            servers=options.clickhouse_servers,
            port=options.embedded_clickhouse_port,
            users=(user or owner(), reader()),
        )
        directory = options.embedded_data_dir / SERVER_NAME
        return ServerClickHouse(supervisor, directory, of_servers, database=database)
    return EmbeddedClickHouse(
        supervisor,
        options.embedded_data_dir / NAME,
        port=options.embedded_clickhouse_port,
        database=database,
        user=user,
    )


def _address(url: str, database: str, user: User, reader: User | None = None) -> WarehouseAddress:
    environment = {
        "CLICKHOUSE_URL": url,
        "CLICKHOUSE_DATABASE": database,
        "CLICKHOUSE_USER": user.name,
        "CLICKHOUSE_PASSWORD": user.password,
        # Empty: `liq sql` reads as the user that owns the tables.
        "CLICKHOUSE_READER_USER": "" if reader is None else reader.name,
        "CLICKHOUSE_READER_PASSWORD": "" if reader is None else reader.password,
    }
    return WarehouseAddress(url, environment)
