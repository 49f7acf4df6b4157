"""Inserts: every way clickhouse-connect has, all rows or none, and many at once."""

import gzip
import io
import json
import socket
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import lz4.frame
import pyarrow as pa
import pytest
from backports import zstd
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.support.clickhouse_child import ClickHouseChild

pytestmark = pytest.mark.integration

COLUMNS = ["time", "symbol", "side", "price", "n"]
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}


def rows(count: int, start: int = 0) -> list[list[Any]]:
    time = datetime(2026, 11, 2, 3, 4, 5, 678000, UTC)
    price = Decimal("67123.123456789012")
    return [[time, "BTCUSDT", "long", price, n] for n in range(start, start + count)]


def lines(count: int) -> list[bytes]:
    return [b'{"n":%d}\n' % n for n in range(count)]


def test_values_come_back_as_they_went_in(client: Client) -> None:
    client.insert("ticks", rows(2), column_names=COLUMNS)
    found = client.query("SELECT * FROM ticks ORDER BY n", query_tz="UTC", tz_mode="aware")
    assert [list(row) for row in found.result_rows] == rows(2)


def test_a_large_insert_of_many_frames_is_counted(
    client: Client, stored: Callable[[], tuple[int, int]]
) -> None:
    assert client.insert("ticks", rows(200_000), column_names=COLUMNS).written_rows == 200_000
    assert stored() == (200_000, sum(range(200_000)))
    parts = "SELECT count() FROM system.parts WHERE active AND database = currentDatabase()"
    assert client.command(parts) == 1


def test_columns_and_reused_insert_contexts(
    client: Client, stored: Callable[[], tuple[int, int]]
) -> None:
    context = client.create_insert_context("ticks", column_names=COLUMNS)
    for start in (0, 100):
        context.data = rows(100, start)
        assert client.insert(context=context).written_rows == 100
    client.insert("ticks", [[200, 201]], column_names=["n"], column_oriented=True)
    assert stored() == (202, sum(range(202)))


def test_arrow(client: Client) -> None:
    table = pa.table({"n": pa.array(range(70_000), pa.uint64())})
    client.insert_arrow("ticks", table)
    back = client.query_arrow("SELECT n FROM ticks ORDER BY n")
    assert back.column("n").to_pylist() == list(range(70_000))
    with client.query_arrow_stream("SELECT n FROM ticks") as stream:
        assert sum(part.num_rows for part in stream) == 70_000


@pytest.mark.parametrize("encoding", [None, *COMPRESSORS])
@pytest.mark.parametrize("shape", ["bytes", "file", "generator"])
def test_raw_inserts(
    client: Client, stored: Callable[[], tuple[int, int]], encoding: str | None, shape: str
) -> None:
    blocks = [b"".join(lines(30_000)[at : at + 1000]) for at in range(0, 30_000, 1000)]
    if encoding is not None:
        blocks = [COMPRESSORS[encoding](block) for block in blocks]
    whole = b"".join(blocks)
    bodies: dict[str, Any] = {
        "bytes": whole,
        "file": io.BytesIO(whole),
        "generator": iter(blocks),
    }
    summary = client.raw_insert(
        "ticks",
        insert_block=bodies[shape],
        fmt="JSONEachRow",
        compression=encoding,
        settings={"input_format_skip_unknown_fields": 0},
    )
    assert summary.written_rows == 30_000
    assert stored() == (30_000, sum(range(30_000)))


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip"])
def test_native_in_both_directions_with_every_compression(
    connect: Callable[..., Client], database: str, compress: str
) -> None:
    client = connect(database=database, compress=compress)
    client.insert("ticks", rows(70_000), column_names=COLUMNS)
    found = client.query("SELECT n FROM ticks ORDER BY n")
    assert found.result_columns == [list(range(70_000))]


def test_a_plain_client_inserts_json_in_chunks(
    ask: Callable[..., Any], database: str, stored: Callable[[], tuple[int, int]]
) -> None:
    sql = "INSERT INTO ticks FORMAT JSONEachRow"
    answer = ask(iter(lines(1000)), query=sql, database=database)
    assert (answer.status, answer.body) == (200, b"")
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "1000"
    assert stored() == (1000, sum(range(1000)))


def test_values_and_selects_insert_too(
    ask: Callable[..., Any], client: Client, database: str, stored: Callable[[], tuple[int, int]]
) -> None:
    client.command("INSERT INTO ticks (n) VALUES (1), (2)")
    answer = ask("INSERT INTO ticks (n) SELECT number FROM numbers(3, 8)", database=database)
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "8"
    assert stored() == (10, sum(range(11)))


def test_a_bad_row_stores_nothing_and_is_named(
    client: Client, stored: Callable[[], tuple[int, int]]
) -> None:
    body = b"".join(lines(100_000)) + b'{"n":1,"unknown":2}\n'
    settings = {"input_format_skip_unknown_fields": 0}
    with pytest.raises(DatabaseError, match="at row 100001") as refused:
        client.raw_insert("ticks", insert_block=body, fmt="JSONEachRow", settings=settings)
    assert refused.value.code == 117
    assert stored() == (0, 0)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_dies_within_its_insert_stores_nothing(
    server: ClickHouseChild,
    database: str,
    stored: Callable[[], tuple[int, int]],
    *,
    chunked: bool,
) -> None:
    body = b"".join(lines(50_000))
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 99999999"
    url = urlencode({"query": f"INSERT INTO {database}.ticks FORMAT JSONEachRow"}).encode()
    with socket.create_connection(("127.0.0.1", server.port)) as dying:
        dying.sendall(b"POST /?%b HTTP/1.1\r\nHost: localhost\r\n%b\r\n\r\n" % (url, framing))
        dying.sendall(b"%x\r\n%b\r\n" % (len(body), body) if chunked else body)
        dying.shutdown(socket.SHUT_WR)
        assert b" 500 " in dying.makefile("rb").readline()
    assert stored() == (0, 0)


def test_a_shortened_compressed_body_stores_nothing(
    client: Client, stored: Callable[[], tuple[int, int]]
) -> None:
    body = b"".join(lz4.frame.compress(b'{"n":1}\n' * 1000) for _ in range(3))[:-10]
    with pytest.raises(DatabaseError) as refused:
        client.raw_insert("ticks", insert_block=body, fmt="JSONEachRow", compression="lz4")
    assert refused.value.code == 271
    assert stored() == (0, 0)


def test_concurrent_inserts_lose_nothing(
    connect: Callable[..., Client],
    database: str,
    client: Client,
    stored: Callable[[], tuple[int, int]],
) -> None:
    def insert(worker: int) -> int:
        own = connect(database=database)
        written = 0
        for batch in range(20):
            start = (worker * 20 + batch) * 50
            if batch % 2:
                block = b"".join(lines(start + 50)[start:])
                summary = own.raw_insert("ticks", insert_block=block, fmt="JSONEachRow")
            else:
                summary = own.insert("ticks", rows(50, start), column_names=COLUMNS)
            written += summary.written_rows
        return written

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(insert, range(8))) == 8000
    assert stored() == (8000, sum(range(8000)))
    assert client.command("SELECT uniqExact(n) FROM ticks") == 8000


@pytest.mark.parametrize("fmt", ["JSONEachRow", "TSV"])
@pytest.mark.parametrize(
    ("obstacle", "code"),
    [
        ("ALTER TABLE ticks ADD CONSTRAINT sane CHECK n < 100", 469),
        (
            "CREATE MATERIALIZED VIEW broken ENGINE = Memory AS SELECT throwIf(n = 100) FROM ticks",
            395,
        ),
    ],
    ids=["constraint", "materialized-view"],
)
def test_what_fails_behind_the_parser_is_not_acknowledged(
    client: Client, fmt: str, obstacle: str, code: int
) -> None:
    client.command(obstacle)
    body = b'{"n":1}\n{"n":100}\n' if fmt == "JSONEachRow" else b"1\n100\n"
    with pytest.raises(DatabaseError) as refused:
        client.raw_insert("ticks", column_names=["n"], insert_block=body, fmt=fmt)
    assert refused.value.code == code
    client.raw_insert("ticks", column_names=["n"], insert_block=body.splitlines()[0], fmt=fmt)
