"""Every SQL panel of Grafana's dashboards, asked of a ClickHouse that holds the recordings."""

import pytest

from tests.integration.analytics.conftest import Warehouse
from tests.support.dashboards import Query, queries, sql

pytestmark = pytest.mark.integration

SINCE, UNTIL = "2026-07-08 00:00:00", "2026-07-11 00:00:00"
PANELS = [query for query in queries() if query.datasource == "liq-clickhouse"]


@pytest.mark.parametrize("query", PANELS, ids=lambda query: query.panel)
def test_a_panel_has_an_answer(captured: Warehouse, query: Query) -> None:
    answer = captured.client.query(sql(query.text, SINCE, UNTIL))
    assert answer.result_rows
    assert "$" not in sql(query.text, SINCE, UNTIL)
    if "AS time" in query.text:
        times = [row[0] for row in answer.result_rows]
        assert len(set(times)) > 1
        assert times == sorted(times)
