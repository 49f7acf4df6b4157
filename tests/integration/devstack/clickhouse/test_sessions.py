"""Sessions: what stays, what does not, and who has to wait."""

import http.client
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.support.clickhouse_child import ClickHouseChild

pytestmark = pytest.mark.integration

DEFAULT_BLOCK_SIZE = 65_409


def test_sessions_keep_temporary_tables_settings_and_database(
    connect: Callable[..., Client], database: str
) -> None:
    one, other = connect(), connect()
    one.command("CREATE TEMPORARY TABLE notes (n UInt64)")
    one.insert("notes", [[1], [2]], column_names=["n"])
    one.command("SET max_block_size = 777")
    one.command(f"USE {database}")
    state = "SELECT sum(n), getSetting('max_block_size'), currentDatabase() FROM notes"
    assert one.query(state).result_rows == [(3, 777, database)]
    with pytest.raises(DatabaseError) as refused:
        other.query("SELECT * FROM notes")
    assert refused.value.code == 60
    assert other.command("SELECT getSetting('max_block_size')") == DEFAULT_BLOCK_SIZE


def test_a_request_changes_nothing_of_its_session(
    connect: Callable[..., Client], ask: Callable[..., Any], database: str
) -> None:
    session = uuid.uuid4().hex
    client = connect(session_id=session)
    client.command("SET max_block_size = 777")
    sql = "SELECT getSetting('max_block_size'), getSetting('max_threads') = 3, currentDatabase()"
    settings = {"max_block_size": 5, "max_threads": 3, "database": database}
    assert client.query(sql, settings=settings).result_rows == [(5, True, database)]
    assert client.query(sql).result_rows == [(777, False, "liquidations")]
    with pytest.raises(DatabaseError):
        client.query("SELECT nothing", settings=settings)
    assert client.query(sql).result_rows == [(777, False, "liquidations")]
    assert ask(sql, session_id=session).body == b"777\t0\tliquidations\n"


def test_a_session_goes_when_it_is_closed(ask: Callable[..., Any]) -> None:
    session = uuid.uuid4().hex
    assert ask("CREATE TEMPORARY TABLE t (a Int8)", session_id=session).status == 200
    assert ask("SELECT * FROM t", session_id=session, close_session="1").status == 200
    assert ask("SELECT * FROM t", session_id=session, session_check="1").code == "372"
    assert ask("SELECT * FROM t", session_id=session).code == "60"


def test_a_busy_session_refuses_a_second_request(
    server: ClickHouseChild, ask: Callable[..., Any]
) -> None:
    session = uuid.uuid4().hex
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    url = "/?" + urlencode({"session_id": session})
    connection.request("POST", url, "SELECT number FROM numbers(1000000000)")
    response = connection.getresponse()
    response.read(10)
    busy = ask("SELECT 1", session_id=session)
    assert (busy.code, busy.status) == ("373", 500)
    response.close()
    connection.close()
    while ask("SELECT 1", session_id=session).code == "373":
        pass  # until the server has noticed that the client has gone
    assert ask("SELECT 1", session_id=session, session_check="1").body == b"1\n"


def test_an_answer_means_that_its_session_is_free(server: ClickHouseChild) -> None:
    """A client that has all of an answer sends its next request, maybe on another connection."""
    url = "/?" + urlencode({"session_id": uuid.uuid4().hex})
    connections = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=30) for _ in "ab"]
    for connection in connections * 20:
        for sql in ("SELECT 1", "SELECT number FROM numbers(200000)"):
            connection.request("POST", url, sql)
            response = connection.getresponse()
            response.read()
            assert response.status == 200
    for connection in connections:
        connection.close()


def test_a_session_that_must_exist(ask: Callable[..., Any]) -> None:
    assert ask("SELECT 1", session_id=uuid.uuid4().hex, session_check="1").code == "372"
