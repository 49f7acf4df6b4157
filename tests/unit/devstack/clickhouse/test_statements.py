"""Where a statement ends and its data begin, and what kind it is."""

import pytest

from liq.devstack.clickhouse.errors import ClickHouseError
from liq.devstack.clickhouse.statements import Kind, Statement, parse, read


def parsed(sql: bytes) -> Statement:
    statement = parse(sql, complete=True)
    assert statement is not None
    return statement


@pytest.mark.parametrize(
    ("text", "sql", "name", "data"),
    [
        (
            b'INSERT INTO t FORMAT JSONEachRow\n{"a":1}',
            b"INSERT INTO t ",
            "JSONEachRow",
            b'{"a":1}',
        ),
        (b"insert into t format CSV 1,2", b"insert into t ", "CSV", b"1,2"),
        (b"INSERT INTO t FORMAT TSV\r\n\n", b"INSERT INTO t ", "TSV", b"\n"),
        (b"INSERT INTO t FORMAT Native", b"INSERT INTO t ", "Native", b""),
        (b"INSERT INTO t FORMAT CSV;\n1", b"INSERT INTO t ", "CSV", b"1"),
        (
            b"INSERT INTO `FORMAT`.t (`format`,values) SETTINGS a='FORMAT' FORMAT Native\n\0'\xff",
            b"INSERT INTO `FORMAT`.t (`format`,values) SETTINGS a='FORMAT' ",
            "Native",
            b"\0'\xff",
        ),
        (b"-- FORMAT a\nINSERT /* VALUES */ INTO format FORMAT CSV\n", None, "CSV", b""),
    ],
)
def test_data_of_an_insert_begin_behind_its_format(
    text: bytes, sql: bytes | None, name: str, data: bytes
) -> None:
    statement = parsed(text)
    assert statement.kind is Kind.DATA_INSERT
    assert statement.format == name
    assert text[statement.data_offset :] == data
    if sql is not None:
        assert statement.sql + statement.sql_settings == sql
        assert statement.sql_settings.startswith(b"SETTINGS") == (b"SETTINGS" in sql)


def test_an_insert_is_recognised_before_its_data_have_arrived() -> None:
    beginning = b"INSERT INTO t (a) FORMAT Native\n"
    statement, data = read(b"", iter([beginning, b"\x01", b"\x02"]))
    assert (statement.format, b"".join(data)) == ("Native", b"\x01\x02")


@pytest.mark.parametrize("cut", range(len(b"INSERT INTO t FORMAT JSONEachRow")))
def test_a_format_cut_in_two_is_waited_for(cut: int) -> None:
    assert parse(b"INSERT INTO t FORMAT JSONEachRow"[:cut], complete=False) is None


def test_the_body_continues_the_sql_of_the_url_on_the_next_line() -> None:
    statement, data = read(b"INSERT INTO t FORMAT CSV", iter([b"1,2\n", b"3,4\n"]))
    assert (statement.sql, b"".join(data)) == (b"INSERT INTO t ", b"1,2\n3,4\n")
    statement, data = read(b"SELECT 1 -- one", iter([b"+ 1"]))
    assert (statement.sql, list(data)) == (b"SELECT 1 -- one\n+ 1", [])


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        (b"SELECT 1", Kind.SELECT),
        (b"(SELECT 1)", Kind.SELECT),
        (b"WITH 1 AS x SELECT x", Kind.SELECT),
        (b"WITH 1 AS x INSERT INTO t SELECT x", Kind.COMMAND),
        (b"SELECT a, count() FROM t GROUP BY a WITH TOTALS", Kind.ANSWER),
        (b"DESCRIBE TABLE t", Kind.ANSWER),
        (b"show tables", Kind.ANSWER),
        (b"CREATE TABLE t (a Int8) ENGINE = Memory", Kind.COMMAND),
        (b"INSERT INTO t SELECT 1", Kind.COMMAND),
        (b"INSERT INTO t VALUES (1, 'FORMAT CSV')", Kind.COMMAND),
    ],
)
def test_kinds(sql: bytes, kind: Kind) -> None:
    assert parsed(sql).kind is kind


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1 format Arrow SETTINGS max_threads = 1", "Arrow"),
        (b"SELECT 1 FORMAT CSV;", "CSV"),
        (b"SELECT format FROM t", None),
        (b"SELECT a format FROM t", None),
        (b"SELECT format('{}', 1)", None),
        (b"SELECT 'x FORMAT CSV'", None),
        (b"SELECT 1 -- FORMAT CSV", None),
    ],
)
def test_the_format_a_query_names(sql: bytes, name: str | None) -> None:
    assert parsed(sql).format == name


@pytest.mark.parametrize(
    ("sql", "changes"),
    [
        (b"SET max_threads = 1", True),
        (b"USE other", True),
        (b"CREATE TEMPORARY TABLE t (a Int8)", True),
        (b"CREATE OR REPLACE TEMPORARY TABLE t (a Int8)", True),
        (b"CREATE TABLE t (temporary Int8) ENGINE = Memory", False),
        (b"SELECT 1 SETTINGS max_threads = 1", False),
    ],
)
def test_what_a_session_must_remember(sql: bytes, *, changes: bool) -> None:
    assert parsed(sql).changes_session is changes


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (b"  -- nothing\n", 62),
        (b"SELECT 1; SELECT 2", 62),
        (b"SELECT 1 INTO OUTFILE '/x'", 358),
        (b"INSERT INTO t FROM INFILE '/x' FORMAT CSV", 48),
        (b"INSERT INTO t SELECT a FROM input('a Int8') FORMAT CSV\n1", 48),
    ],
)
def test_what_is_refused(sql: bytes, code: int) -> None:
    with pytest.raises(ClickHouseError) as refused:
        parse(sql, complete=True)
    assert refused.value.code == code


def test_a_single_statement_may_end_with_a_semicolon() -> None:
    assert parsed(b"SELECT ';' ; -- end\n").kind is Kind.SELECT
