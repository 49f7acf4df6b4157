"""Connections to ClickHouse's HTTP interface."""

from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from liq.runtime.settings import Settings

CONNECT_TIMEOUT_SECONDS = 5
# A silent server counts as gone after this; the insert is then sent again, which is harmless.
ANSWER_TIMEOUT_SECONDS = 60
DEFAULT_PORTS = {"http": 8123, "https": 8443}


def connect(settings: Settings, *, use_database: bool = True) -> Client:
    """Open a client that may be used from several threads.

    Without `use_database` it starts in the server's default database: the migrator needs that,
    because ours may not exist yet.

    Raises:
        clickhouse_connect.driver.exceptions.Error: no answer, wrong password, no such database.
    """
    parts = urlsplit(settings.clickhouse_url)
    return clickhouse_connect.get_client(
        interface=parts.scheme,
        host=unquote(parts.hostname or ""),
        port=parts.port or DEFAULT_PORTS[parts.scheme],
        proxy_path=parts.path,
        username=settings.clickhouse_user,
        password=settings.clickhouse_password.get_secret_value(),
        database=settings.clickhouse_database if use_database else "default",
        client_name="liquidation-engine",
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        send_receive_timeout=ANSWER_TIMEOUT_SECONDS,
        # A session would refuse two requests at once.
        autogenerate_session_id=False,
        dedicated_pool=True,
    )
