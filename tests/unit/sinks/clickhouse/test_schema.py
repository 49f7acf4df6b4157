"""What is read out of the migrations' SQL, and how a database's tables and views are compared."""

from dataclasses import replace

import pytest

from liq.sinks.clickhouse.migrations import expected_schema, known_migrations
from liq.sinks.clickhouse.schema import (
    Schema,
    Storage,
    _plain_engine,
    schema_of,
    storage_differences,
)

TABLE = """CREATE TABLE IF NOT EXISTS t
(
    a UInt32 COMMENT 'a key',
    b Decimal(38, 12) CODEC(ZSTD(1)),
    INDEX i a TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(b)
PARTITION BY toYYYYMM(a)
ORDER BY (toStartOfHour(a), b)"""


def test_a_table_has_its_columns_engine_and_keys() -> None:
    schema = schema_of([TABLE])
    assert schema.tables == {"t": {"a": "UInt32", "b": "Decimal(38, 12)"}}
    assert schema.storages == {
        "t": Storage("ReplacingMergeTree(b)", "toStartOfHour(a), b", "toYYYYMM(a)")
    }


def test_later_statements_change_what_is_there_and_a_second_create_does_not() -> None:
    schema = schema_of(
        [
            TABLE,
            TABLE.replace("UInt32", "String"),
            "ALTER TABLE t\n    ADD COLUMN IF NOT EXISTS c String,\n    MODIFY ORDER BY (a, b, c)",
            "CREATE VIEW IF NOT EXISTS v AS SELECT 1",
            "CREATE VIEW IF NOT EXISTS v AS SELECT 2",
            "CREATE VIEW IF NOT EXISTS w AS SELECT 1",
            "CREATE OR REPLACE VIEW w AS\nSELECT 3",
        ]
    )
    assert schema.tables["t"] == {"a": "UInt32", "b": "Decimal(38, 12)", "c": "String"}
    assert schema.storages["t"].order_key == "a, b, c"
    assert schema.views == {"v": "SELECT 1", "w": "SELECT 3"}


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"engine": "MergeTree()"}, "the engine of table t is MergeTree() instead of"),
        ({"order_key": "a"}, "the order key of table t is a instead of toStartOfHour(a), b"),
        ({"partition_key": ""}, "the partition key of table t is empty instead of toYYYYMM(a)"),
    ],
)
def test_storage_that_differs_is_named(change: dict[str, str], phrase: str) -> None:
    expected = schema_of([TABLE])
    found = Schema(expected.tables, {"t": replace(expected.storages["t"], **change)})
    [said] = storage_differences(expected, found)
    assert said.startswith(phrase)


def test_a_replicated_table_is_no_difference() -> None:
    text = "ReplicatedReplacingMergeTree('/tables/{uuid}/{shard}', '{replica}', b)"
    replicated = schema_of([TABLE]).storages["t"]
    assert _plain_engine(text) == replicated.engine


def test_every_table_deduplicates_and_no_view_stores_a_sum() -> None:
    """A summing view is written after its table's part: a crash between both leaves it short."""
    assert {
        storage.engine.partition("(")[0] for storage in expected_schema().storages.values()
    } == {"ReplacingMergeTree"}
    for migration in known_migrations():
        for statement in migration.statements:
            for word in ("MATERIALIZED VIEW", "SummingMergeTree", "AggregatingMergeTree"):
                assert word not in statement
