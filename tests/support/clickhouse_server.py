"""A ClickHouse server of one test, which can be killed, frozen, restarted and disturbed."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import pytest

from liq.devstack.clickhouse_server.servers import ClickHouseServers, ServerOptions, owner
from liq.devstack.supervisor import Supervisor
from tests.support.request_proxy import RequestProxy

#: For tests that need features of ClickHouse that the embedded engine lacks.
needs_server: Final = pytest.mark.skipif(
    os.environ.get("CLICKHOUSE") != "server",
    reason="needs a ClickHouse server to fail: run with CLICKHOUSE=server (npm)",
)
PASSWORD: Final = "of the owner"


class Server:
    """A server behind a proxy, used in a `with` statement.

    It keeps its port and its data when it is killed or restarted.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self._supervisor = Supervisor(directory / "logs")
        self._servers = ClickHouseServers(
            self._supervisor,
            directory,
            ServerOptions(users=(owner(PASSWORD),), environment=environment or {}),
        )
        self._proxy: RequestProxy | None = None

    def __enter__(self) -> Self:
        try:
            self._servers.start()
            self._proxy = RequestProxy(self._servers.nodes[0].http_port).__enter__()
        except BaseException:
            self._supervisor.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.proxy.__exit__()
        self._supervisor.close()

    @property
    def proxy(self) -> RequestProxy:
        """The proxy, which can disturb inserts."""
        assert self._proxy is not None
        return self._proxy

    @property
    def url(self) -> str:
        """The address of the proxy."""
        return self.proxy.url

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings of clients that use the server through the proxy."""
        user = self._servers.user
        return {
            "clickhouse_url": self.url,
            "clickhouse_user": user.name,
            "clickhouse_password": user.password,
        }

    @property
    def direct_url(self) -> str:
        """The address of the server itself."""
        return self._servers.nodes[0].url

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings as environment variables."""
        return {name.upper(): text for name, text in self.settings.items()}

    @property
    def process_id(self) -> int:
        return self._servers.process_id()

    def kill(self) -> None:
        """Send SIGKILL, then start the server with the same data and port."""
        self._servers.kill_server()
        self._servers.start_server()

    @contextmanager
    def restarted(self, *, password: str = PASSWORD, **settings: str) -> Iterator[None]:
        """Run with another password or other settings of the user within the block."""
        user = owner(password, settings=settings)
        self._servers.stop_server()
        self._servers.start_server(users=(user,))
        try:
            yield
        finally:
            self._servers.stop_server()
            self._servers.start_server()
