"""Connections to the servers that store rows, after checks of their schema and place."""

from collections.abc import Sequence
from contextlib import ExitStack

from clickhouse_connect.driver.client import Client

from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import Settings
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import check_schema
from liq.sinks.clickhouse.shards import Server, check_place, check_readers_database


def open_servers(settings: Settings, servers: Sequence[Server]) -> list[Client]:
    """Connect to every server, and check its schema and its place among the shards. Blocks.

    Raises:
        ConfigurationError: the schema is not the one that this engine writes to, or a server is not
            the shard that the settings name.
        clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
    """
    with ExitStack() as opened:
        clients = []
        for server in servers:
            client = connect(settings, use_database=False, url=server.url)
            opened.callback(client.close)
            check_readers_database(client, settings)
            check_schema(client, server.database)
            if not check_place(client, server) and server.count > 1:
                raise ConfigurationError(
                    f"The ClickHouse server {server.url} does not know which shard it is; run "
                    "`liq migrate`."
                )
            client.database = server.database
            clients.append(client)
        opened.pop_all()
    return clients
