"""One ClickHouse server, or several as shards; each is a child process that can stop alone."""

import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from liq.devstack.clickhouse_server.configuration import (
    OWNER_GRANTS,
    READER_GRANT,
    SHARD_GRANTS,
    Node,
    User,
    write_configuration,
)
from liq.devstack.clickhouse_server.package import server_library
from liq.devstack.guard import signal_group
from liq.devstack.ports import LOOPBACK, choose_port, free_port
from liq.devstack.probe import answers_http
from liq.devstack.supervisor import Child, Supervisor

READY_SECONDS: Final = 60.0
OWNER: Final = "liquidations"
READER: Final = "liq_reader"
PROGRAM: Final = Path(__file__).with_name("process.py")


def owner(password: str = "", *, settings: Mapping[str, str] | None = None) -> User:
    """Return the user that owns the tables, with a random password by default."""
    return User(
        name=OWNER,
        password=password or secrets.token_urlsafe(16),
        grants=(*OWNER_GRANTS, *SHARD_GRANTS),
        settings=settings or {},
    )


def reader(password: str = "") -> User:
    """Return the user for people and dashboards: read-only, with limits that no query can raise.

    docs/clickhouse.md shows the same user for other servers. The minimum of each limit is 1 because
    0 means no limit.
    """
    return User(
        name=READER,
        password=password or secrets.token_urlsafe(16),
        grants=(READER_GRANT,),
        settings={
            "readonly": "2",
            "max_execution_time": "60",
            "max_result_rows": "1000000",
            "max_memory_usage": "4000000000",
            "cancel_http_readonly_queries_on_client_close": "1",
        },
        constraints={
            "readonly": {"const": ""},
            "max_execution_time": {"min": "1", "max": "600"},
            "max_result_rows": {"min": "1", "max": "100000000"},
            "max_memory_usage": {"min": "1", "max": "4000000000"},
            "cancel_http_readonly_queries_on_client_close": {"const": ""},
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """The options of servers.

    `port` is the first server's HTTP port; 0, and all further servers, use free ports. Clients get
    the first of `users`. `server_settings` are elements of every server's configuration. `library`
    is npm's if None.
    """

    servers: int = 1
    port: int = 0
    users: Sequence[User] = field(default_factory=lambda: (owner(),))
    server_settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    library: Path | None = None


class ClickHouseServers:
    """Servers on loopback, numbered from 1, which form the cluster `liquidations`.

    A server keeps its ports and its data between `stop_server` or `kill_server` and
    `start_server`.
    """

    def __init__(
        self, supervisor: Supervisor, directory: Path, options: ServerOptions | None = None
    ) -> None:
        self._supervisor = supervisor
        self._options = options or ServerOptions()
        # Another number of shards has other tables.
        self._directory = directory.resolve() / str(self._options.servers)
        self._library = Path()
        self.nodes: tuple[Node, ...] = ()

    @property
    def user(self) -> User:
        """The user that clients get."""
        return self._options.users[0]

    @property
    def reader(self) -> User | None:
        """The read-only user; None without one."""
        return next((user for user in self._options.users if user.name == READER), None)

    def start(self) -> None:
        """Start every server and wait until all of them answer.

        Raises:
            ConfigurationError: the library is not available, or a port is taken.
            DependencyError: a server did not start.
        """
        self._library = self._options.library or server_library()
        ports = [choose_port(self._options.port, "EMBEDDED_CLICKHOUSE_PORT")]
        while len(ports) < 2 * self._options.servers:
            port = free_port()
            if port not in ports:
                ports.append(port)
        self.nodes = tuple(
            Node(number, http_port, tcp_port, self._directory / str(number))
            for number, http_port, tcp_port in zip(
                range(1, self._options.servers + 1), ports[::2], ports[1::2], strict=True
            )
        )
        for node in self.nodes:
            self.start_server(node.number)

    def start_server(
        self,
        number: int = 1,
        *,
        users: Sequence[User] | None = None,
        server_settings: Mapping[str, str] | None = None,
    ) -> None:
        """Start a stopped server; `users` and `server_settings` apply only to this start."""
        node = self.nodes[number - 1]
        write_configuration(
            node,
            self.nodes,
            users or self._options.users,
            {**self._options.server_settings, **(server_settings or {})},
        )
        self._supervisor.start(
            Child(
                name=_name(number),
                command=(
                    *(sys.executable, "-I", "-S", str(PROGRAM), str(self._library)),
                    *(str(node.configuration), LOOPBACK),
                    *(str(node.http_port), str(node.tcp_port)),
                ),
                environment=self._options.environment,
                is_ready=lambda: answers_http(f"{node.url}/ping"),
                ready_seconds=READY_SECONDS,
            )
        )

    def stop_server(self, number: int = 1) -> None:
        """Stop a server with SIGTERM."""
        self._supervisor.stop(_name(number))

    def kill_server(self, number: int = 1) -> None:
        """Kill a server with SIGKILL, like a crash."""
        signal_group(self.process_id(number), signal.SIGKILL)
        self._supervisor.stop(_name(number))

    def process_id(self, number: int = 1) -> int:
        """Return the process id of a server."""
        return self._supervisor.process_id(_name(number))

    def stop(self) -> None:
        """Stop every running server."""
        names = {_name(node.number) for node in self.nodes}
        self._supervisor.stop(*names.intersection(self._supervisor.names))


def _name(number: int) -> str:
    return f"clickhouse-{number}"
