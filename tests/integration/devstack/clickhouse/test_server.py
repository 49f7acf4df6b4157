"""ClickHouse's own server as child processes: rights, kills, shards, and the end of its parent."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from liq.devstack.clickhouse_server.configuration import CLUSTER, READER_GRANT, User
from liq.devstack.clickhouse_server.servers import ClickHouseServers, ServerOptions, owner
from liq.devstack.probe import answers_http
from liq.devstack.supervisor import Supervisor
from tests.support.clickhouse_server import needs_server

pytestmark = [pytest.mark.integration, needs_server]

OWNER = owner("of the owner")
READER = User(
    name="reader",
    password="of the reader",
    grants=(READER_GRANT,),
    settings={"readonly": "2"},
)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServers]:
    directory = tmp_path_factory.mktemp("servers")
    with Supervisor(directory / "logs") as supervisor:
        started = ClickHouseServers(
            supervisor, directory, ServerOptions(servers=2, users=(OWNER, READER))
        )
        started.start()
        yield started


def open_client(servers: ClickHouseServers, number: int = 1, user: User = OWNER) -> Client:
    return clickhouse_connect.get_client(
        dsn=servers.nodes[number - 1].url,
        username=user.name,
        password=user.password,
        autogenerate_session_id=False,
    )


@pytest.fixture
def client(servers: ClickHouseServers) -> Iterator[Client]:
    with closing(open_client(servers)) as opened:
        opened.command("CREATE DATABASE test")
        opened.database = "test"
        yield opened
        opened.command("DROP DATABASE test")


def code_of(run: Callable[[], Any]) -> int | None:
    with pytest.raises(DatabaseError) as refused:
        run()
    return refused.value.code


def test_a_wrong_login_is_refused(servers: ClickHouseServers) -> None:
    wrong = User(name=OWNER.name, password="wrong")
    assert code_of(lambda: open_client(servers, user=wrong)) == 516
    # The process's own user has spent its quota.
    assert code_of(lambda: open_client(servers, user=User(name="default", password=""))) == 201


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/passwd', LineAsString)",
        "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
        "SELECT * FROM s3('http://127.0.0.1:1/bucket/key.csv', 'CSV', 'a String')",
        "CREATE TABLE f (a String) ENGINE = File(CSV, '/etc/passwd')",
        "CREATE TABLE u (a String) ENGINE = URL('http://127.0.0.1:1/', CSV)",
        "CREATE USER somebody",
        "SYSTEM SHUTDOWN",
    ],
)
def test_sql_reaches_no_file_and_no_foreign_host(client: Client, sql: str) -> None:
    assert code_of(lambda: client.command(sql)) == 497


def test_a_reader_only_reads(servers: ClickHouseServers, client: Client) -> None:
    client.command("CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a")
    with closing(open_client(servers, user=READER)) as reader:
        assert reader.query("SELECT count() FROM test.t").result_rows == [(0,)]
        assert code_of(lambda: reader.command("INSERT INTO test.t VALUES (1)")) == 497


def test_a_killed_server_comes_back_with_what_it_acknowledged(
    servers: ClickHouseServers, client: Client
) -> None:
    client.command("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n")
    client.insert("kept", [[n] for n in range(2000)], column_names=["n"])
    port = servers.nodes[0].http_port
    servers.kill_server(1)
    assert not answers_http(f"{servers.nodes[0].url}/ping")
    servers.start_server(1)
    assert servers.nodes[0].http_port == port
    with closing(open_client(servers)) as again:
        assert again.query("SELECT count(), sum(n) FROM test.kept").result_rows == [(2000, 1999000)]


def test_servers_are_the_shards_of_a_cluster(servers: ClickHouseServers, client: Client) -> None:
    with closing(open_client(servers, 2)) as other:
        for each in (client, other):
            each.command("CREATE DATABASE IF NOT EXISTS shard")
            each.command("CREATE TABLE shard.t (id String) ENGINE = ReplacingMergeTree ORDER BY id")
        client.command(
            "CREATE TABLE both (id String) ENGINE = "
            f"Distributed('{CLUSTER}', 'shard', 't', cityHash64(id))"
        )
        for _ in range(2):
            client.command(
                "INSERT INTO both SELECT toString(number) FROM numbers(1000) "
                "SETTINGS distributed_foreground_insert = 1"
            )
        counts = [
            each.query("SELECT count() FROM shard.t").result_rows[0][0] for each in (client, other)
        ]
        assert sum(counts) == client.command("SELECT count() FROM both")
        assert min(counts) > 0
        assert client.command("SELECT count() FROM both FINAL") == 1000
        for each in (client, other):
            each.command("DROP DATABASE shard")


def test_servers_end_with_their_parent(tmp_path: Path) -> None:
    """A parent that is killed cannot tell its children anything."""
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from liq.devstack.clickhouse_server.servers import ClickHouseServers\n"
        "from liq.devstack.supervisor import Supervisor\n"
        "directory = Path(sys.argv[1])\n"
        "with Supervisor(directory / 'logs') as supervisor:\n"
        "    servers = ClickHouseServers(supervisor, directory)\n"
        "    servers.start()\n"
        "    print(servers.process_id(), flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        watched = os.pidfd_open(server)
        parent.send_signal(signal.SIGKILL)
    assert select.select([watched], [], [], 60)[0], "readable once the process has ended"
    os.close(watched)
