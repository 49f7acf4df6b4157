"""Where a statement ends and its data begin, and what kind it is."""

from collections.abc import Iterable

import pytest

from liq.devstack.clickhouse.errors import ClickHouseError
from liq.devstack.clickhouse.statements import Command, DataInsert, find_data_insert, read


def of_insert(text: bytes, *pieces: bytes) -> tuple[DataInsert, bytes]:
    statement, data = read(text, iter(pieces))
    assert isinstance(statement, DataInsert)
    return statement, b"".join(data)


def of_command(text: bytes, chunks: Iterable[bytes] = ()) -> Command:
    statement, data = read(text, iter(chunks))
    assert isinstance(statement, Command)
    assert not list(data)
    return statement


@pytest.mark.parametrize(
    ("text", "head", "settings", "name", "data"),
    [
        (b'INSERT INTO t FORMAT JSONEachRow\n{"a":1}', b"INSERT INTO t ", b"", "JSONEachRow",
         b'{"a":1}'),
        (b"insert into t format CSV 1,2", b"insert into t ", b"", "CSV", b"1,2"),
        (b"INSERT INTO t FORMAT TSV\r\n\n", b"INSERT INTO t ", b"", "TSV", b"\n"),
        (b"INSERT INTO t FORMAT Native", b"INSERT INTO t ", b"", "Native", b""),
        (b"INSERT INTO t FORMAT CSV;\n1", b"INSERT INTO t ", b"", "CSV", b"1"),
        (b"INSERT INTO `FORMAT`.t (`format`,values) SETTINGS a='FORMAT' FORMAT Native\n\0'\xff",
         b"INSERT INTO `FORMAT`.t (`format`,values) ", b"SETTINGS a='FORMAT' ", "Native",
         b"\0'\xff"),
        (b"-- FORMAT a\nINSERT /* VALUES */ INTO format FORMAT CSV\n",
         b"-- FORMAT a\nINSERT /* VALUES */ INTO format ", b"", "CSV", b""),
    ],
)  # fmt: skip
def test_data_of_an_insert_begin_behind_its_format(
    text: bytes, head: bytes, settings: bytes, name: str, data: bytes
) -> None:
    assert of_insert(b"", text) == (DataInsert(head, settings, name), data)


def test_an_insert_is_recognised_before_its_data_have_arrived() -> None:
    body = iter([b"INSERT INTO t (a) FORMAT Native\n", b"\x01", b"\x02"])
    statement, data = read(b"", body)
    assert isinstance(statement, DataInsert)
    assert next(body) == b"\x01"
    assert b"".join(data) == b"\x02"


@pytest.mark.parametrize("cut", range(len(b"INSERT INTO t FORMAT JSONEachRow")))
def test_a_format_cut_in_two_is_waited_for(cut: int) -> None:
    text = b"INSERT INTO t FORMAT JSONEachRow"
    assert find_data_insert(text[:cut], complete=False) is None
    assert of_insert(b"", text[:cut], text[cut:]) == (
        DataInsert(b"INSERT INTO t ", b"", "JSONEachRow"),
        b"",
    )


def test_the_body_continues_the_sql_of_the_url_on_the_next_line() -> None:
    statement, data = of_insert(b"INSERT INTO t FORMAT CSV", b"1,2\n", b"3,4\n")
    assert (statement.head, data) == (b"INSERT INTO t ", b"1,2\n3,4\n")
    assert of_command(b"SELECT 1 -- one", [b"+ 1"]).sql == b"SELECT 1 -- one\n+ 1"


@pytest.mark.parametrize(
    ("sql", "answers"),
    [
        (b"SELECT 1", True),
        (b"(SELECT 1)", True),
        (b"WITH 1 AS x SELECT x", True),
        (b"show tables", True),
        (b"SELECT ';' ; -- end\n", True),
        (b"SELECT outfile FROM t", True),
        (b"CREATE TABLE t (temporary Int8) ENGINE = Memory", False),
        (b"INSERT INTO t SELECT 1", False),
        (b"INSERT INTO t SELECT a FROM b FORMAT CSV", False),
        (b"INSERT INTO t VALUES (1, 'FORMAT CSV')", False),
    ],
)
def test_whether_a_statement_answers_with_rows(sql: bytes, *, answers: bool) -> None:
    assert of_command(sql).answers is answers


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (b"  -- nothing\n", 62),
        (b"SELECT 1; SELECT 2", 62),
        (b"SELECT 1 INTO OUTFILE '/x'", 48),
        (b"INSERT INTO t FROM INFILE '/x' FORMAT CSV", 48),
        (b"SET max_threads = 1", 48),
        (b"USE other", 48),
        (b"CREATE TEMPORARY TABLE t (a Int8)", 48),
    ],
)
def test_what_is_refused(sql: bytes, code: int) -> None:
    with pytest.raises(ClickHouseError) as refused:
        read(sql, iter(()))
    assert refused.value.code == code
