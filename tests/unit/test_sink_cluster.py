"""Statements for a cluster: text in, text out."""

import pytest

from sinks.clickhouse.cluster import for_cluster


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        (
            "CREATE DATABASE IF NOT EXISTS `liq`",
            "CREATE DATABASE IF NOT EXISTS `liq` ON CLUSTER 'main'",
        ),
        (
            "CREATE TABLE `x`.t\n(a Int8)\nENGINE = ReplacingMergeTree(a)",
            "CREATE TABLE `x`.t ON CLUSTER 'main'\n(a Int8)\nENGINE = ReplicatedReplacingMergeTree(a)",
        ),
        (
            "CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a",
            "CREATE TABLE t ON CLUSTER 'main' (a Int8) ENGINE = ReplicatedMergeTree ORDER BY a",
        ),
        (
            "CREATE OR REPLACE VIEW v AS SELECT 'ENGINE = MergeTree'",
            "CREATE OR REPLACE VIEW v ON CLUSTER 'main' AS SELECT 'ENGINE = MergeTree'",
        ),
        ("ALTER TABLE t REMOVE TTL", "ALTER TABLE t ON CLUSTER 'main' REMOVE TTL"),
        ("DROP VIEW IF EXISTS v", "DROP VIEW IF EXISTS v ON CLUSTER 'main'"),
    ],
)
def test_definitions_reach_every_server(statement: str, wanted: str) -> None:
    assert for_cluster(statement, "main") == wanted
    assert for_cluster(statement, "") == statement


def test_a_replicated_engine_stays_as_it_is() -> None:
    statement = "CREATE TABLE t (a Int8) ENGINE = ReplicatedMergeTree ORDER BY a"
    assert for_cluster(statement, "main").count("Replicated") == 1


@pytest.mark.parametrize("statement", ["SELECT 1", "SYSTEM FLUSH LOGS", "RENAME TABLE a TO b"])
def test_a_statement_without_a_rule_is_not_let_through(statement: str) -> None:
    with pytest.raises(ValueError, match="no rule for a cluster"):
        for_cluster(statement, "main")
