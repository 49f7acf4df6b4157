"""Statements for a cluster: text in, text out."""

import pytest

from liq.sinks.clickhouse.cluster import for_cluster


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        (
            "CREATE DATABASE IF NOT EXISTS `liq`",
            "CREATE DATABASE IF NOT EXISTS `liq` ON CLUSTER 'm'",
        ),
        (
            "CREATE TABLE `x`.t\n(a Int8) ENGINE = ReplacingMergeTree(a)",
            "CREATE TABLE `x`.t ON CLUSTER 'm'\n(a Int8) ENGINE = ReplicatedReplacingMergeTree(a)",
        ),
        (
            "CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a",
            "CREATE TABLE t ON CLUSTER 'm' (a Int8) ENGINE = ReplicatedMergeTree ORDER BY a",
        ),
        (
            "CREATE OR REPLACE VIEW v AS SELECT 'ENGINE = MergeTree'",
            "CREATE OR REPLACE VIEW v ON CLUSTER 'm' AS SELECT 'ENGINE = MergeTree'",
        ),
        ("ALTER TABLE t REMOVE TTL", "ALTER TABLE t ON CLUSTER 'm' REMOVE TTL"),
        ("DROP VIEW IF EXISTS v", "DROP VIEW IF EXISTS v ON CLUSTER 'm'"),
    ],
)
def test_definitions_reach_every_server(statement: str, wanted: str) -> None:
    assert for_cluster(statement, "m") == wanted
    assert for_cluster(statement, "") == statement


def test_a_replicated_engine_stays_as_it_is() -> None:
    statement = "CREATE TABLE t (a Int8) ENGINE = ReplicatedMergeTree ORDER BY a"
    assert for_cluster(statement, "m").count("Replicated") == 1


@pytest.mark.parametrize("statement", ["SELECT 1", "SYSTEM FLUSH LOGS", "RENAME TABLE a TO b"])
def test_a_statement_without_a_rule_is_not_let_through(statement: str) -> None:
    with pytest.raises(ValueError, match="no rule for a cluster"):
        for_cluster(statement, "m")
