"""`liq backtest` of what ClickHouse holds, and its runs in ClickHouse."""

from typing import Any

import pytest

from liq.processors.cascades import CascadeEngine, DetectorConfig
from liq.processors.cascades.observation import Observation, view_event
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType
from tests.integration.analytics.conftest import Warehouse
from tests.support.analytics_data import events
from tests.support.pipeline_log import run_offline

pytestmark = pytest.mark.integration

FIRST_MS, AFTER_MS = 1_783_468_800_000, 1_783_728_000_000


def rows(warehouse: Warehouse, question: str) -> list[dict[str, Any]]:
    return list(warehouse.client.query(question).named_results())


def ends() -> list[CascadeAlert]:
    held = [event for event in events() if FIRST_MS <= event.timestamp_ms < AFTER_MS]
    held.sort(key=lambda event: (event.received_at_ms, event.timestamp_ms, event.event_id))
    engine = CascadeEngine(DetectorConfig())
    found: list[CascadeAlert] = []
    for place, view in enumerate(map(view_event, held)):
        assert isinstance(view, Observation)
        found += engine.observe(view, place)
    found += engine.finish()
    return [alert for alert in found if alert.type is AlertType.ENDED]


def test_a_run_and_its_cascades_are_stored_once_however_often_it_is_repeated(
    captured: Warehouse,
) -> None:
    arguments = ("--since", "2026-07-08", "--until", "2026-07-11", "--to", "clickhouse")
    more = ("--set", "min_value_usd=50000", "--jobs", "1")
    said = [run_offline(captured.settings, "backtest", *arguments, *more) for _ in range(2)]
    for done in said:
        assert done.returncode == 0, done.stderr.decode()[:3000]
    assert said[0].stdout == said[1].stdout
    runs = rows(captured, "SELECT * FROM backtest_runs FINAL ORDER BY configuration")
    assert [run["configuration"] for run in runs] == ["min_value_usd=50000", "settings"]
    expected = ends()
    ours = rows(
        captured,
        "SELECT * FROM backtest_cascades FINAL WHERE configuration = 'settings'"
        " ORDER BY cascade_id",
    )
    assert [row["cascade_id"] for row in ours] == sorted(end.cascade_id for end in expected)
    assert {row["run_id"] for row in ours} == {run["run_id"] for run in runs}
    by_id = {end.cascade_id: end for end in expected}
    for row in ours:
        end = by_id[row["cascade_id"]]
        assert (row["total_value_usd"], row["event_count"]) == (
            end.total_value_usd,
            end.event_count,
        )
        assert row["told_at"] is None or 0 <= row["to_come"] <= 1
    of_settings = runs[1]
    assert of_settings["asset_cascades"] + of_settings["market_cascades"] == len(ours)
    assert 0.5 < of_settings["inside_share"] < 1
    # Both read the same events.
    assert runs[0]["value_usd"] == of_settings["value_usd"]
    assert runs[0]["events"] == of_settings["events"] > 4_000
