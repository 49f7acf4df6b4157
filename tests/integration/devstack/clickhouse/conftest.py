"""One server for all these tests, a database for each, and two ways to talk to it."""

import http.client
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from tests.support.clickhouse_child import ClickHouseChild


class Answer:
    """A complete answer, as a plain HTTP client sees it."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.code = self.headers["X-ClickHouse-Exception-Code"]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseChild]:
    data_directory = tmp_path_factory.mktemp("clickhouse")
    with ClickHouseChild(data_directory, options=["--allow-fault-injection"]) as started:
        yield started
        assert started.stop() == 0


@pytest.fixture(scope="session")
def ask_port() -> Callable[..., Answer]:
    """Send one plain HTTP request to a port; keywords that are left over become the URL's."""

    def ask(
        port: int,
        body: Any = None,
        method: str = "POST",
        path: str = "/",
        headers: dict[str, str] | None = None,
        **parameters: str,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            url = f"{path}?{urlencode(parameters)}" if parameters else path
            connection.request(method, url, body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    return ask


@pytest.fixture
def ask(server: ClickHouseChild, ask_port: Callable[..., Answer]) -> Callable[..., Answer]:
    return lambda *arguments, **keywords: ask_port(server.port, *arguments, **keywords)


@pytest.fixture
def connect(server: ClickHouseChild) -> Iterator[Callable[..., Client]]:
    """Open clickhouse-connect clients that are closed after the test."""
    opened: list[Client] = []

    def connect(**options: Any) -> Client:
        opened.append(clickhouse_connect.get_client(port=server.port, **options))
        return opened[-1]

    yield lambda **options: connect(host="127.0.0.1", **options)
    for client in opened:
        client.close()


@pytest.fixture
def database(ask: Callable[..., Answer]) -> Iterator[str]:
    """A database of the test's own, with one table of the kinds of column the project stores."""
    name = f"test_{uuid.uuid4().hex}"
    assert ask(f"CREATE DATABASE {name}").status == 200
    created = ask(
        "CREATE TABLE ticks (time DateTime64(3, 'UTC'), symbol LowCardinality(String),"
        " side Enum8('long' = 1, 'short' = 2), price Decimal(38, 12), n UInt64)"
        " ENGINE = MergeTree ORDER BY n",
        database=name,
    )
    assert created.status == 200
    yield name
    assert ask(method="DELETE", path="/__fault").status == 200
    assert ask(f"DROP DATABASE {name}").status == 200


@pytest.fixture
def client(connect: Callable[..., Client], database: str) -> Client:
    return connect(database=database)


@pytest.fixture
def stored(client: Client) -> Callable[[], tuple[int, int]]:
    """Count the rows of the test's table and sum their numbers."""

    def stored() -> tuple[int, int]:
        count, total = client.query("SELECT count(), sum(n) FROM ticks").result_rows[0]
        return count, total

    return stored
