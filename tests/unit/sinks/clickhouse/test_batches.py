"""What a failure of ClickHouse means, and how migrations are read."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from liq.sinks.clickhouse.failures import classify
from liq.sinks.clickhouse.migrations import known_migrations, parse_migration
from liq.sinks.destination import FailureKind

REPEATABLE = (
    "CREATE OR REPLACE VIEW",
    "IF NOT EXISTS",
    "MODIFY COLUMN",
    "COMMENT COLUMN",
    "MATERIALIZE INDEX",
)


@pytest.mark.parametrize(
    ("error", "kind", "label"),
    [
        (DatabaseError("cannot parse", code=27), FailureKind.ROW, "code_27"),
        (DatabaseError("unknown enum", code=691), FailureKind.ROW, "code_691"),
        (DatabaseError("the operator's own check", code=469), FailureKind.ROW, "code_469"),
        (DatabaseError("memory limit", code=241), FailureKind.RETRY, "code_241"),
        (DatabaseError("too many parts", code=252), FailureKind.RETRY, "code_252"),
        (DatabaseError("a code of tomorrow", code=99999), FailureKind.RETRY, "code_99999"),
        (DatabaseError("unknown table", code=60), FailureKind.SETUP, "code_60"),
        (DatabaseError("read-only", code=164), FailureKind.SETUP, "code_164"),
        (DatabaseError("wrong password", code=516), FailureKind.SETUP, "code_516"),
        (DatabaseError("HTTP driver received HTTP status 404"), FailureKind.RETRY, "unreachable"),
        (OperationalError("connection reset"), FailureKind.RETRY, "unreachable"),
    ],
)
def test_only_an_error_in_the_data_condemns_a_row(
    error: DatabaseError, kind: FailureKind, label: str
) -> None:
    failure = classify(error)
    assert (failure.kind, failure.label) == (kind, label)
    assert str(error) in failure.sentence


def test_a_migration_is_split_at_semicolons_that_end_a_line() -> None:
    text = "-- a note; with a semicolon;\nSELECT 'a;b';\n\n-- more\nSELECT 2\n;\n"
    migration = parse_migration("0007_some_name.sql", text)
    assert (migration.version, migration.name) == (7, "some_name")
    assert migration.statements == ("SELECT 'a;b'", "SELECT 2")


def test_a_migration_has_a_number_and_a_name() -> None:
    with pytest.raises(ValueError, match="name migrations like"):
        parse_migration("7-tables.sql", "SELECT 1;")


def test_migrations_have_numbers_of_their_own_and_are_safe_to_run_again() -> None:
    migrations = known_migrations()
    assert len({item.version for item in migrations}) == len(migrations)
    for statement in (text for item in migrations for text in item.statements):
        beginning = " ".join(statement.split("\n")[:2])
        assert any(words in beginning for words in REPEATABLE), beginning
