"""The users that docs/clickhouse.md recommends, on a server: each may do its work and no more."""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from liq.devstack.clickhouse_server.configuration import User
from liq.devstack.clickhouse_server.servers import ClickHouseServers, ServerOptions, reader
from liq.devstack.supervisor import Supervisor
from liq.runtime.settings import Settings, load_settings
from liq.schemas.codec import encode as encode_record
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.encoding import encode
from liq.sinks.clickhouse.migrations import check_schema, migrate
from liq.sinks.clickhouse.redelivery import Redelivery
from liq.sinks.clickhouse.tables import LIQUIDATIONS
from liq.sinks.clickhouse.writer import insert
from tests.support.clickhouse_server import needs_server
from tests.support.consumed_record import Record
from tests.support.paths import DOCS
from tests.support.sample_records import liquidation

pytestmark = [pytest.mark.integration, needs_server]

DATABASE = "liquidations"
GRANT = re.compile(r"^(GRANT [^;]+?) TO (liq_\w+);$", re.MULTILINE)
NOT_ALLOWED, READ_ONLY = 497, 164


def documented_users() -> tuple[User, ...]:
    """The users of the page with their grants; what the page sets for them is set here."""
    page = (DOCS / "clickhouse.md").read_text()
    grants: dict[str, list[str]] = {}
    for grant, user in GRANT.findall(page):
        if "CLUSTER" not in grant:
            grants.setdefault(user, []).append(" ".join(grant.split()))
    # That the page shows this profile is a test of its own (test_reader.py).
    profile = reader()
    assert f"CREATE USER {profile.name} IDENTIFIED" in page
    return tuple(
        replace(profile, password=name, grants=tuple(listed))
        if name == profile.name
        else User(name=name, password=name, grants=tuple(listed))
        for name, listed in grants.items()
    )


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServers]:
    directory: Path = tmp_path_factory.mktemp("servers")
    options = ServerOptions(users=documented_users())
    with Supervisor(directory / "logs") as supervisor:
        started = ClickHouseServers(supervisor, directory, options)
        started.start()
        yield started


def settings_of(servers: ClickHouseServers, user: str) -> Settings:
    return load_settings(
        clickhouse_url=servers.nodes[0].url,
        clickhouse_user=user,
        clickhouse_password=user,
        clickhouse_database=DATABASE,
    )


@pytest.fixture
def migrated(servers: ClickHouseServers) -> None:
    """The schema, made by the migrator."""
    with closing(connect(settings_of(servers, "liq_migrator"), use_database=False)) as migrator:
        migrate(migrator, DATABASE)
        assert migrate(migrator, DATABASE) == ()


def code_of(client: Client, sql: str) -> int | None:
    with pytest.raises(DatabaseError) as refused:
        client.command(sql)
    return refused.value.code


@pytest.mark.usefixtures("migrated")
def test_each_user_can_do_its_work(servers: ClickHouseServers) -> None:
    records = [Record(encode_record(liquidation(number)), number) for number in range(10)]
    with closing(connect(settings_of(servers, "liq_ingest"), use_database=False)) as ingest:
        check_schema(ingest, DATABASE)
        ingest.database = DATABASE
        for _ in range(2):
            assert insert(ingest, encode(LIQUIDATIONS, records)) == []
        redelivery = Redelivery()
        redelivery.watch([("events", 0)])
        assert redelivery.look_up([ingest], LIQUIDATIONS, records) is not None
    with closing(connect(settings_of(servers, "liq_reader"))) as asker:
        sql = "SELECT sum(events) FROM liquidations_by_venue_side"
        assert asker.query(sql, settings={"max_threads": 1}).result_rows == [(10,)]


@pytest.mark.usefixtures("migrated")
def test_no_user_can_do_more(servers: ClickHouseServers) -> None:
    with closing(connect(settings_of(servers, "liq_ingest"))) as ingest:
        for sql in (
            "DROP TABLE liquidations",
            "ALTER TABLE liquidations DROP COLUMN price",
            "CREATE TABLE mine (a Int8) ENGINE = MergeTree ORDER BY a",
            "SELECT * FROM file('/etc/passwd', LineAsString)",
        ):
            assert code_of(ingest, sql) == NOT_ALLOWED, sql
    with closing(connect(settings_of(servers, "liq_reader"))) as asker:
        assert code_of(asker, "INSERT INTO feeds (feed) VALUES ('x')") in {NOT_ALLOWED, READ_ONLY}
        assert code_of(asker, "SELECT * FROM url('http://127.0.0.1:1/', CSV)") == NOT_ALLOWED
