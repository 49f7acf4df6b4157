"""What tests of the ClickHouse sink share."""

from collections.abc import AsyncIterator, Callable

import pytest
from clickhouse_connect.driver.client import Client

from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import migrate


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(sink_batch_rows=100, sink_batch_seconds=0.1)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Client]:
    """A migrated database and the topics of a test; gives a client of its own."""
    await ensure_topics(settings, ())
    client = connect(settings, use_database=False)
    migrate(client, settings.clickhouse_database)
    client.database = settings.clickhouse_database
    yield client
    client.command(f"DROP DATABASE {settings.clickhouse_database}")
    client.close()
