"""Tables spread over two and three servers: each row on its shard, and readers see one table."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from typer.testing import CliRunner

from liq.cli.main import app
from liq.devstack.clickhouse_server.servers import ClickHouseServers, ServerOptions
from liq.devstack.supervisor import Supervisor
from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.destination import ClickHouseDestination
from liq.sinks.clickhouse.installation import install
from liq.sinks.clickhouse.keys import KEYS
from liq.sinks.clickhouse.shards import Server, servers_of
from tests.conftest import MakeSettings
from tests.support.clickhouse_server import needs_server
from tests.support.clickhouse_sink import (
    committed_total,
    eventually,
    liquidation,
    publish,
    running_sink,
)
from tests.support.sink_flow import Flow, is_loaded
from tests.support.sink_truth import expect_the_truth

pytestmark = [pytest.mark.integration, needs_server, pytest.mark.usefixtures("broker")]

KILLS = 4
two_shards = pytest.mark.parametrize("shards", [2], indirect=True, ids=["two"])


@pytest.fixture(scope="module", params=[2, 3], ids=["two", "three"])
def shards(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClickHouseServers]:
    directory: Path = tmp_path_factory.mktemp("shards")
    with Supervisor(directory / "logs") as supervisor:
        servers = ClickHouseServers(supervisor, directory, ServerOptions(servers=request.param))
        servers.start()
        yield servers


@pytest.fixture
def settings(make_settings: MakeSettings, shards: ClickHouseServers) -> Settings:
    return make_settings(**login(shards), sink_batch_rows=100, sink_batch_seconds=0.1)


def login(shards: ClickHouseServers) -> dict[str, object]:
    urls = tuple(node.url for node in shards.nodes)
    return {
        "clickhouse_url": urls[0],
        "clickhouse_shards": urls,
        "clickhouse_user": shards.user.name,
        "clickhouse_password": shards.user.password,
    }


@pytest.fixture
async def readers(settings: Settings) -> AsyncIterator[list[Client]]:
    """The migrated database as readers see it, on every server."""
    await ensure_topics(settings, ())
    install(settings)
    with ExitStack() as opened:
        clients = [
            opened.enter_context(closing(connect(settings, url=server.url)))
            for server in servers_of(settings)
        ]
        yield clients
        for server, client in zip(servers_of(settings), clients, strict=True):
            client.command(f"DROP DATABASE {server.database}")
            client.command(f"DROP DATABASE {settings.clickhouse_database}")


def number(client: Client, sql: str) -> int:
    return int(client.query(sql).result_rows[0][0])


def rows_of(client: Client, server: Server, table: str) -> tuple[int, int]:
    """Count a server's own rows, and those that belong to another one."""
    misplaced = f"toUInt64({KEYS[table].sql}) % {server.count} != {server.number - 1}"
    sql = f"SELECT count(), countIf({misplaced}) FROM {server.database}.{table}"  # noqa: S608 - our names
    return client.query(sql).result_rows[0]  # type: ignore[return-value]


async def load(settings: Settings, values: Sequence[bytes], total: int) -> None:
    await publish(settings, settings.topics.events, values)

    async def all_committed() -> bool:
        return await committed_total(settings) == total

    async with running_sink(settings):
        await eventually(all_committed)


@two_shards
async def test_every_row_is_on_its_shard_and_counts_once_for_readers(
    settings: Settings, readers: list[Client]
) -> None:
    events = [encode(liquidation(n)) for n in range(300)]
    again = events[::3]  # under new offsets, in other batches
    await load(settings, events, 300)
    await load(settings, again, 400)
    found = [
        rows_of(client, server, "liquidations")
        for client, server in zip(readers, servers_of(settings), strict=True)
    ]
    assert [misplaced for _, misplaced in found] == [0] * len(readers)
    assert all(count > 0 for count, _ in found)
    for client in readers:
        assert number(client, "SELECT count() FROM liquidations FINAL") == 300
        assert number(client, "SELECT sum(events) FROM liquidations_by_venue_side") == 300


async def test_tables_and_views_say_what_one_server_would(
    settings: Settings, readers: list[Client]
) -> None:
    flow = Flow(settings, random.Random(20_261_129))  # noqa: S311 - picks moments and sizes
    await asyncio.to_thread(flow.publish, 600)

    async def all_loaded() -> bool:
        return await asyncio.to_thread(is_loaded, settings)

    async with running_sink(settings):
        await eventually(all_loaded)
    await asyncio.to_thread(expect_the_truth, settings)
    for table in ("cascades", "rejected"):
        found = [
            rows_of(client, server, table)
            for client, server in zip(readers, servers_of(settings), strict=True)
        ]
        assert sum(count for count, _ in found) > 0
        assert not any(misplaced for _, misplaced in found), (table, found)


async def test_a_shard_that_is_killed_and_restarted_under_load_loses_and_doubles_nothing(
    settings: Settings, readers: list[Client], shards: ClickHouseServers
) -> None:
    flow = Flow(settings, random.Random(20_261_130))  # noqa: S311 - picks moments and sizes

    async def all_loaded() -> bool:
        return await asyncio.to_thread(is_loaded, settings)

    async with running_sink(settings) as health:

        async def is_in_trouble() -> bool:
            return not health.conditions["clickhouse"].holds

        for kill in range(KILLS):
            shard = kill % len(readers) + 1
            publishing = asyncio.create_task(asyncio.to_thread(flow.publish, 400))
            await asyncio.to_thread(shards.kill_server, shard)
            await publishing
            await eventually(is_in_trouble)
            await asyncio.to_thread(shards.start_server, shard)
            await eventually(all_loaded)
    await asyncio.to_thread(expect_the_truth, settings)


@two_shards
@pytest.mark.usefixtures("readers")
def test_another_number_or_order_of_shards_is_refused(
    settings: Settings, make_settings: MakeSettings, shards: ClickHouseServers
) -> None:
    known = login(shards)
    urls = tuple(node.url for node in shards.nodes)
    same = {"clickhouse_database": settings.clickhouse_database}
    backwards = make_settings(**known | same | {"clickhouse_shards": urls[::-1]})
    for act in (install, open_sink):
        with pytest.raises(
            ConfigurationError, match=rf"is shard \d of {len(urls)}.*in their order"
        ):
            act(backwards)
    single = make_settings(**known | same | {"clickhouse_shards": ()})
    for act in (install, open_sink):
        expected = rf"spread over {len(urls)} shards.*CLICKHOUSE_SHARDS"
        with pytest.raises(ConfigurationError, match=expected):
            act(single)
    install(settings)
    open_sink(settings)


def open_sink(settings: Settings) -> None:
    async def open_and_close() -> None:
        destination = ClickHouseDestination(settings)
        try:
            await destination.open()
        finally:
            await destination.close()

    asyncio.run(open_and_close())


@two_shards
def test_a_database_of_one_server_is_not_spread(
    settings: Settings, make_settings: MakeSettings, shards: ClickHouseServers
) -> None:
    single = make_settings(**login(shards) | {"clickhouse_shards": ()})
    install(single)
    with pytest.raises(ConfigurationError, match=r"tables on one server.*load it again from Kafka"):
        install(settings)
    with closing(connect(single)) as client:
        client.command(f"DROP DATABASE {single.clickhouse_database}")


@two_shards
def test_a_cluster_of_another_size_is_refused(
    make_settings: MakeSettings, shards: ClickHouseServers
) -> None:
    elsewhere = make_settings(**login(shards), clickhouse_shards_cluster="another")
    with pytest.raises(ConfigurationError, match=r"cluster 'another' has 0 shards.*remote_servers"):
        install(elsewhere)


@two_shards
@pytest.mark.usefixtures("readers")
def test_partitions_of_a_day_are_kept_and_not_changed(
    make_settings: MakeSettings, shards: ClickHouseServers
) -> None:
    with pytest.raises(ConfigurationError, match=r"partitions of a month.*PARTITIONS=month"):
        install(make_settings(**login(shards), clickhouse_partitions="day"))
    daily = make_settings(
        **login(shards), clickhouse_partitions="day", clickhouse_database="by_day"
    )
    assert install(daily).migrations
    assert not install(daily).migrations
    open_sink(daily)
    with closing(connect(daily, use_database=False)) as client:
        sql = "SELECT partition_key FROM system.tables WHERE database = 'by_day_shard'"
        keys = {str(row[0]) for row in client.query(sql).result_rows}
        assert {"toYYYYMMDD(timestamp)", "toYYYYMMDD(received_at)"} <= keys
        assert not any(key.startswith("toYYYYMM(") for key in keys)


@two_shards
def test_a_dry_run_says_what_goes_where(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLICKHOUSE_SHARDS", ",".join(settings.clickhouse_shards))
    for name in ("clickhouse_url", "clickhouse_user"):
        monkeypatch.setenv(name.upper(), getattr(settings, name))
    password = settings.clickhouse_password.get_secret_value()
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", password)
    printed = CliRunner().invoke(app, ["migrate", "--dry-run"]).output
    for server in servers_of(settings):
        assert f"-- {server.url}, shard {server.number} of {server.count}\n" in printed
    assert "ENGINE = Distributed('liquidations', " in printed
    assert "cityHash64(event_id)" in printed
    with closing(connect(settings, use_database=False)) as client:
        assert settings.clickhouse_database not in str(client.command("SHOW DATABASES"))
