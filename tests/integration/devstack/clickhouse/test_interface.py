"""Routes, errors, and who may ask."""

import http.client
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.support.clickhouse_child import ClickHouseChild

pytestmark = pytest.mark.integration


def test_ready_line_and_ping(
    server: ClickHouseChild, ask: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    assert server.about["event"] == "clickhouse_ready"
    assert server.about["url"] == f"http://127.0.0.1:{server.port}"
    assert server.about["pid"] == server.process.pid
    for path in ("/ping", "/"):
        answer = ask(method="GET", path=path)
        assert (answer.status, answer.body) == (200, b"Ok.\n")
    assert ask(method="HEAD", path="/ping").body == b""
    assert ask(method="GET", path="/nothing").status == 404
    assert ask(method="PUT", query="SELECT 1").status == 405
    assert connect().ping()


def test_default_database_is_the_named_one_and_atomic(ask: Callable[..., Any]) -> None:
    answer = ask(
        "SELECT currentDatabase(), engine FROM system.databases WHERE name = currentDatabase()"
    )
    assert answer.body == b"liquidations\tAtomic\n"
    assert answer.headers["X-ClickHouse-Format"] == "TabSeparated"
    assert answer.headers["X-ClickHouse-Timezone"]


def test_one_connection_serves_many_requests(server: ClickHouseChild) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.connect()
    used = connection.sock
    big = b"INSERT INTO nothing FORMAT CSV\n" + b"1\n" * 1_000_000
    for body, status in (
        (b"SELECT 1", 200),
        (b"SELECT nothing", 404),
        (big, 404),
        (b"SELECT 2", 200),
    ):
        connection.request("POST", "/", body)
        response = connection.getresponse()
        response.read()
        assert (response.status, connection.sock) == (status, used)
    connection.close()


@pytest.mark.parametrize(
    ("sql", "code", "status"),
    [
        ("SELEC 1", 62, 400),
        ("", 62, 400),
        ("SELECT 1; SELECT 2", 62, 400),
        ("SELECT * FROM nothing", 60, 404),
        ("SELECT nothing", 47, 404),
        ("SELECT no_such_function()", 46, 404),
        ("SELECT 1 FORMAT Nothing", 73, 404),
        ("SELECT 1 SETTINGS nothing = 1", 115, 404),
        ("SELECT toUInt8('x')", 6, 400),
        ("SELECT throwIf(1)", 395, 500),
        ("SELECT {missing:Int8}", 456, 500),
        ("SELECT sleep(3) SETTINGS max_execution_time = 0.1", 159, 408),
        ("CREATE TABLE t (a Int8) ENGINE = Nothing", 56, 404),
        ("SELECT 1 INTO OUTFILE 'x'", 358, 500),
        ("INSERT INTO t FROM INFILE 'x' FORMAT CSV", 48, 501),
        ("INSERT INTO nothing FORMAT CSV\n1", 60, 404),
    ],
)
def test_errors_have_their_code_and_status(
    server: ClickHouseChild, ask: Callable[..., Any], sql: str, code: int, status: int
) -> None:
    answer = ask(sql)
    assert (answer.code, answer.status) == (str(code), status)
    assert answer.body.startswith(b"Code: %d. DB::Exception: " % code)
    assert answer.body.endswith(b"(version %b)\n" % server.about["version"].encode())


def test_errors_reach_clickhouse_connect_with_code_and_name(
    client: Client, connect: Callable[..., Client]
) -> None:
    with pytest.raises(DatabaseError) as refused:
        client.query("SELECT * FROM nothing")
    assert (refused.value.code, refused.value.name) == (60, "UNKNOWN_TABLE")
    with pytest.raises(DatabaseError) as refused:
        connect(database="no_such_database")
    assert refused.value.code == 81


def test_get_only_reads(ask: Callable[..., Any]) -> None:
    assert ask(method="GET", query="SELECT 1").body == b"1\n"
    answer = ask(method="GET", query="CREATE DATABASE d")
    assert (answer.code, answer.status) == ("164", 500)
    session = uuid.uuid4().hex
    assert ask("CREATE TEMPORARY TABLE t (a Int8)", session_id=session).status == 200
    assert ask(method="GET", query="DROP TABLE t", session_id=session).code == "164"
    assert ask(method="GET", query="SELECT count() FROM t", session_id=session).body == b"0\n"


def test_web_pages_are_refused(ask: Callable[..., Any]) -> None:
    assert ask("SELECT 1", headers={"Origin": "https://page.example"}).status == 403
    assert ask("SELECT 1", headers={"Host": "rebound.example"}).status == 403


def test_only_the_configured_user_is_known(ask: Callable[..., Any]) -> None:
    assert ask("SELECT 1", user="default", password="any").body == b"1\n"
    assert ask("SELECT 1", headers={"X-ClickHouse-User": "other"}).code == "516"
