"""Every view's answer over the recorded captures, and that no redelivery changes one.

`ANALYTICS_EXPECTED=write pytest tests/integration/analytics` stores the present answers instead;
review what changed. The totals are also compared with sums that know no SQL.
"""

import json
import os
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from liq.schemas.codec import decode, encode
from liq.schemas.records import CascadeAlert, CascadeEvents, Liquidation
from liq.schemas.vocabulary import AlertType, Arrival, FeedEvent, Scope
from liq.sinks.clickhouse.migrations import known_migrations
from tests.integration.analytics.conftest import NewWarehouse, Warehouse
from tests.integration.analytics.questions import CASCADE, EXPECTED, QUESTIONS, answer, stored
from tests.support import sample_records
from tests.support.analytics_data import events, events_of_a_second_producer, records

pytestmark = pytest.mark.integration


def answers(client: Client) -> Mapping[str, list[list[Any]]]:
    return {name: answer(client, question) for name, question in QUESTIONS.items()}


def expected(name: str) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads((EXPECTED / f"{name}.json").read_text())
    return rows


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_view_says_what_was_reviewed(captured: Warehouse, name: str) -> None:
    found = answer(captured.client, QUESTIONS[name])
    if os.environ.get("ANALYTICS_EXPECTED") == "write":
        (EXPECTED / f"{name}.json").write_text(stored(found))
        pytest.fail("stored the present answer; review it, and run again without the variable")
    assert len(found) > 1, "a question without an answer shows nothing"
    assert found == expected(name)


def test_every_view_is_asked() -> None:
    statements = [text for item in known_migrations() for text in item.statements]
    views = {found[1] for text in statements if (found := re.search(r"VIEW\D*? (\w+) AS\b", text))}
    assert len(views) >= 17
    assert views <= QUESTIONS.keys()


def test_totals_are_those_of_the_events(captured: Warehouse) -> None:
    names, row = answer(captured.client, QUESTIONS["totals"])
    value_usd = sum(event.value_usd for event in events())
    for name, (count, usd) in zip(names, row, strict=True):
        assert (name, count, Decimal(usd)) == (name, len(events()), value_usd)


def in_cascade(event: Liquidation, end: CascadeAlert) -> bool:
    return (
        (end.scope is Scope.MARKET or event.base == end.asset)
        and event.side is end.side
        and end.ended_at_ms is not None
        and end.started_at_ms <= event.timestamp_ms <= end.ended_at_ms
    )


def test_venues_of_every_cascade_are_those_of_its_events(captured: Warehouse) -> None:
    alerts = [
        decode(CascadeAlert, value)
        for value in records(captured.settings.topics)[captured.settings.topics.cascades]
    ]
    since_ms = 1_783_526_400_000  # 2026-07-08 16:00, as PERIOD says
    ends = [each for each in alerts if each.ended_at_ms and each.started_at_ms >= since_ms]
    assert len(ends) > 20
    names, *rows = answer(captured.client, QUESTIONS["cascade_venues"])
    found = [dict(zip(names, row, strict=True)) for row in rows]
    assert len(ends) == len({row["cascade_id"] for row in found})
    for end in ends:
        members = [event for event in events() if in_cascade(event, end)]
        first_ms = min(event.timestamp_ms for event in members)
        assert {
            (row["exchange"], row["events"], Decimal(row["value_usd"]), row["lag_ms"])
            for row in found
            if row["cascade_id"] == end.cascade_id
        } == {
            (
                exchange,
                len(own),
                sum(event.value_usd for event in own),
                min(event.timestamp_ms for event in own) - first_ms,
            )
            for exchange in end.exchanges
            if (own := [event for event in members if event.exchange == exchange])
        }


def test_a_link_names_a_cascade_s_parent_and_is_no_newer_alert_of_it(
    new_warehouse: NewWarehouse,
) -> None:
    def alert(cascade_id: str, sequence: int, **changes: Any) -> CascadeAlert:
        alert_id = f"{cascade_id}-{sequence}-{changes.get('parent_id')}"
        values: dict[str, Any] = {
            "alert_id": alert_id,
            "cascade_id": cascade_id,
            "sequence": sequence,
        }
        return replace(sample_records.alert(), **(values | changes))

    def link(cascade_id: str, sequence: int, parent_id: str, at_ms: int) -> CascadeAlert:
        return alert(
            cascade_id,
            sequence,
            type=AlertType.LINKED,
            notify=False,
            parent_id=parent_id,
            timestamp_ms=at_ms,
        )

    start_ms = sample_records.STARTED_AT_MS
    alerts = [
        alert("alone", 0),
        alert("child", 0),
        alert("child", 1, event_count=7),
        link("child", 1, "market-1", start_ms + 1_000),
        link("child", 1, "market-2", start_ms + 2_000),
        alert("older", 0),
        alert("older", 1, parent_id="market-1", notify=False),
    ]
    warehouse = new_warehouse()
    warehouse.load({warehouse.settings.topics.cascades: [encode(alert) for alert in alerts]})
    found = warehouse.client.query(
        "SELECT cascade_id, type, sequence, toUnixTimestamp64Milli(timestamp), event_count,"
        " parent_id FROM cascades_latest ORDER BY cascade_id"
    ).result_rows
    assert found == [
        ("alone", "CASCADE_ESCALATED", 0, start_ms, 0, None),
        ("child", "CASCADE_ESCALATED", 1, start_ms, 7, "market-2"),
        ("older", "CASCADE_ESCALATED", 1, start_ms, 0, "market-1"),
    ]
    [(stored,)] = warehouse.client.query(
        "SELECT count() FROM cascades FINAL WHERE type = 'CASCADE_LINKED'"
    ).result_rows
    assert stored == 2


def test_the_events_of_an_alert_are_those_that_it_counts(new_warehouse: NewWarehouse) -> None:
    start_ms = sample_records.STARTED_AT_MS
    inside = replace(
        sample_records.liquidation(), event_id="in", timestamp_ms=start_ms, received_at_ms=start_ms
    )
    counted = CascadeEvents(
        asset=inside.base,
        side=inside.side,
        from_ms=start_ms,
        to_ms=start_ms + 2_000,
        received_before_ms=start_ms + 5_000,
    )
    late: dict[str, Any] = {"timestamp_ms": start_ms + 1_000, "received_at_ms": start_ms + 5_000}
    events = [
        inside,
        replace(inside, event_id="other asset", base="OTHER"),
        replace(inside, event_id="other side", side=inside.side.opposite),
        replace(inside, event_id="before", timestamp_ms=start_ms - 1),
        replace(inside, event_id="after", timestamp_ms=start_ms + 2_000),
        replace(inside, event_id="too late", **late),
        replace(inside, event_id="history", arrival=Arrival.BACKFILLED),
    ]
    asset = replace(sample_records.alert(), side=inside.side, asset=inside.base, events=counted)
    market = replace(asset, asset="", events=replace(counted, asset=""))
    alerts = [
        replace(asset, alert_id="a", cascade_id="asset"),
        replace(market, alert_id="m", cascade_id="market"),
        replace(asset, alert_id="o", cascade_id="older", events=None),
    ]
    warehouse = new_warehouse()
    topics = warehouse.settings.topics
    warehouse.load(
        {
            topics.events: [encode(event) for event in events],
            topics.cascades: [encode(alert) for alert in alerts],
        }
    )
    for cascade_id, expected in {
        "asset": ["in"],
        "market": ["in", "other asset"],
        "older": [],
    }.items():
        ids = f"cascade_event_ids(cascade_id = '{cascade_id}')"
        rows = warehouse.client.query(f"SELECT event_id FROM {ids} ORDER BY event_id").result_rows  # noqa: S608
        assert [event_id for (event_id,) in rows] == expected


def test_an_unknown_cascade_has_no_events(captured: Warehouse) -> None:
    question = QUESTIONS["cascade_events"].replace(CASCADE, "cascade_id = 'unknown'")
    assert len(answer(captured.client, question)) == 1


@pytest.mark.slow
def test_redelivery_changes_no_answer(new_warehouse: NewWarehouse) -> None:
    warehouse = new_warehouse()
    once = records(warehouse.settings.topics)
    warehouse.load(once)
    first = answers(warehouse.client)
    assert first == {name: expected(name) for name in QUESTIONS}
    # Merges would hide what redelivery does to the tables.
    warehouse.client.command("SYSTEM STOP MERGES")
    try:
        shuffled = {
            topic: random.Random(topic).sample(list(values), len(values))  # noqa: S311 - a shuffle
            for topic, values in once.items()
        }
        warehouse.load(shuffled)
        warehouse.load({warehouse.settings.topics.events: events_of_a_second_producer()})
        [(copies,)] = warehouse.client.query("SELECT count() FROM liquidations").result_rows
        assert copies > len(events())
        assert answers(warehouse.client) == first
    finally:
        warehouse.client.command("SYSTEM START MERGES")


def test_hours_of_a_gap_are_counted_once(captured: Warehouse) -> None:
    """Two connections of one venue have gaps that overlap by ten seconds."""
    client = captured.client
    gaps = client.query(
        "SELECT gap_from, gap_to FROM feed_gaps WHERE exchange = 'bybit' ORDER BY gap_from"
    ).result_rows
    assert any(later[0] < earlier[1] for earlier, later in pairwise(gaps))
    [(seconds,)] = client.query(
        "SELECT sum(gap_seconds) FROM completeness_hours WHERE exchange = 'bybit'"
    ).result_rows
    assert seconds == (max(gap[1] for gap in gaps) - min(gap[0] for gap in gaps)).total_seconds()


def test_a_gap_that_a_history_filled_is_no_gap_of_the_hour(new_warehouse: NewWarehouse) -> None:
    """The newest end of a repair counts; one of another connection does not."""
    warehouse = new_warehouse()
    gap = sample_records.feed_status(30_000)
    ends = [
        replace(
            gap, event=event, connection=connection, timestamp_ms=gap.timestamp_ms + later_ms,
            row_count=3, request_count=2,
        )
        for event, connection, later_ms in (
            (FeedEvent.PARTLY, gap.connection, 60_000),
            (FeedEvent.FILLED, gap.connection, 120_000),
            (FeedEvent.UNRECOVERABLE, "another", 180_000),
        )
    ]  # fmt: skip
    topic = warehouse.settings.topics.feeds
    warehouse.load({topic: [encode(gap)]})
    assert (repairs(warehouse.client), seconds(warehouse.client)) == ([("", None)], (30, 0))
    warehouse.load({topic: [encode(each) for each in ends]})
    assert (repairs(warehouse.client), seconds(warehouse.client)) == ([("filled", 3)], (0, 30))


def repairs(client: Client) -> list[tuple[str, int | None]]:
    rows = client.query("SELECT repair, repair_rows FROM feed_gaps").result_rows
    return [(repair, count) for repair, count in rows]


def seconds(client: Client) -> tuple[float, float]:
    question = "SELECT sum(gap_seconds), sum(filled_seconds) FROM completeness_hours"
    [(gap_seconds, filled_seconds)] = client.query(question).result_rows
    return gap_seconds, filled_seconds
