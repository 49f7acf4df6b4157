"""The life of a cascade, from quiet to quiet."""

from dataclasses import replace
from decimal import Decimal

import pytest

from liq.processors.cascades import CascadeEngine, DetectorConfig
from liq.processors.cascades.asset import LeftOut
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType, Completeness, Level, NoBranching, Scope, Side
from tests.support.cascade_events import START_MS, liquidation

VENUES = ("binance", "bybit", "okx")


@pytest.fixture
def engine() -> CascadeEngine:
    return CascadeEngine(DetectorConfig())


def burst(  # noqa: PLR0913 - a burst has that many properties
    name: str = "a",
    *,
    base: str = "BTC",
    side: Side = Side.LONG,
    count: int = 30,
    start_ms: int = 0,
    step_ms: int = 500,
    value_usd: str = "25000",
) -> list[Liquidation]:
    return [
        liquidation(
            f"{name}{number}",
            start_ms + number * step_ms,
            base=base,
            side=side,
            exchange=VENUES[number % 3],
            value_usd=value_usd,
            price=str(60_000 - number),
        )
        for number in range(count)
    ]


def run(
    engine: CascadeEngine, events: list[Liquidation], until_ms: int | None = None
) -> list[CascadeAlert]:
    """All but watches; `until_ms` is a heartbeat's time after the start."""
    alerts = [alert for place, event in enumerate(events) for alert in engine.apply(event, place)]
    if until_ms is not None:
        alerts += engine.heartbeat(START_MS + until_ms, len(events))
    return [alert for alert in alerts if alert.type is not AlertType.WATCH]


def types(alerts: list[CascadeAlert]) -> list[AlertType]:
    return [alert.type for alert in alerts]


def test_a_burst_on_three_venues_is_one_cascade_with_one_name(engine: CascadeEngine) -> None:
    alerts = run(engine, burst(), until_ms=200_000)
    assert types(alerts)[0] is AlertType.DETECTED
    assert types(alerts)[-1] is AlertType.ENDED
    assert types(alerts).count(AlertType.DETECTED) == types(alerts).count(AlertType.ENDED) == 1
    assert len({alert.cascade_id for alert in alerts}) == 1
    assert [alert.sequence for alert in alerts] == list(range(len(alerts)))
    assert len({alert.alert_id for alert in alerts}) == len(alerts)


def test_its_end_tells_the_whole_story(engine: CascadeEngine) -> None:
    end = run(engine, burst(), until_ms=200_000)[-1]
    assert (end.asset, end.side, end.scope) == ("BTC", Side.LONG, Scope.ASSET)
    assert (end.event_count, end.total_value_usd) == (30, Decimal("750000.00"))
    assert end.exchanges == VENUES
    # The last liquidation of the venue whose prices are followed: one in three is its.
    assert (end.price_first, end.price_last) == (Decimal(60_000), Decimal(59_973))
    assert end.started_at_ms == START_MS
    assert end.ended_at_ms == START_MS + 15_000
    assert end.long_ratio == 1
    assert end.analysis is not None
    assert [share.cell_count for share in end.analysis.shares] == [10, 10, 10]
    assert end.analysis.peak_ten_seconds_usd == Decimal("500000.00")
    assert end.explanation.startswith("BTC longs, cascade ended (")
    assert "30 liquidations, $750k in 15 s on 3 venues" in end.explanation


def test_a_decision_is_dated_by_the_second_that_it_judges(engine: CascadeEngine) -> None:
    start = run(engine, burst(), until_ms=20_000)[0]
    assert start.timestamp_ms % 1_000 == 0
    assert START_MS < start.timestamp_ms <= START_MS + 10_000


def test_silence_ends_a_cascade_only_by_a_heartbeat_and_only_when_it_lasted(
    engine: CascadeEngine,
) -> None:
    run(engine, burst())
    last_hot_ms = START_MS + 14_000
    assert AlertType.ENDED not in types(engine.heartbeat(last_hot_ms + 89_000, 30))
    assert types(engine.heartbeat(last_hot_ms + 90_000, 31)) == [AlertType.ENDED]


def test_a_second_wave_within_the_quiet_time_belongs_to_the_same_cascade(
    engine: CascadeEngine,
) -> None:
    waves = burst() + burst("b", start_ms=75_000)
    alerts = run(engine, waves, until_ms=300_000)
    assert len({alert.cascade_id for alert in alerts}) == 1
    assert alerts[-1].event_count == 60


def test_a_wave_after_the_quiet_time_is_another_one(engine: CascadeEngine) -> None:
    alerts = run(engine, burst() + burst("b", start_ms=200_000), until_ms=500_000)
    assert types(alerts).count(AlertType.DETECTED) == 2
    assert len({alert.cascade_id for alert in alerts}) == 2


def test_one_whale_is_no_cascade(engine: CascadeEngine) -> None:
    assert run(engine, [liquidation("w", 0, value_usd="5000000")], until_ms=200_000) == []


def test_one_order_in_many_fills_is_no_cascade(engine: CascadeEngine) -> None:
    fills = [
        liquidation(f"f{number}", number * 4, exchange="bybit", value_usd="30000")
        for number in range(80)
    ]
    assert run(engine, fills, until_ms=200_000) == []


def test_many_tiny_ones_are_no_cascade(engine: CascadeEngine) -> None:
    assert run(engine, burst(count=120, value_usd="500"), until_ms=200_000) == []


def test_a_floor_of_its_own_silences_an_asset() -> None:
    quiet = CascadeEngine(DetectorConfig(min_value_usd_by_asset={"BTC": Decimal(100_000_000)}))
    alerts = run(quiet, burst() + burst("e", base="ETH", start_ms=20_000), until_ms=300_000)
    assert {alert.asset for alert in alerts} == {"ETH"}


def test_levels_only_rise_and_each_rise_is_told_once(engine: CascadeEngine) -> None:
    growing = [
        event
        for wave in range(12)
        for event in burst(
            f"w{wave}",
            start_ms=wave * 8_000,
            count=16,
            value_usd=str(5_000 * 2**wave),
        )
    ]
    alerts = run(engine, growing, until_ms=400_000)
    told = [alert for alert in alerts if alert.notify]
    order = list(Level)
    ranks = [order.index(alert.level) for alert in told[:-1]]
    assert ranks == sorted(set(ranks))
    assert told[-1].level is Level.EXTREME
    assert len(told) <= 5


def test_updates_are_for_machines(engine: CascadeEngine) -> None:
    alerts = run(engine, burst(count=200), until_ms=400_000)
    updates = [alert for alert in alerts if alert.type is AlertType.UPDATED]
    assert updates
    assert not any(update.notify for update in updates)


def test_a_watch_comes_before_the_start_and_is_a_thing_of_its_own(engine: CascadeEngine) -> None:
    alerts = [alert for place, event in enumerate(burst()) for alert in engine.apply(event, place)]
    first = alerts[0]
    assert first.type is AlertType.WATCH
    assert not first.notify
    start = next(alert for alert in alerts if alert.type is AlertType.DETECTED)
    assert first.timestamp_ms < start.timestamp_ms
    assert first.cascade_id != start.cascade_id


def test_early_events_are_moved_back_late_and_absurd_ones_left_out(
    engine: CascadeEngine,
) -> None:
    strange = [
        liquidation("now", 1_000_000),
        liquidation("now", 1_000_000),
        liquidation("late", 900_000, received_at_ms=1_000_500),
        liquidation("ahead", 9_000_000_000, received_at_ms=1_000_600),
        liquidation("negative", 1_000_000, price="-1"),
        liquidation("huge", 1_000_000, value_usd="1E+30"),
        liquidation("nan", 1_000_000, value_usd="NaN"),
    ]
    assert run(engine, strange, until_ms=2_000_000) == []
    assert engine.partition.left_out == LeftOut(duplicates=1, late=1, implausible=3, future=1)


def test_a_stale_batch_starts_nothing(engine: CascadeEngine) -> None:
    stale = [
        liquidation(f"s{number}", number * 500, received_at_ms=400_000, value_usd="100000")
        for number in range(60)
    ]
    assert run(engine, stale, until_ms=800_000) == []


def test_only_complete_feeds_say_what_triggered_what() -> None:
    def end_of(completeness: Completeness) -> CascadeAlert:
        events = [replace(event, completeness=completeness) for event in burst(count=60)]
        return run(CascadeEngine(DetectorConfig()), events, until_ms=300_000)[-1]

    whole, sampled = end_of(Completeness.COMPLETE).analysis, end_of(Completeness.SAMPLED).analysis
    assert whole is not None
    assert sampled is not None
    assert (whole.complete_share, sampled.complete_share) == (1.0, 0.0)
    assert sampled.endogenous_share is sampled.first_generation is None
    assert whole.endogenous_share is not None
    assert whole.endogenous_share > 0.5


def test_a_branching_ratio_is_told_only_of_complete_feeds_and_enough_of_them() -> None:
    def gauge(completeness: Completeness, count: int) -> tuple[float | None, NoBranching | None]:
        events = [replace(event, completeness=completeness) for event in burst(count=count)]
        told = run(CascadeEngine(DetectorConfig()), events, until_ms=300_000)[-1].analysis
        assert told is not None
        return told.branching_ratio, told.no_branching

    ratio, reason = gauge(Completeness.COMPLETE, 60)
    assert reason is None
    assert ratio is not None
    assert 0 < ratio < 1
    assert gauge(Completeness.SAMPLED, 60) == (None, NoBranching.NO_COMPLETE_FEED)
    assert gauge(Completeness.COMPLETE, 40) == (None, NoBranching.TOO_FEW)


def test_the_venue_that_came_first_leads_by_half_seconds(engine: CascadeEngine) -> None:
    told = run(engine, burst(), until_ms=300_000)[-1].analysis
    assert told is not None
    assert (told.leader, told.lead_ms) == ("binance", 500)


def test_nobody_leads_where_two_were_first_or_there_is_only_one(engine: CascadeEngine) -> None:
    tied = [
        *burst(step_ms=600),
        *(replace(event, event_id=f"t{event.event_id}", exchange="okx") for event in burst()[:1]),
    ]
    events = sorted(tied, key=lambda event: event.received_at_ms)
    told = run(engine, events, until_ms=300_000)[-1].analysis
    alone = [replace(event, exchange="okx") for event in burst()]
    of_one = run(CascadeEngine(DetectorConfig()), alone, until_ms=300_000)[-1].analysis
    for analysis in (told, of_one):
        assert analysis is not None
        assert analysis.leader is analysis.lead_ms is None
