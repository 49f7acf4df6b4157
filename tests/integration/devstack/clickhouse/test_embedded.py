"""The embedded ClickHouse: what `liq demo`, `liq dev` and clickhouse-connect need of a server."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from liq.devstack.clickhouse_server.servers import owner
from liq.devstack.supervisor import ChildFailure, Supervisor
from liq.devstack.warehouse import NAME, PASSWORD_VARIABLE, EmbeddedClickHouse

pytestmark = pytest.mark.integration

USER = owner("correct horse")
LOGIN = {"X-ClickHouse-User": USER.name, "X-ClickHouse-Key": USER.password}
INSERT = "INSERT INTO ticks (n) FORMAT CSV"


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    with Supervisor(tmp_path_factory.mktemp("logs")) as started:
        yield started


@pytest.fixture(scope="module")
def port(supervisor: Supervisor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    server = EmbeddedClickHouse(supervisor, tmp_path_factory.mktemp("clickhouse"), user=USER)
    yield urlsplit(server.start().url).port or 0
    assert supervisor.stop(NAME) == {NAME: 0}


def open_client(port: int, **options: Any) -> Client:
    return clickhouse_connect.get_client(
        host="127.0.0.1", port=port, username=USER.name, **{"password": USER.password} | options
    )


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    with closing(open_client(port)) as opened:
        opened.command("CREATE TABLE ticks (s String, n UInt64) ENGINE = MergeTree ORDER BY n")
        yield opened
        opened.command("DROP TABLE ticks")


class Answer:
    """A complete answer, as a plain HTTP client sees it."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.code = self.headers["X-ClickHouse-Exception-Code"]


@pytest.fixture
def ask(port: int) -> Callable[..., Answer]:
    """Send one plain HTTP request; keywords that are left over become the URL's."""

    def send(
        body: Any = None,
        method: str = "POST",
        path: str = "/",
        headers: dict[str, str] | None = None,
        **parameters: str,
    ) -> Answer:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            url = f"{path}?{urlencode(parameters)}" if parameters else path
            connection.request(method, url, body, LOGIN if headers is None else headers)
            return Answer(connection.getresponse())

    return send


def stored(client: Client) -> tuple[int, int]:
    [(count, total)] = client.query("SELECT count(), sum(n) FROM ticks").result_rows
    return count, total


def test_a_ping_needs_no_login_and_a_query_does(ask: Callable[..., Answer], port: int) -> None:
    assert ask(method="GET", path="/ping", headers={}).body == b"Ok.\n"
    assert ask(method="GET", path="/nothing").status == 404
    for headers in ({}, {**LOGIN, "X-ClickHouse-Key": "wrong"}, {"X-ClickHouse-User": "default"}):
        answer = ask("SELECT 1", headers=headers)
        assert (answer.code, answer.status) == ("516", 403)
    with pytest.raises(DatabaseError) as refused:
        open_client(port, password="wrong")
    assert refused.value.code == 516


@pytest.mark.parametrize(
    ("sql", "code", "status"),
    [
        ("SELEC 1", 62, 400),
        ("", 62, 400),
        ("SELECT 1; SELECT 2", 62, 400),
        ("SELECT * FROM nothing", 60, 404),
        ("SELECT nothing", 47, 404),
        ("SELECT 1 SETTINGS nothing = 1", 115, 404),
        ("SELECT throwIf(1)", 395, 500),
        ("SELECT sleep(3) SETTINGS max_execution_time = 0.1", 159, 408),
        ("INSERT INTO nothing FORMAT CSV\n1", 60, 404),
        ("SET max_threads = 1", 48, 501),
        ("CREATE TEMPORARY TABLE t (a Int8)", 48, 501),
    ],
)
def test_errors_have_their_code_and_status(
    ask: Callable[..., Answer], sql: str, code: int, status: int
) -> None:
    answer = ask(sql)
    assert (answer.code, answer.status) == (str(code), status)
    assert answer.body.startswith(b"Code: %d. DB::Exception: " % code)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/passwd', LineAsString)",
        "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
        "SELECT * FROM remote('127.0.0.1:1', system.one)",
        "SELECT * FROM s3('http://127.0.0.1:1/bucket/key.csv', 'CSV', 'a String')",
        "INSERT INTO FUNCTION file('/tmp/written', 'CSV', 'a Int8') VALUES (1)",
        "CREATE TABLE f (a String) ENGINE = File(CSV, '/etc/passwd')",
        "CREATE TABLE u (a String) ENGINE = URL('http://127.0.0.1:1/', CSV)",
        "CREATE VIEW v AS SELECT * FROM file('/etc/passwd', LineAsString)",
        "CREATE DICTIONARY d (k UInt64) PRIMARY KEY k SOURCE(NULL()) LIFETIME(0) LAYOUT(FLAT())",
        "CREATE USER somebody",
    ],
)
def test_sql_reaches_no_file_and_no_other_host(ask: Callable[..., Answer], sql: str) -> None:
    answer = ask(sql)
    assert (answer.code, answer.status) == ("497", 403)


@pytest.mark.parametrize(
    "sql", ["SELECT 1 INTO OUTFILE 'x'", "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV"]
)
def test_the_files_of_a_command_line_client_are_not_the_servers(
    ask: Callable[..., Answer], sql: str
) -> None:
    assert ask(sql).code == "48"


@pytest.mark.parametrize(
    "headers",
    [{"Content-Encoding": "gzip"}, {"Content-Type": "multipart/form-data; boundary=b"}],
)
def test_bodies_that_cannot_be_read_are_refused(
    ask: Callable[..., Answer], headers: dict[str, str]
) -> None:
    answer = ask(b"SELECT 1", headers={**LOGIN, **headers})
    assert answer.code == "48"
    assert b"CLICKHOUSE=server" in answer.body


def test_a_get_only_reads(ask: Callable[..., Answer]) -> None:
    assert ask(method="GET", query="SELECT 1").body == b"1\n"
    assert ask(method="GET", query="CREATE DATABASE d").code == "164"


def test_parameters_settings_and_formats(client: Client) -> None:
    text = "it's \\ a\ttab\nand ünïcode"
    parameters = {"text": text, "day": datetime(2026, 11, 2, 3, 4, 5, 678000, UTC), "many": ["a'b"]}
    sql = (
        "SELECT {text:String}, toUnixTimestamp64Milli({day:DateTime64(3, 'UTC')}), "
        "{many:Array(String)}, getSetting('max_threads')"
    )
    found = client.query(sql, parameters=parameters, settings={"max_threads": 3}).result_rows
    assert found == [(text, 1793588645678, ["a'b"], 3)]
    assert client.query("SELECT * FROM ticks LIMIT 0").column_names == ("s", "n")
    assert client.command("SHOW TABLES") == "ticks"
    assert client.command("SELECT s FROM ticks") == ""
    numbers = "SELECT number FROM numbers(70000)"
    assert client.query_arrow(numbers).num_rows == 70_000
    with client.query_rows_stream(numbers) as rows:
        assert sum(row[0] for row in rows) == sum(range(70_000))
    assert json.loads(client.raw_query("SELECT 1 AS a", fmt="JSONEachRow")) == {"a": 1}


def test_inserts_of_the_formats_that_are_sent(client: Client) -> None:
    rows = b"".join(b'{"n":%d}\n' % n for n in range(30_000))
    for body in (rows, BytesIO(rows)):
        summary = client.raw_insert("ticks", insert_block=body, fmt="JSONEachRow")
        assert summary.written_rows == 30_000
    client.command("INSERT INTO ticks (n) VALUES (1), (2)")
    client.command("INSERT INTO ticks (n) SELECT number FROM numbers(3, 2)")
    assert stored(client) == (60_004, 2 * sum(range(30_000)) + 10)


def test_a_bad_row_stores_nothing_and_is_named(client: Client) -> None:
    body = b'{"n":1}\n' * 1000 + b'{"n":1,"unknown":2}\n'
    settings = {"input_format_skip_unknown_fields": 0}
    with pytest.raises(DatabaseError, match="at row 1001") as refused:
        client.raw_insert("ticks", insert_block=body, fmt="JSONEachRow", settings=settings)
    assert refused.value.code == 117
    assert stored(client) == (0, 0)


def test_what_fails_behind_the_parser_is_not_acknowledged(client: Client) -> None:
    client.command("ALTER TABLE ticks ADD CONSTRAINT sane CHECK n < 100")
    with pytest.raises(DatabaseError) as refused:
        client.raw_insert("ticks", column_names=["n"], insert_block=b"1\n100\n", fmt="CSV")
    assert refused.value.code == 469


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_dies_within_its_insert_stores_nothing(
    port: int, client: Client, *, chunked: bool
) -> None:
    body = b"1\n" * 50_000
    framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 99999999"
    head = [
        f"POST /?{urlencode({'query': INSERT})} HTTP/1.1",
        *("Host: localhost", framing),
        *(f"{name}: {text}" for name, text in LOGIN.items()),
    ]
    with socket.create_connection(("127.0.0.1", port)) as dying:
        dying.sendall("\r\n".join([*head, "", ""]).encode())
        dying.sendall(b"%x\r\n%b\r\n" % (len(body), body) if chunked else body)
        dying.shutdown(socket.SHUT_WR)
        assert b" 500 " in dying.makefile("rb").readline()
    assert stored(client) == (0, 0)


def test_many_at_once_lose_nothing_and_keep_their_settings(client: Client, port: int) -> None:
    def work(number: int) -> int:
        with closing(open_client(port)) as own:
            for turn in range(10):
                own.raw_insert("ticks", column_names=["n"], insert_block=b"1\n" * 50, fmt="CSV")
                size = 1000 * number + turn + 1
                sql = "SELECT getSetting('max_block_size')"
                assert own.query(sql, settings={"max_block_size": size}).result_rows == [(size,)]
        return number

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(work, range(8))) == list(range(8))
    assert stored(client) == (4000, 4000)


def test_a_killed_engine_reopens_with_every_acknowledged_insert(tmp_path: Path) -> None:
    acknowledged: list[int] = []
    with Supervisor(tmp_path / "logs") as supervisor:
        server = EmbeddedClickHouse(supervisor, tmp_path / "data", user=USER)
        client = open_client(urlsplit(server.start().url).port or 0)
        client.command("CREATE TABLE batches (batch UInt64) ENGINE = MergeTree ORDER BY batch")

        def insert_without_end() -> None:
            for batch in range(1_000_000):
                client.raw_insert("batches", insert_block=b"%d\n" % batch * 100, fmt="CSV")
                acknowledged.append(batch)

        with ThreadPoolExecutor(1) as pool:
            writer = pool.submit(insert_without_end)
            while len(acknowledged) < 50:
                assert not writer.done()
            os.kill(supervisor.process_id(NAME), signal.SIGKILL)
            with pytest.raises(OperationalError):
                writer.result(timeout=60)
        server.stop()
        client = open_client(urlsplit(server.start().url).port or 0)
        sql = "SELECT batch, count() FROM batches GROUP BY batch ORDER BY batch"
        rows: Any = client.query(sql).result_rows
        found: dict[int, int] = dict(rows)
    assert list(found)[: len(acknowledged)] == acknowledged
    assert len(found) <= len(acknowledged) + 1  # the one under way may be stored too
    assert set(found.values()) == {100}


def test_a_start_that_cannot_work_says_why(tmp_path: Path, port: int) -> None:
    options = ["--data-dir", str(tmp_path / "data"), "--database", "d", "--user", "u"]
    command = [sys.executable, "-m", "liq.devstack.clickhouse", "--port", str(port), *options]
    for password, reason in (("", PASSWORD_VARIABLE), ("p", f"listen on port {port}")):
        failed = subprocess.run(
            command,
            env={**os.environ, PASSWORD_VARIABLE: password},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert failed.returncode == 1
        assert reason in failed.stderr


def test_two_processes_do_not_share_a_directory(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "logs") as one, Supervisor(tmp_path / "more") as other:
        EmbeddedClickHouse(one, tmp_path / "data").start()
        with pytest.raises(ChildFailure, match=r"another process using it\?"):
            EmbeddedClickHouse(other, tmp_path / "data").start()


def test_a_missing_engine_is_named() -> None:
    without_engine = (
        "import sys; sys.modules['chdb'] = None\n"
        "from liq.devstack.clickhouse.__main__ import main; sys.exit(main())"
    )
    failed = subprocess.run(
        [sys.executable, "-c", without_engine], capture_output=True, text=True, check=False
    )
    assert failed.returncode == 1
    assert "chdb is not installed; install liquidation-engine[devstack]" in failed.stderr
