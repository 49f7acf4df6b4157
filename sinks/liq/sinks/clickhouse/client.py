"""Connections to ClickHouse's HTTP interface."""

from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from liq.runtime.settings import Settings

CONNECT_TIMEOUT_SECONDS = 5
# A silent server counts as gone after this time; repeating its insert is harmless.
ANSWER_TIMEOUT_SECONDS = 60
DEFAULT_PORTS = {"http": 8123, "https": 8443}


def connect(
    settings: Settings,
    *,
    use_database: bool = True,
    as_reader: bool = False,
    answer_timeout_seconds: int = ANSWER_TIMEOUT_SECONDS,
    url: str = "",
) -> Client:
    """Open a client that several threads may use.

    Args:
        settings: The address of ClickHouse, and the logins.
        use_database: False connects to the server's default database, for the migrator, because
            the engine's database may not exist yet.
        as_reader: Log in as CLICKHOUSE_READER_USER, if it is set.
        answer_timeout_seconds: A server that is silent for this long counts as gone.
        url: Another server than CLICKHOUSE_URL.

    Raises:
        clickhouse_connect.driver.exceptions.Error: no answer, wrong password, no such database.
    """
    parts = urlsplit(url or settings.clickhouse_url)
    user, password = settings.clickhouse_user, settings.clickhouse_password
    if as_reader and settings.clickhouse_reader_user:
        user, password = settings.clickhouse_reader_user, settings.clickhouse_reader_password
    return clickhouse_connect.get_client(
        interface=parts.scheme,
        host=unquote(parts.hostname or ""),
        port=parts.port or DEFAULT_PORTS[parts.scheme],
        proxy_path=parts.path,
        username=user,
        password=password.get_secret_value(),
        database=settings.clickhouse_database if use_database else "default",
        client_name="liquidation-engine",
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        send_receive_timeout=answer_timeout_seconds,
        # A session would reject concurrent requests.
        autogenerate_session_id=False,
        dedicated_pool=True,
        # Otherwise ClickHouse rejects a query that joins Distributed tables.
        settings={"distributed_product_mode": "global"} if settings.clickhouse_shards else None,
    )
