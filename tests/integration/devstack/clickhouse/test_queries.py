"""Queries through clickhouse-connect and plain HTTP: parameters, settings, formats, streams."""

import asyncio
import gzip
import http.client
import json
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import clickhouse_connect
import lz4.frame
import pytest
from backports import zstd
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData

from tests.support.clickhouse_child import ClickHouseChild

pytestmark = pytest.mark.integration

DEFAULT_BLOCK_SIZE = 65_409
TOO_FAR = "SELECT throwIf(number = 500000, 'too far'), number FROM numbers(1000000)"


@pytest.mark.parametrize("form", [False, True], ids=["url", "form"])
def test_server_side_parameters(
    connect: Callable[..., Client], database: str, *, form: bool
) -> None:
    client = connect(database=database, form_encode_query_params=form)
    text = "it's \\ a\ttab\nand ünïcode"
    found = client.query(
        "SELECT {text:String}, {n:UInt64}, {day:DateTime64(3, 'UTC')}, {many:Array(String)},"
        " {none:Nullable(Int8)}",
        parameters={
            "text": text,
            "n": 7,
            "day": datetime(2026, 11, 2, 3, 4, 5, 678000, UTC),
            "many": ["a'b", "c"],
            "none": None,
        },
    ).result_rows
    assert found == [(text, 7, datetime(2026, 11, 2, 3, 4, 5, 678000), ["a'b", "c"], None)]  # noqa: DTZ001 - how the client returns UTC
    n = {"n": 5}
    client.command("CREATE TABLE {t:Identifier} (n UInt8) ENGINE = Memory", parameters={"t": "p"})
    client.command("INSERT INTO p SELECT {n:UInt64}", parameters=n)
    assert client.command("SELECT sum(n) FROM p WHERE n = {n:UInt64}", parameters=n) == 5


def test_parameters_of_an_insert_with_data(ask: Callable[..., Any], database: str) -> None:
    sql = "INSERT INTO {t:Identifier} (n) FORMAT CSV"
    answer = ask(b"1\n2\n", query=sql, param_t="ticks", database=database)
    assert answer.status == 200
    assert ask("SELECT count() FROM ticks", database=database).body == b"2\n"


def test_settings_hold_for_one_query(client: Client) -> None:
    sql = "SELECT getSetting('max_block_size'), getSetting('max_threads')"
    before = client.query(sql).result_rows
    changed = client.query(sql, settings={"max_block_size": 1234, "max_threads": 3}).result_rows
    assert changed == [(1234, 3)]
    assert client.query(sql).result_rows == before
    with pytest.raises(DatabaseError) as refused:
        client.query(sql, settings={"max_block_size": "many"})
    assert refused.value.code == 27


def test_database_of_a_request(ask: Callable[..., Any], database: str) -> None:
    sql = "SELECT currentDatabase()"
    assert ask(sql, database=database).body.decode() == f"{database}\n"
    assert ask(sql, headers={"X-ClickHouse-Database": database}).body.decode() == f"{database}\n"
    assert ask(sql).body == b"liquidations\n"


def test_format_of_an_answer(ask: Callable[..., Any]) -> None:
    for answer in (
        ask("SELECT 1 AS a FORMAT JSONEachRow"),
        ask("SELECT 1 AS a", default_format="JSONEachRow"),
        ask("SELECT 1 AS a", headers={"X-ClickHouse-Format": "JSONEachRow"}),
    ):
        assert json.loads(answer.body) == {"a": 1}
        assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"


@pytest.mark.parametrize(
    ("name", "head"), [("CSVWithNames", b'"n"\n'), ("TSVWithNamesAndTypes", b"n\nInt32\n")]
)
def test_formats_with_a_frame_around_the_rows_come_whole(
    ask: Callable[..., Any], name: str, head: bytes
) -> None:
    body = ask("SELECT toInt32(number) AS n FROM numbers(200000)", default_format=name).body
    assert body == head + b"".join(b"%d\n" % n for n in range(200_000))


def test_json_of_many_blocks_is_one_document(ask: Callable[..., Any]) -> None:
    answer = ask("SELECT toInt32(number) FROM numbers(70000)", default_format="JSONCompact")
    assert json.loads(answer.body)["data"] == [[n] for n in range(70_000)]


def test_statements_without_rows(client: Client) -> None:
    columns = ("time", "symbol", "side", "price", "n")
    assert client.query("SELECT n FROM ticks").result_rows == []
    assert client.query("SELECT * FROM ticks LIMIT 0").column_names == columns
    assert [row[0] for row in client.query("DESCRIBE TABLE ticks").result_rows] == list(columns)
    assert client.command("SHOW TABLES") == "ticks"
    assert client.command("EXISTS TABLE ticks") == 1
    client.command("OPTIMIZE TABLE ticks FINAL")


def test_totals_are_part_of_the_answer(ask: Callable[..., Any]) -> None:
    sql = "SELECT number % 2 AS k, count() FROM numbers(10) GROUP BY k WITH TOTALS ORDER BY k"
    assert ask(sql).body == b"0\t5\n1\t5\n\n0\t10\n"


def test_external_data(client: Client) -> None:
    data = ExternalData(
        file_name="wanted.csv", data=b'1,"a"\n2,"b"\n', fmt="CSV", structure=["n UInt8", "s String"]
    )
    data.add_file(file_name="more.tsv", data=b"2\n", fmt="TSV", types=["UInt8"])
    sql = "SELECT s FROM wanted WHERE n IN (SELECT _1 FROM more)"
    assert client.query(sql, external_data=data).result_rows == [("b",)]
    with pytest.raises(DatabaseError) as refused:
        client.query(sql)
    assert refused.value.code == 60


# Streams


def test_results_are_streamed(client: Client) -> None:
    total = 0
    with client.query_row_block_stream("SELECT number FROM numbers(1000000)") as stream:
        for block in stream:
            total += sum(row[0] for row in block)
    assert total == sum(range(1_000_000))


def test_a_stream_begins_before_the_query_ends(server: ClickHouseChild) -> None:
    """All of this query's answer would take eleven days."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    sql = "SELECT number, sleepEachRow(0.001) FROM numbers(1000000000) SETTINGS max_block_size = 10"
    connection.request("POST", "/", sql + " FORMAT TSV")
    response = connection.getresponse()
    assert response.status == 200
    assert response.readline() == b"0\t0\n"
    connection.close()


@pytest.mark.parametrize("compress", [False, "lz4", "gzip"])
def test_an_error_within_a_stream_is_not_taken_for_its_end(
    connect: Callable[..., Client], *, compress: bool | str
) -> None:
    client = connect(compress=compress)
    with (
        pytest.raises(StreamFailureError, match="too far") as failed,
        client.query_row_block_stream(TOO_FAR) as stream,
    ):
        assert sum(len(block) for block in stream) < 1_000_000
    assert failed.value.code == 395
    assert client.command("SELECT 1") == 1


def test_plain_clients_see_a_broken_stream(ask: Callable[..., Any]) -> None:
    with pytest.raises(http.client.IncompleteRead) as broken:
        ask(TOO_FAR)
    assert b"__exception__" in broken.value.partial


def test_an_answer_asked_for_whole_fails_with_a_status(ask: Callable[..., Any]) -> None:
    answer = ask(TOO_FAR, wait_end_of_query="1")
    assert (answer.code, answer.status) == ("395", 500)


@pytest.mark.parametrize(
    ("encoding", "unpack"),
    [
        ("lz4", lz4.frame.decompress),
        ("zstd", zstd.decompress),
        ("gzip", gzip.decompress),
        ("deflate", zlib.decompress),
    ],
)
@pytest.mark.parametrize("rows", ["10", "300000"])
def test_answers_are_compressed_when_asked_for(
    ask: Callable[..., Any], encoding: str, unpack: Callable[[bytes], bytes], rows: str
) -> None:
    sql, headers = "SELECT number FROM numbers({n:UInt32})", {"Accept-Encoding": encoding}
    plain = ask(sql, headers=headers, param_n=rows)
    packed = ask(sql, headers=headers, param_n=rows, enable_http_compression="1")
    assert plain.headers["Content-Encoding"] is None
    assert packed.headers["Content-Encoding"] == encoding
    assert unpack(packed.body) == plain.body


# Many at once


def test_concurrent_queries_keep_their_settings_parameters_and_results(
    connect: Callable[..., Client],
) -> None:
    def query(worker: int) -> int:
        client = connect()
        for turn in range(15):
            wanted = worker * 1000 + turn
            found = client.query(
                "SELECT {n:UInt32}, getSetting('max_block_size'), number FROM numbers(3000)",
                parameters={"n": wanted},
                settings={"max_block_size": 100 + wanted},
            )
            assert found.result_rows == [(wanted, 100 + wanted, n) for n in range(3000)]
            assert client.command("SELECT getSetting('max_block_size')") == DEFAULT_BLOCK_SIZE
        return worker

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(query, range(8))) == list(range(8))


async def test_the_async_client(server: ClickHouseChild, database: str) -> None:
    client = await clickhouse_connect.get_async_client(
        host="127.0.0.1", port=server.port, database=database, autogenerate_session_id=False
    )
    async with client:
        batches = [[[n] for n in range(start, start + 1000)] for start in range(0, 8000, 1000)]
        await asyncio.gather(
            *(client.insert("ticks", batch, column_names=["n"]) for batch in batches)
        )
        count = "SELECT count(), {n:UInt8} FROM ticks"
        found = await asyncio.gather(*(client.query(count, parameters={"n": n}) for n in range(8)))
        assert [result.result_rows for result in found] == [[(8000, n)] for n in range(8)]
        sql = "SELECT number FROM numbers(300000)"
        assert await _read_all(await client.query_row_block_stream(sql)) == 300_000
        arrow = await client.query_arrow("SELECT n FROM ticks")
        assert arrow.num_rows == 8000
        await client.raw_insert("ticks", insert_block=b'{"n":1}\n', fmt="JSONEachRow")
        assert await client.command("SELECT count() FROM ticks") == 8001
        with pytest.raises(DatabaseError) as refused:
            await client.query("SELECT * FROM nothing")
        assert refused.value.code == 60
        with pytest.raises(OperationalError):  # aiohttp may drop what came before the broken end
            await _read_all(await client.query_row_block_stream(TOO_FAR))


async def _read_all(opened: Any) -> int:
    rows = 0
    async with opened as stream:
        async for block in stream:
            rows += len(block)
    return rows
