"""The SQL of docs/backup.md on a server: what is restored is what was there, and goes on."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from liq.cli.rights.clickhouse import GRANTS
from liq.devstack.clickhouse_server.configuration import User
from liq.devstack.clickhouse_server.servers import ClickHouseServers, ServerOptions, owner
from liq.devstack.supervisor import Supervisor
from liq.runtime.settings import load_settings
from liq.schemas.codec import encode as encode_record
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.encoding import encode
from liq.sinks.clickhouse.migrations import migrate
from liq.sinks.clickhouse.tables import LIQUIDATIONS
from liq.sinks.clickhouse.writer import insert
from tests.support.clickhouse_server import needs_server
from tests.support.consumed_record import Record
from tests.support.paths import DOCS
from tests.support.sample_records import liquidation

pytestmark = [pytest.mark.integration, needs_server]

DATABASE = "liquidations"
OWNER = owner("of the owner")
BACKUP = User(
    name="liq_backup",
    password="of backups",
    grants=[f"GRANT {grant.format(database=DATABASE)}" for grant in GRANTS["backup"]],
)
BEFORE, AFTER = 200, 300
PAGE = (DOCS / "backup.md").read_text()
FULL, MORE = re.findall(r"^(BACKUP DATABASE .*);$", PAGE, re.MULTILINE)
[RESTORE] = re.findall(r"^(RESTORE DATABASE .*);$", PAGE, re.MULTILINE)
NOT_ALLOWED = 497


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[ClickHouseServers]:
    with Supervisor(tmp_path / "logs") as supervisor:
        started = ClickHouseServers(supervisor, tmp_path, ServerOptions(users=(OWNER, BACKUP)))
        started.start()
        yield started


def client(servers: ClickHouseServers, user: User) -> Client:
    settings = load_settings(
        clickhouse_url=servers.nodes[0].url,
        clickhouse_user=user.name,
        clickhouse_password=user.password,
        clickhouse_database=DATABASE,
    )
    return connect(settings, use_database=False)


def store(writer: Client, first: int, until: int) -> None:
    writer.database = DATABASE
    records = [Record(encode_record(liquidation(number)), number) for number in range(first, until)]
    assert insert(writer, encode(LIQUIDATIONS, records)) == []


def stored(reader: Client) -> list[tuple[object, ...]]:
    query = f"SELECT * FROM {DATABASE}.liquidations_by_venue_side ORDER BY ALL"  # noqa: S608
    return [tuple(row) for row in reader.query(query).result_rows]


def test_the_documented_backups_bring_everything_back(servers: ClickHouseServers) -> None:
    with closing(client(servers, OWNER)) as writer, closing(client(servers, BACKUP)) as keeper:
        migrate(writer, DATABASE)
        store(writer, 0, BEFORE)
        keeper.query(FULL)
        store(writer, BEFORE, AFTER)
        keeper.query(MORE)
        rows = stored(writer)
        writer.database = "default"
        writer.command(f"DROP DATABASE {DATABASE} SYNC")
        keeper.query(RESTORE)
        assert migrate(writer, DATABASE) == ()
        assert stored(writer) == rows
        # What Kafka delivers again after its group was reset replaces itself.
        store(writer, BEFORE - 50, AFTER)
        assert stored(writer) == rows


def test_the_user_of_backups_can_do_no_more(servers: ClickHouseServers) -> None:
    with closing(client(servers, OWNER)) as writer, closing(client(servers, BACKUP)) as keeper:
        migrate(writer, DATABASE)
        for sql in (
            f"DROP DATABASE {DATABASE}",
            f"ALTER TABLE {DATABASE}.liquidations DROP COLUMN price",
            "SELECT * FROM file('/etc/passwd', LineAsString)",
        ):
            with pytest.raises(DatabaseError) as refused:
                keeper.command(sql)
            assert refused.value.code == NOT_ALLOWED
        with pytest.raises(DatabaseError) as refused:
            writer.query(FULL)
        assert refused.value.code == NOT_ALLOWED
