"""Migrations against the real engine: complete, repeatable, safe from several processes at once."""

import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.client import Client
from typer.testing import CliRunner

from liq.cli.main import app
from liq.runtime.errors import ConfigurationError
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.fresh import at_once
from liq.sinks.clickhouse.migrations import (
    applied_checksums,
    check_schema,
    expected_schema,
    known_migrations,
    migrate,
    plan,
    run,
)
from liq.sinks.clickhouse.retention import retention_statements
from liq.sinks.clickhouse.schema import Schema, Storage, stored_schema, view_differences
from liq.sinks.clickhouse.tables import TABLES
from tests.support.paths import DOCS

if TYPE_CHECKING:
    from tests.conftest import MakeSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clickhouse")]

DOCUMENTATION = DOCS / "clickhouse.md"
JOURNAL = "schema_migrations"
VIEWS = {"liquidations_by_venue_side", "liquidation_minutes", "cascades_latest"}


@pytest.fixture
def client(make_settings: "MakeSettings") -> Iterator[Client]:
    opened = connect(make_settings(), use_database=False)
    yield opened
    opened.close()


@pytest.fixture
def database(client: Client) -> Iterator[str]:
    name = f"m{secrets.token_hex(4)}"
    yield name
    client.command(f"DROP DATABASE IF EXISTS {name}")


def objects(client: Client, database: str) -> set[str]:
    return {row[0] for row in client.query(f"SHOW TABLES FROM {database}").result_rows}


def test_a_dry_run_says_what_is_pending_and_creates_nothing(client: Client, database: str) -> None:
    planned = plan(client, database)
    assert planned.migrations == known_migrations()
    texts = [text for item in known_migrations() for text in item.statements]
    assert set(at_once(texts)) < set(planned.statements)
    assert applied_checksums(client, database) is None


def test_a_new_database_is_what_the_migrations_make_one_after_the_other(
    client: Client, database: str
) -> None:
    stepwise = f"{database}_stepwise"
    client.command(f"CREATE DATABASE {stepwise}")
    try:
        run(client, stepwise, (text for item in known_migrations() for text in item.statements))
        migrate(client, database)
        assert stored_schema(client, database) == with_journal(
            stored_schema(client, stepwise), stored_schema(client, database)
        )
    finally:
        client.command(f"DROP DATABASE {stepwise}")


def with_journal(schema: Schema, of: Schema) -> Schema:
    """Return a schema with another one's journal, which no migration makes."""
    return Schema(
        {**schema.tables, JOURNAL: of.tables[JOURNAL]},
        {**schema.storages, JOURNAL: of.storages[JOURNAL]},
        schema.views,
    )


def test_migrating_creates_everything_once(client: Client, database: str) -> None:
    assert migrate(client, database) == known_migrations()
    assert objects(client, database) >= {table.name for table in TABLES} | VIEWS | {JOURNAL}
    check_schema(client, database)
    assert migrate(client, database) == ()


def test_every_column_that_is_sent_exists(client: Client, database: str) -> None:
    migrate(client, database)
    for table in TABLES:
        described = client.query(f"DESCRIBE TABLE {database}.{table.name}").result_rows
        without_default = {row[0] for row in described if row[2] == ""}
        # `arrival` has a default for the rows of before, and is sent.
        assert without_default <= set(table.sent_columns) <= {row[0] for row in described}


def documented_statements() -> list[str]:
    blocks = re.findall(r"```sql\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    text = re.sub(r"^--.*$", "", "\n".join(blocks), flags=re.MULTILINE)
    return [statement.strip() for statement in re.split(r";$", text, flags=re.MULTILINE)]


def test_the_documented_questions_can_be_asked(client: Client, database: str) -> None:
    migrate(client, database)
    client.database = database
    statements = [text for text in documented_statements() if text]
    assert len(statements) > 10
    for statement in statements:
        # Users are made by the server's configuration here: tests/integration/security runs them.
        explain = "" if statement.startswith("SELECT") else "EXPLAIN AST "
        client.command(explain + statement)


def test_several_processes_may_migrate_at_once(
    client: Client, database: str, make_settings: "MakeSettings"
) -> None:
    clients = [connect(make_settings(), use_database=False) for _ in range(4)]
    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(lambda own: migrate(own, database), clients))
    for own in clients:
        own.close()
    check_schema(client, database)


def test_an_interrupted_migration_is_run_again(client: Client, database: str) -> None:
    migrate(client, database)
    client.command(f"DROP VIEW {database}.cascades_latest")
    client.command(f"TRUNCATE TABLE {database}.{JOURNAL}")
    assert migrate(client, database) == known_migrations()
    assert "cascades_latest" in objects(client, database)


def test_a_database_without_our_tables_is_refused(client: Client, database: str) -> None:
    with pytest.raises(ConfigurationError, match="has no tables of this engine; run `liq migrate`"):
        check_schema(client, database)


def test_an_older_database_is_refused(client: Client, database: str) -> None:
    migrate(client, database)
    client.command(f"TRUNCATE TABLE {database}.{JOURNAL}")
    with pytest.raises(ConfigurationError, match=r"0001_tables.*run `liq migrate`"):
        check_schema(client, database)


def test_the_schema_that_is_read_from_the_migrations_is_the_one_that_they_make(
    client: Client, database: str
) -> None:
    migrate(client, database)
    found = stored_schema(client, database)
    del found.tables[JOURNAL], found.storages[JOURNAL]
    expected = expected_schema()
    assert (found.tables, found.storages) == (expected.tables, expected.storages)
    assert found.views.keys() == expected.views.keys()
    assert view_differences(client, expected, found) == {}
    assert found.storages["liquidations"] == Storage(
        "ReplacingMergeTree(ingested_at)",
        "toStartOfHour(timestamp), symbol, exchange, timestamp, event_id",
        "toYYYYMM(timestamp)",
    )
    assert found.tables["cascades"]["total_value_usd"] == "Decimal(76, 12)"


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("DROP TABLE {}.feeds", "table feeds is missing"),
        ("ALTER TABLE {}.feeds DROP COLUMN gap_to", "column feeds.gap_to is missing"),
        (
            "ALTER TABLE {}.cascades MODIFY COLUMN total_value_usd Decimal(38, 12)",
            r"column cascades.total_value_usd is Decimal\(38, 12\) instead of Decimal\(76, 12\)",
        ),
    ],
)
def test_tables_that_are_not_what_the_journal_says_are_refused(
    client: Client, database: str, change: str, difference: str
) -> None:
    migrate(client, database)
    client.command(change.format(database))
    with pytest.raises(ConfigurationError, match=rf"{difference}; run `liq migrate`"):
        check_schema(client, database)


def test_what_was_dropped_is_made_again(client: Client, database: str) -> None:
    migrate(client, database)
    client.command(f"DROP TABLE {database}.feeds")
    client.command(f"DROP VIEW {database}.cascades_latest")
    client.command(f"ALTER TABLE {database}.rejected DROP COLUMN entry_reasons")
    client.command(f"ALTER TABLE {database}.liquidations ADD COLUMN mine String")
    planned = plan(client, database)
    assert planned.repairs == (
        "column rejected.entry_reasons is missing",
        "table feeds is missing",
        "view cascades_latest is missing",
    )
    assert migrate(client, database) == known_migrations()
    check_schema(client, database)
    assert plan(client, database).migrations == ()


def test_views_that_ask_something_else_are_made_again_and_nothing_else_is_run(
    client: Client, database: str
) -> None:
    migrate(client, database)
    client.command(
        f"CREATE OR REPLACE VIEW {database}.liquidation_hours AS"  # noqa: S608
        f" SELECT toStartOfHour(timestamp) AS hour, count() AS events FROM {database}.liquidations"
        " GROUP BY hour"
    )
    client.command(f"DROP VIEW {database}.cascade_events")
    planned = plan(client, database)
    assert planned.repairs == (
        "view cascade_events is missing",
        "view liquidation_hours asks something else than it should",
    )
    assert [text.split()[4] for text in planned.statements] == [
        "cascade_events",
        "liquidation_hours",
    ]
    assert migrate(client, database) == ()
    assert plan(client, database).repairs == ()


@pytest.mark.parametrize(
    ("table", "storage", "difference"),
    [
        (
            "feeds",
            "MergeTree ORDER BY (exchange, feed)",
            (
                r"the engine of table feeds is MergeTree\(\) instead of"
                r" ReplacingMergeTree\(ingested_at\), the order key of table feeds is"
                " exchange, feed instead of exchange, feed, timestamp, connection, event, detail"
            ),
        ),
        (
            "raw_frames",
            (
                "ReplacingMergeTree(ingested_at)"
                " ORDER BY (src_topic, src_partition, received_at, src_offset)"
            ),
            r"the partition key of table raw_frames is empty instead of toYYYYMM\(received_at\)",
        ),
    ],
)
def test_a_table_that_would_count_copies_is_refused_and_nothing_is_run(
    client: Client, database: str, table: str, storage: str, difference: str
) -> None:
    migrate(client, database)
    name = f"{database}.{table}"
    client.command(
        f"CREATE OR REPLACE TABLE {name} ENGINE = {storage} AS SELECT * FROM {name}"  # noqa: S608
    )
    client.command(f"DROP VIEW {database}.cascade_events")
    for act in (migrate, check_schema):
        with pytest.raises(ConfigurationError, match=rf"{difference}.*alter it by hand"):
            act(client, database)
    assert "cascade_events" not in objects(client, database)


def test_what_migrating_cannot_mend_is_a_sentence(client: Client, database: str) -> None:
    migrate(client, database)
    client.command(f"ALTER TABLE {database}.rejected MODIFY COLUMN detail Nullable(String)")
    expected = r"rejected.detail is Nullable\(String\) instead of String.*alter it by hand"
    with pytest.raises(ConfigurationError, match=expected):
        migrate(client, database)


def test_a_newer_database_is_refused(client: Client, database: str) -> None:
    migrate(client, database)
    client.command(
        f"INSERT INTO {database}.{JOURNAL} (version, name, checksum) VALUES (9999, 'new', 'x')"  # noqa: S608
    )
    for act in (check_schema, migrate):
        with pytest.raises(ConfigurationError, match=r"9999.*newer version"):
            act(client, database)


def test_a_database_made_by_other_files_is_refused(client: Client, database: str) -> None:
    migrate(client, database)
    client.command(
        f"INSERT INTO {database}.{JOURNAL} (version, name, checksum) VALUES (1, 'tables', 'abc')"  # noqa: S608
    )
    for act in (check_schema, migrate):
        with pytest.raises(ConfigurationError, match=r"0001_tables.*other contents"):
            act(client, database)


def test_every_statement_has_a_form_for_a_cluster_that_the_engine_can_read(
    client: Client, database: str
) -> None:
    """There is no Keeper here to run them on: only the grammar can be checked."""
    statements = plan(client, database, cluster="main").statements
    definitions = [text for text in statements if not text.startswith("INSERT")]
    for statement in definitions:
        client.command(f"EXPLAIN AST {statement}")
        assert " ON CLUSTER 'main'" in statement
    engines = [text for text in definitions if "MergeTree" in text]
    assert len(engines) > len(TABLES)
    for statement in engines:
        assert re.search(r"ENGINE = Replicated\w*MergeTree", statement)


def ttls(client: Client, database: str) -> dict[str, str]:
    engines = client.query(
        "SELECT name, engine_full FROM system.tables WHERE database = {database:String}",
        parameters={"database": database},
    ).result_rows
    return {name: text.partition(" TTL ")[2].partition(" SETTINGS")[0] for name, text in engines}


def test_retention_follows_the_settings_and_is_set_once(
    client: Client, database: str, make_settings: "MakeSettings"
) -> None:
    kept = make_settings(clickhouse_retention_days=400, clickhouse_rejected_retention_days=30)
    in_advance = retention_statements(client, database, kept)
    migrate(client, database)
    assert retention_statements(client, database, kept) == in_advance
    run(client, database, in_advance)
    assert retention_statements(client, database, kept) == []
    found = ttls(client, database)
    for table in ("liquidations", "cascades", "feeds"):
        assert found[table] == "toDateTime(timestamp) + toIntervalDay(400)"
    assert found["rejected"] == "toDateTime(ingested_at) + toIntervalDay(30)"
    assert found["raw_frames"] == "toDateTime(ingested_at) + toIntervalDay(90)"
    assert found["instruments"] == ""
    for_ever = make_settings(clickhouse_raw_retention_days=0)
    run(client, database, retention_statements(client, database, for_ever))
    assert not any(ttls(client, database).values())


def test_rows_beyond_their_retention_go(
    client: Client, database: str, make_settings: "MakeSettings"
) -> None:
    migrate(client, database)
    client.command(
        f"INSERT INTO {database}.feeds (timestamp, feed) "  # noqa: S608
        "VALUES ('2020-01-01', 'old'), (now(), 'new')"
    )
    settings = make_settings(clickhouse_retention_days=365)
    run(client, database, retention_statements(client, database, settings))
    client.command(f"OPTIMIZE TABLE {database}.feeds FINAL")
    assert client.query(f"SELECT feed FROM {database}.feeds").result_rows == [("new",)]  # noqa: S608


def test_a_dry_run_prints_what_the_real_run_does(
    client: Client, database: str, make_settings: "MakeSettings", monkeypatch: pytest.MonkeyPatch
) -> None:
    make_settings()
    monkeypatch.setenv("CLICKHOUSE_DATABASE", database)
    monkeypatch.setenv("CLICKHOUSE_RETENTION_DAYS", "7")
    printed = CliRunner().invoke(app, ["migrate", "--dry-run"])
    assert printed.exit_code == 0
    assert "CREATE TABLE IF NOT EXISTS liquidations\n" in printed.output
    assert "ALTER TABLE liquidations MODIFY TTL toDateTime(timestamp) + toIntervalDay(7);" in (
        printed.output
    )
    assert applied_checksums(client, database) is None
    first, second = (CliRunner().invoke(app, ["migrate"]).output for _ in range(2))
    assert "0001_tables" in first
    assert "retention: ALTER TABLE liquidations" in first
    assert second == "applied: nothing, the schema is up to date\n"
    check_schema(client, database)
    assert CliRunner().invoke(app, ["migrate", "--dry-run"]).output == ""


def test_a_question_of_an_hour_reads_that_hour_and_not_its_month(
    client: Client, database: str
) -> None:
    migrate(client, database)
    client.database = database
    client.command(
        "INSERT INTO liquidations (timestamp, received_at, exchange, symbol, event_id, value_usd)"
        " SELECT toDateTime64('2026-06-01 00:00:00', 3, 'UTC') + INTERVAL number * 3600 MILLISECOND"
        " AS at, at, 'okx', 'BTCUSDT', leftPad(toString(number), 32, '0'), 1"
        " FROM numbers(30 * 24 * 1000)"
    )
    constant = "timestamp >= '2026-06-15 07:00:00' AND timestamp < '2026-06-15 08:00:00'"
    computed = (
        "timestamp BETWEEN (SELECT toDateTime64('2026-06-15 07:00:00', 3, 'UTC'))"
        " AND (SELECT toDateTime64('2026-06-15 07:59:59.999', 3, 'UTC'))"
    )
    for condition in (constant, computed):
        found = client.query(f"SELECT count() FROM liquidations FINAL WHERE {condition}")  # noqa: S608
        assert found.result_rows == [(1_000,)]
        # A granule has at most 8,192 rows; the hour lies in one or two.
        assert int(found.summary["read_rows"]) <= 2 * 8_192 + 2
