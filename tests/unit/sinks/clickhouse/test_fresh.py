"""What an empty database is made of: tables first, each view once and after those that it reads."""

import pytest

from liq.sinks.clickhouse.fresh import at_once

TABLE = "CREATE TABLE IF NOT EXISTS t\n(\n    a Int8\n)\nENGINE = MergeTree"
ALTER = "ALTER TABLE t\n    ADD COLUMN b Int8"


def test_a_replaced_view_is_made_once_after_what_it_reads() -> None:
    first = "CREATE VIEW IF NOT EXISTS a AS SELECT 1"
    reader = "CREATE VIEW IF NOT EXISTS b AS SELECT x FROM t JOIN\n  a ON 1"
    last = "CREATE OR REPLACE VIEW a AS SELECT a, b FROM t"
    ignored = "CREATE VIEW IF NOT EXISTS a AS SELECT 2"
    assert at_once([TABLE, first, reader, ALTER, last, ignored]) == [TABLE, ALTER, last, reader]


def test_a_view_that_is_dropped_has_no_rule() -> None:
    with pytest.raises(ValueError, match="DROP VIEW v"):
        at_once([TABLE, "DROP VIEW v"])
