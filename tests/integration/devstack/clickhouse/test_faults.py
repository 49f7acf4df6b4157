"""Each injected fault, and what clickhouse-connect makes of it."""

import http.client
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import (
    DatabaseError,
    OperationalError,
    StreamFailureError,
)

pytestmark = pytest.mark.integration

INSERT = r"insert into .?ticks"
Stored = Callable[[], tuple[int, int]]


@pytest.fixture
def fault(ask: Callable[..., Any], database: str) -> Callable[..., None]:
    """Order a fault; the database fixture clears them all."""
    assert database

    def fault(kind: str, match: str = "", **order: Any) -> None:
        answer = ask(json.dumps({"kind": kind, "match": match, **order}), path="/__fault")
        assert answer.status == 200

    return fault


@pytest.fixture
def hits(ask: Callable[..., Any]) -> Callable[[], list[int]]:
    return lambda: [rule["hits"] for rule in json.loads(ask(method="GET", path="/__fault").body)]


@pytest.fixture
def impatient(connect: Callable[..., Client], database: str) -> Client:
    return connect(database=database, send_receive_timeout=1)


def insert_500(client: Client) -> int:
    rows = [[n] for n in range(500)]
    written: int = client.insert("ticks", rows, column_names=["n"]).written_rows
    return written


@pytest.mark.parametrize(
    ("status", "error"), [(503, OperationalError), (429, OperationalError), (502, DatabaseError)]
)
def test_status(
    fault: Callable[..., None],
    hits: Callable[[], list[int]],
    client: Client,
    status: int,
    error: type[Exception],
) -> None:
    fault("status", INSERT, argument=status)
    with pytest.raises(error):
        insert_500(client)
    assert client.command("SELECT count() FROM ticks") == 0
    assert hits() == [1]
    assert insert_500(client) == 500


def test_exception(fault: Callable[..., None], client: Client, stored: Stored) -> None:
    for code, name in ((241, "MEMORY_LIMIT_EXCEEDED"), (252, "TOO_MANY_PARTS"), (164, "READONLY")):
        fault("exception", INSERT, argument=code)
        with pytest.raises(DatabaseError) as refused:
            insert_500(client)
        assert (refused.value.code, refused.value.name) == (code, name)
    assert stored() == (0, 0)


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("reset_before", 500),
        ("reset_mid_body", 500),
        ("reset_after", 1000),  # it had been stored when the client sent it once more
    ],
)
def test_the_client_sends_an_insert_again_after_a_reset(
    fault: Callable[..., None], client: Client, stored: Stored, kind: str, rows: int
) -> None:
    fault(kind, INSERT)
    assert insert_500(client) == 500
    assert stored()[0] == rows


@pytest.mark.parametrize(("kind", "rows"), [("reset_before", 0), ("reset_after", 1000)])
def test_resets_without_end(
    fault: Callable[..., None], client: Client, stored: Stored, kind: str, rows: int
) -> None:
    fault(kind, INSERT, times=None)
    with pytest.raises(OperationalError):
        insert_500(client)
    assert stored()[0] == rows


def test_a_body_that_cannot_be_sent_again_is_stored_once(
    fault: Callable[..., None], client: Client, stored: Stored
) -> None:
    fault("reset_after", INSERT)
    with pytest.raises(OperationalError):
        client.raw_insert("ticks", insert_block=io.BytesIO(b'{"n":7}\n'), fmt="JSONEachRow")
    assert stored() == (1, 7)


@pytest.mark.parametrize(("kind", "rows"), [("hang_before", 0), ("hang_after", 500)])
def test_silence(
    fault: Callable[..., None], impatient: Client, stored: Stored, kind: str, rows: int
) -> None:
    fault(kind, INSERT)
    with pytest.raises(OperationalError):
        insert_500(impatient)
    assert stored()[0] == rows


def test_silence_ends_when_faults_are_cleared(
    fault: Callable[..., None], hits: Callable[[], list[int]], ask: Callable[..., Any]
) -> None:
    fault("hang_before", "select 1")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, "SELECT 1")
        while hits() != [1]:
            assert not waiting.done()
        cleared = json.loads(ask(method="DELETE", path="/__fault").body)
        assert [rule["hits"] for rule in cleared] == [1]
        with pytest.raises(http.client.RemoteDisconnected):
            waiting.result(timeout=30)
    assert ask("SELECT 1").body == b"1\n"


def test_slow(
    fault: Callable[..., None], hits: Callable[[], list[int]], ask: Callable[..., Any]
) -> None:
    fault("slow", "select 1", argument=3600)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(ask, "SELECT 1")
        while hits() != [1]:
            assert not late.done()
        ask(method="DELETE", path="/__fault")
        assert late.result(timeout=30).body == b"1\n"


def test_cut_response(fault: Callable[..., None], ask: Callable[..., Any], client: Client) -> None:
    sql = "SELECT number FROM numbers(300000)"
    fault("cut_response", "numbers", argument=1000)
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(sql)
    assert len(cut.value.partial) == 1000
    fault("cut_response", "numbers")
    result = client.query(sql)
    with pytest.raises(StreamFailureError):
        _ = result.result_rows  # the client reads the answer only now


def test_an_order_that_makes_no_sense_is_refused(ask: Callable[..., Any]) -> None:
    answer = ask(b'{"kind": "explode"}', path="/__fault")
    assert answer.status == 400
    assert b"explode" in answer.body
