"""What the views for analysis say, compared with the same computed without SQL."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from math import log1p
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from liq.schemas.codec import decode, encode
from liq.schemas.records import CascadeAlert, FeedStatus, Liquidation
from liq.schemas.vocabulary import AlertType, Arrival, Completeness, FeedEvent, Scope
from tests.integration.analytics.conftest import NewWarehouse, Warehouse
from tests.integration.analytics.questions import PERIOD
from tests.support.analytics_data import events, records, stored_alerts

pytestmark = pytest.mark.integration

SINCE_MS = int(datetime(2026, 7, 8, 16, tzinfo=UTC).timestamp() * 1000)
UNTIL_MS = int(datetime(2026, 7, 11, tzinfo=UTC).timestamp() * 1000)
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
DRAWS = 20
CENTS = Decimal("0.01")
WINDOWS_MS = {
    "30 min before": (-30 * MINUTE_MS, "start"),
    "5 min before": (-5 * MINUTE_MS, "start"),
    "1 min after": (MINUTE_MS, "end"),
    "5 min after": (5 * MINUTE_MS, "end"),
    "30 min after": (30 * MINUTE_MS, "end"),
}


def asked(client: Client, sql: str) -> list[Mapping[str, Any]]:
    return list(client.query(sql).named_results())


def alerts() -> list[CascadeAlert]:
    return [
        alert
        for alert in (decode(CascadeAlert, value) for value in stored_alerts())
        if SINCE_MS <= alert.started_at_ms < UNTIL_MS
    ]


def ends() -> dict[str, CascadeAlert]:
    return {alert.cascade_id: alert for alert in alerts() if alert.type is AlertType.ENDED}


def total(cascade: CascadeAlert, from_ms: int, to_ms: int, *, same_side: bool) -> Decimal:
    return sum(
        (
            event.value_usd
            for event in events()
            if (cascade.scope is Scope.MARKET or event.base == cascade.asset)
            and (event.side is cascade.side) == same_side
            and from_ms <= event.timestamp_ms < to_ms
        ),
        Decimal(0),
    )


def window_of(name: str, start_ms: int, end_ms: int) -> tuple[int, int]:
    if name == "during":
        return start_ms, end_ms
    shift, anchor = WINDOWS_MS[name]
    if anchor == "start":
        return start_ms + shift, start_ms
    return end_ms, end_ms + shift


def test_windows_around_cascades_hold_what_the_events_say(captured: Warehouse) -> None:
    rows = asked(captured.client, f"SELECT * FROM cascade_study({PERIOD}) WHERE draw = 0")  # noqa: S608
    assert len(rows) == 6 * len(ends())
    for row in rows:
        cascade = ends()[row["cascade_id"]]
        assert cascade.ended_at_ms is not None
        window = window_of(row["study_window"], cascade.started_at_ms, cascade.ended_at_ms)
        assert row["seconds"] == (window[1] - window[0]) / 1000
        assert row["same_side_usd"] == total(cascade, *window, same_side=True)
        assert row["other_side_usd"] == total(cascade, *window, same_side=False)
        if row["study_window"] == "during":
            assert row["same_side_events"] == cascade.event_count
            # The alert adds up rounded values.
            difference = abs(row["same_side_usd"] - cascade.total_value_usd)
            assert difference <= CENTS * cascade.event_count


def test_random_windows_are_twenty_a_cascade_and_the_same_every_time(captured: Warehouse) -> None:
    sql = (
        "SELECT cascade_id, study_window, seconds, groupArray(same_side_usd) AS sums"
        " FROM (SELECT * FROM cascade_study({}) WHERE draw > 0 ORDER BY draw)"
        " GROUP BY cascade_id, study_window, seconds ORDER BY cascade_id, study_window"
    )
    first, second = (asked(captured.client, sql.format(PERIOD)) for _ in range(2))
    assert first == second
    assert {len(row["sums"]) for row in first} == {DRAWS}
    # A random time is neither always empty nor always the cascade.
    assert len({tuple(row["sums"]) for row in first}) > len(ends())
    other = asked(captured.client, sql.format(PERIOD.replace("07-11 00", "07-10 23")))
    assert [row["sums"] for row in other] != [row["sums"] for row in first]


def test_what_followed_an_alert_is_what_the_events_say(captured: Warehouse) -> None:
    rows = asked(captured.client, f"SELECT * FROM alert_outcomes({PERIOD})")  # noqa: S608
    wanted = {AlertType.DETECTED, AlertType.ESCALATED}
    assert len(rows) == sum(alert.type in wanted for alert in alerts())
    for row in rows:
        cascade = ends()[row["cascade_id"]]
        assert cascade.ended_at_ms is not None
        [alert] = [
            each
            for each in alerts()
            if (each.cascade_id, each.sequence) == (row["cascade_id"], row["sequence"])
        ]
        at_ms = alert.timestamp_ms
        assert row["usd_at_alert"] == alert.total_value_usd
        assert row["delay_ms"] == at_ms - alert.started_at_ms
        to_end = total(cascade, at_ms, max(at_ms, cascade.ended_at_ms), same_side=True)
        assert row["usd_to_end"] == to_end
        for minutes in (1, 5, 30):
            window = (at_ms, at_ms + minutes * MINUTE_MS)
            assert row[f"usd_{minutes}_min"] == total(cascade, *window, same_side=True)
        usual = total(cascade, SINCE_MS, UNTIL_MS, same_side=True) * 5 * MINUTE_MS
        assert row["usual_5_min_usd"] == pytest.approx(usual / (UNTIL_MS - SINCE_MS), abs=CENTS)


def test_episodes_are_chains_of_cascades_in_the_order_of_their_first_liquidations(
    captured: Warehouse,
) -> None:
    rows = asked(
        captured.client,
        f"SELECT * FROM contagion_order({PERIOD}) ORDER BY side, episode_at, place",  # noqa: S608
    )
    of_assets = [end for end in ends().values() if end.scope is Scope.ASSET]
    assert sum(row["cascades"] for row in rows) == len(of_assets)
    episodes = defaultdict(list)
    for row in rows:
        episodes[row["side"], row["episode_at"]].append(row)
    assert max(map(len, episodes.values())) >= 3
    for (side, at), members in episodes.items():
        assert [row["place"] for row in members] == list(range(1, len(members) + 1))
        assert all(row["assets"] == len(members) for row in members)
        assert all(a["lag_ms"] <= b["lag_ms"] for a, b in pairwise(members))
        first_ms = int(at.timestamp() * 1000) + at.microsecond % 1000
        for row in members:
            start_ms = first_ms + row["lag_ms"]
            [found] = {
                event.exchange
                for event in events()
                if event.base == row["asset"]
                and event.side == side
                and event.timestamp_ms == start_ms
            } & {row["first_exchange"]}
            assert found == row["first_exchange"]
    starts = sorted((side, at) for side, at in episodes)
    for (side, at), (next_side, next_at) in pairwise(starts):
        if side == next_side:
            assert (next_at - at).total_seconds() > 60


def hourly(asset: str) -> dict[int, Decimal]:
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for event in events():
        if event.base == asset:
            sums[event.timestamp_ms // HOUR_MS] += event.value_usd
    return sums


@pytest.mark.parametrize("asset", ["BTC", "SOL"])
def test_scores_of_hours_are_those_of_their_week_before(captured: Warehouse, asset: str) -> None:
    rows = asked(
        captured.client,
        f"SELECT * FROM asset_hour_scores({PERIOD}) WHERE asset = '{asset}' ORDER BY hour",  # noqa: S608
    )
    sums = hourly(asset)
    first = min(
        event.timestamp_ms for event in events() if event.timestamp_ms >= SINCE_MS - 168 * HOUR_MS
    )
    assert len(rows) == (UNTIL_MS - max(SINCE_MS, first // HOUR_MS * HOUR_MS)) // HOUR_MS
    for row in rows:
        hour = int(row["hour"].timestamp()) // 3600
        before = [sums.get(each, Decimal(0)) for each in range(first // HOUR_MS, hour)]
        assert row["value_usd"] == sums.get(hour, 0)
        assert row["hours_before"] == len(before)
        if before:
            assert row["median_usd"] == sorted(before)[len(before) // 2]
        if len(before) < 24:
            assert row["z_score"] is None
            continue
        sizes = [log1p(each) for each in before]
        score = (log1p(row["value_usd"]) - statistics.mean(sizes)) / statistics.stdev(sizes)
        assert row["z_score"] == pytest.approx(score, abs=0.001)


def test_regimes_count_quiet_hours_and_add_up(captured: Warehouse) -> None:
    rows = asked(captured.client, f"SELECT * FROM regime_profile({PERIOD})")  # noqa: S608
    market = [row for row in rows if row["asset"] == ""]
    inside = [event for event in events() if SINCE_MS <= event.timestamp_ms < UNTIL_MS]
    assert sum(row["events"] for row in market) == len(inside)
    assert sum(row["value_usd"] for row in market) == sum(event.value_usd for event in inside)
    assert sum(row["cascades"] for row in market) == len({a.cascade_id for a in alerts()})
    assets = Counter[tuple[int, int]]()
    for row in rows:
        if row["asset"]:
            assets[row["weekday"], row["hour_of_day"]] += row["events"]
    assert assets == {(row["weekday"], row["hour_of_day"]): row["events"] for row in market}
    # 56 hours: every hour of a weekday lies in the period once.
    assert {row["hours"] for row in rows} == {1}


def test_minutes_outside_of_cascades_are_those_that_no_cascade_covers(captured: Warehouse) -> None:
    least = 100_000
    rows = asked(
        captured.client,
        f"SELECT * FROM minute_coverage({PERIOD}, min_usd = {least})",  # noqa: S608
    )
    sums: dict[tuple[int, str, str], Decimal] = defaultdict(Decimal)
    for event in events():
        if SINCE_MS <= event.timestamp_ms < UNTIL_MS:
            sums[event.timestamp_ms // MINUTE_MS, event.base, event.side] += event.value_usd
    large = {key: usd for key, usd in sums.items() if usd >= least}
    assert len(rows) == len(large)
    for row in rows:
        minute = int(row["minute"].timestamp()) // 60
        assert row["value_usd"] == large[minute, row["asset"], row["side"]]
        covering = {
            end.cascade_id
            for end in ends().values()
            if end.side == row["side"]
            and (end.scope is Scope.MARKET or end.asset == row["asset"])
            and end.started_at_ms < (minute + 1) * MINUTE_MS
            and (end.ended_at_ms or 0) >= minute * MINUTE_MS
        }
        assert row["is_in_cascade"] == bool(covering)
        assert row["cascade_id"] in covering or not (covering or row["cascade_id"])
        announced = [a for a in alerts() if a.cascade_id == row["cascade_id"] and a.sequence == 0]
        assert row["is_known"] == any(a.timestamp_ms <= (minute + 1) * MINUTE_MS for a in announced)


def largest_of_each_second(exchange: str) -> list[Liquidation]:
    """A complete venue's events as Binance would publish them, under its name."""
    slots: dict[tuple[str, int], Liquidation] = {}
    for event in events():
        if event.exchange == exchange:
            slot = (event.symbol, event.timestamp_ms // 1000)
            if slot not in slots or event.value_usd > slots[slot].value_usd:
                slots[slot] = event
    return [
        replace(
            event,
            exchange="binance",
            completeness=Completeness.SAMPLED,
            event_id=f"{number:032x}",
        )
        for number, event in enumerate(slots.values())
    ]


def test_an_estimate_gives_back_what_thinning_took_and_stays_in_its_range(
    new_warehouse: NewWarehouse,
) -> None:
    complete = [event for event in events() if event.exchange == "bybit"]
    thinned = largest_of_each_second("bybit")
    unknown = [
        replace(event, exchange="okx", event_id=f"f{event.event_id[1:]}") for event in thinned
    ]
    warehouse = new_warehouse()
    published = [*complete, *thinned, *unknown]
    warehouse.load({warehouse.settings.topics.events: [encode(event) for event in published]})
    rows = asked(warehouse.client, f"SELECT * FROM estimated_hours({PERIOD})")  # noqa: S608
    sums: dict[str, Decimal] = defaultdict(Decimal)
    estimates: dict[str, float] = defaultdict(float)
    for row in rows:
        sums[row["exchange"]] += row["value_usd"]
        if row["exchange"] == "okx":
            assert (row["published"], row["estimate_usd"], row["high_usd"]) == (
                "unknown",
                None,
                None,
            )
            continue
        assert float(row["value_usd"]) <= row["estimate_usd"] + 0.01
        assert row["estimate_usd"] <= row["high_usd"] + 0.01
        estimates[row["exchange"]] += row["estimate_usd"]
    truth = float(sums["bybit"])
    assert estimates["bybit"] == pytest.approx(truth)
    assert float(sums["binance"]) < 0.85 * truth
    assert estimates["binance"] == pytest.approx(truth, rel=1e-6)


def test_without_complete_feeds_there_is_no_estimate(new_warehouse: NewWarehouse) -> None:
    warehouse = new_warehouse()
    binance = [encode(event) for event in events() if event.exchange == "binance"]
    warehouse.load({warehouse.settings.topics.events: binance})
    rows = asked(warehouse.client, f"SELECT * FROM estimated_hours({PERIOD})")  # noqa: S608
    assert {(row["published"], row["estimate_usd"]) for row in rows} == {
        ("largest of a second", None)
    }


def test_an_audit_counts_what_the_live_feed_missed(new_warehouse: NewWarehouse) -> None:
    warehouse = new_warehouse()
    topics = warehouse.settings.topics
    own = [event for event in events() if event.exchange == "bybit"]
    late = own[::4]
    values = [
        encode(replace(event, arrival=Arrival.BACKFILLED) if event in late else event)
        for event in own
    ]
    warehouse.load(
        {
            topics.events: values,
            topics.feeds: records(topics)[topics.feeds],
            topics.rejected: records(topics)[topics.rejected],
        }
    )
    [row] = asked(warehouse.client, f"SELECT * FROM venue_audit({PERIOD})")  # noqa: S608
    assert (row["exchange"], row["published"]) == ("bybit", "complete")
    assert (row["events"], row["late_events"]) == (len(own), len(late))
    assert row["late_usd"] == sum(event.value_usd for event in late)
    assert row["live_share"] == pytest.approx(1 - len(late) / len(own), abs=1e-6)
    gaps = [decode(FeedStatus, value) for value in records(topics)[topics.feeds]]
    spans = sorted(
        (gap.from_ms, gap.to_ms or gap.timestamp_ms)
        for gap in gaps
        if gap.exchange == "bybit" and gap.event is FeedEvent.GAP and gap.from_ms is not None
    )
    assert row["gap_seconds"] == (spans[-1][1] - spans[0][0]) / 1000
    assert row["usd_share"] == 1
