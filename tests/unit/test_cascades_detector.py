from collections.abc import Iterable
from decimal import Decimal

import pytest

from processors.cascades import AssetState, CascadeDetector, DetectorConfig
from schemas.records import CascadeAlert, Liquidation
from schemas.vocabulary import AlertType, Scope, Side
from tests.cascade_events import START_MS, liquidation

WINDOW_MS = 60_000
GRACE_MS = 5_000


@pytest.fixture
def detector() -> CascadeDetector:
    return CascadeDetector(DetectorConfig())


def run(
    detector: CascadeDetector, events: Iterable[Liquidation]
) -> tuple[AssetState, list[CascadeAlert]]:
    state = detector.new_state()
    alerts = []
    for event in events:
        state, made = detector.step(state, event)
        alerts += made
    return state, alerts


def burst(
    name: str, start_ms: int, count: int = 5, side: Side = Side.LONG, value_usd: str = "25000"
) -> list[Liquidation]:
    """Liquidations a second apart."""
    return [
        liquidation(f"{name}{index}", start_ms + index * 1_000, side=side, value_usd=value_usd)
        for index in range(count)
    ]


def types(alerts: Iterable[CascadeAlert]) -> list[AlertType]:
    return [alert.type for alert in alerts]


def test_four_events_are_no_cascade_whatever_their_value(detector: CascadeDetector) -> None:
    _, alerts = run(detector, burst("a", 0, count=4, value_usd="9000000"))
    assert alerts == []


def test_the_fifth_event_makes_a_cascade(detector: CascadeDetector) -> None:
    _, (alert,) = run(detector, burst("a", 0))
    assert alert.type is AlertType.DETECTED
    assert (alert.scope, alert.asset, alert.side) == (Scope.ASSET, "BTC", Side.LONG)
    assert alert.started_at_ms == START_MS
    assert alert.timestamp_ms == START_MS + 4_000
    assert alert.ended_at_ms is None
    assert (alert.sequence, alert.event_count) == (0, 5)
    assert alert.total_value_usd == Decimal("125000.00")
    assert alert.long_ratio == 1.0
    assert alert.exchanges == ("bybit",)
    assert alert.symbols == ("BTCUSDT",)
    assert alert.detector == DetectorConfig().identity


@pytest.mark.parametrize(("last", "expected"), [("19999.99", 0), ("20000", 1)])
def test_a_cent_decides_about_the_value_threshold(
    detector: CascadeDetector, last: str, expected: int
) -> None:
    events = [*burst("a", 0, count=4, value_usd="20000"), liquidation("z", 5_000, value_usd=last)]
    _, alerts = run(detector, events)
    assert len(alerts) == expected


@pytest.mark.parametrize(("last_ms", "expected"), [(59_999, 1), (60_000, 0)])
def test_the_window_is_open_at_its_old_end(
    detector: CascadeDetector, last_ms: int, expected: int
) -> None:
    _, alerts = run(detector, [*burst("a", 0, count=4), liquidation("z", last_ms)])
    assert len(alerts) == expected


def test_thresholds_come_from_the_configuration() -> None:
    config = DetectorConfig(window_seconds=10, min_events=2, min_value_usd=Decimal("0.5"))
    events = [
        liquidation("a", 0, value_usd="0.3"),
        liquidation("b", 10_000, value_usd="0.3"),
        liquidation("c", 19_999, value_usd="0.3"),
    ]
    _, (alert,) = run(CascadeDetector(config), events)
    assert alert.started_at_ms == START_MS + 10_000
    assert alert.detector == config.identity


def test_one_alert_however_many_events(detector: CascadeDetector) -> None:
    _, alerts = run(detector, burst("a", 0, count=300))
    assert types(alerts) == [AlertType.DETECTED]


def test_the_end_tells_of_the_whole_cascade(detector: CascadeDetector) -> None:
    events = [
        liquidation(f"a{index}", index * 1_000, value_usd=value, price=price, exchange=exchange)
        for index, (value, price, exchange) in enumerate(
            [
                ("30000", "100", "okx"),
                ("10000", "99", "bybit"),
                ("30000", "98", "bybit"),
                ("20000", "97", "bybit"),
                ("50000", "96", "binance"),
                ("70000", "95.50", "bybit"),
                ("0.01", "94", "bybit"),
            ]
        )
    ]
    state, _ = run(detector, events)
    (end,) = detector.finish(state)
    assert end.type is AlertType.ENDED
    assert end.sequence == 1
    assert end.started_at_ms == START_MS
    assert end.ended_at_ms == START_MS + 6_000
    assert end.timestamp_ms == START_MS + 6_000 + WINDOW_MS
    assert end.event_count == 7
    assert end.total_value_usd == Decimal("210000.01")
    assert end.exchanges == ("binance", "bybit", "okx")
    assert (end.price_first, end.price_last) == (Decimal(100), Decimal(94))
    assert end.largest_event_ids == ("a5", "a4", "a0", "a2", "a3")


def test_the_end_keeps_the_scores_of_the_riskiest_moment(detector: CascadeDetector) -> None:
    rush = burst("a", 0, count=20, value_usd="500000")
    fading = [liquidation(f"b{index}", 70_000 + index * 10_000) for index in range(6)]
    peak_state, _ = run(detector, rush)
    state, (start,) = run(detector, [*rush, *fading])
    (peak,), (end,) = detector.finish(peak_state), detector.finish(state)
    assert end.event_count > peak.event_count
    assert end.risk_score == peak.risk_score > start.risk_score
    assert end.score_parts == peak.score_parts
    assert end.basic_risk_score == peak.basic_risk_score > start.basic_risk_score


def test_a_heartbeat_ends_a_cascade_when_its_grace_is_over(detector: CascadeDetector) -> None:
    state, _ = run(detector, burst("a", 0))
    due_ms = START_MS + 4_000 + WINDOW_MS + GRACE_MS
    expected = detector.finish(state)
    state, early = detector.advance(state, due_ms - 1)
    assert early == []
    state, ends = detector.advance(state, due_ms)
    assert ends == expected
    assert detector.advance(state, due_ms + WINDOW_MS)[1] == []
    assert detector.finish(state) == []


def test_an_event_of_the_other_side_ends_a_cascade_with_the_same_bytes(
    detector: CascadeDetector,
) -> None:
    state, _ = run(detector, burst("a", 0))
    expected = detector.finish(state)
    _, ends = detector.step(state, liquidation("z", 200_000, side=Side.SHORT))
    assert ends == expected


def test_events_after_the_last_hot_one_are_not_part_of_it(detector: CascadeDetector) -> None:
    stragglers = [liquidation("y", 61_500), liquidation("z", 62_000)]
    state, _ = run(detector, [*burst("a", 0), *stragglers])
    (end,) = detector.finish(state)
    assert end.event_count == 5
    assert end.ended_at_ms == START_MS + 4_000


def test_stragglers_join_when_the_thresholds_are_met_again(detector: CascadeDetector) -> None:
    second_wave = burst("b", 61_500, count=5, value_usd="30000")
    state, alerts = run(detector, [*burst("a", 0, count=6), *second_wave])
    (end,) = detector.finish(state)
    assert types(alerts) == [AlertType.DETECTED]
    assert end.event_count == 11
    assert end.ended_at_ms == START_MS + 65_500


def test_a_restart_after_the_end_is_another_cascade(detector: CascadeDetector) -> None:
    state, alerts = run(detector, [*burst("a", 0), *burst("b", 100_000)])
    alerts += detector.finish(state)
    assert types(alerts) == [
        AlertType.DETECTED,
        AlertType.ENDED,
        AlertType.DETECTED,
        AlertType.ENDED,
    ]
    assert alerts[0].cascade_id == alerts[1].cascade_id != alerts[2].cascade_id
    assert len({alert.alert_id for alert in alerts}) == 4
    assert alerts[3].started_at_ms == START_MS + 100_000


def test_a_new_cascade_ends_the_old_one_within_its_grace(detector: CascadeDetector) -> None:
    early = burst("a", 0, count=5)
    between = [liquidation(f"b{index}", 64_000 + index * 100) for index in range(4)]
    trigger = liquidation("c", 64_500)
    _, alerts = run(detector, [*early, *between, trigger])
    assert types(alerts) == [AlertType.DETECTED, AlertType.ENDED, AlertType.DETECTED]
    assert alerts[1].cascade_id == alerts[0].cascade_id
    assert alerts[1].event_count == 5
    assert alerts[2].started_at_ms == START_MS + 64_000
    assert alerts[2].event_count == 5


def test_an_ended_cascade_s_events_cannot_start_another(detector: CascadeDetector) -> None:
    state, _ = run(detector, burst("a", 0, value_usd="90000"))
    state, (end,) = detector.advance(state, START_MS + 4_000 + WINDOW_MS + GRACE_MS)
    assert end.type is AlertType.ENDED
    slow = liquidation("z", 10_000, received_at_ms=70_000, value_usd="90000")
    too_old = liquidation("y", 4_000, received_at_ms=70_000, value_usd="90000")
    for event in (slow, too_old):
        state, alerts = detector.step(state, event)
        assert alerts == []
    assert state.late == 1


def test_sides_are_judged_apart(detector: CascadeDetector) -> None:
    mixed = [
        liquidation(f"a{index}", index * 100, side=Side.LONG if index % 2 else Side.SHORT)
        for index in range(8)
    ]
    _, alerts = run(detector, mixed)
    assert alerts == []


def test_both_sides_can_cascade_at_once(detector: CascadeDetector) -> None:
    longs = burst("a", 0, value_usd="60000")
    shorts = burst("b", 500, side=Side.SHORT, value_usd="20000")
    merged = sorted([*longs, *shorts], key=lambda event: event.timestamp_ms)
    state, alerts = run(detector, merged)
    assert [(alert.type, alert.side) for alert in alerts] == [
        (AlertType.DETECTED, Side.LONG),
        (AlertType.DETECTED, Side.SHORT),
    ]
    assert alerts[0].long_ratio == pytest.approx(300 / 380, abs=1e-4)
    assert alerts[1].long_ratio == 0.75
    assert alerts[0].score_parts.imbalance > 0
    assert alerts[1].score_parts.imbalance == 0
    ends = detector.finish(state)
    assert [(end.side, end.event_count) for end in ends] == [(Side.LONG, 5), (Side.SHORT, 5)]


def test_the_other_side_counts_only_within_the_window(detector: CascadeDetector) -> None:
    old_short = liquidation("s", 0, side=Side.SHORT, value_usd="1000000")
    _, (alert,) = run(detector, [old_short, *burst("a", 56_000)])
    assert alert.long_ratio == 1.0


def test_events_out_of_order_count_by_their_own_time(detector: CascadeDetector) -> None:
    newest = [liquidation(f"a{index}", 30_000 + index) for index in range(4)]
    slow = liquidation("z", 5_000, received_at_ms=31_000, price="70000")
    _, (alert,) = run(detector, [*newest, slow])
    assert alert.started_at_ms == START_MS + 5_000
    assert alert.timestamp_ms == START_MS + 30_003
    assert (alert.price_first, alert.price_last) == (Decimal(70_000), Decimal(60_000))


def test_a_slow_event_still_joins_an_open_cascade(detector: CascadeDetector) -> None:
    fast = burst("a", 0, count=70)
    slow = liquidation("z", 3_500, received_at_ms=69_500, value_usd="0.07")
    state, _ = run(detector, [*fast, slow])
    (end,) = detector.finish(state)
    assert end.event_count == 71
    assert end.total_value_usd == Decimal("1750000.07")


def test_an_event_from_before_the_published_start_stays_out(detector: CascadeDetector) -> None:
    slow = liquidation("z", -1_000, received_at_ms=5_000)
    state, _ = run(detector, [*burst("a", 0), slow])
    (end,) = detector.finish(state)
    assert end.event_count == 5


@pytest.mark.parametrize(("age_ms", "late"), [(120_000, 0), (120_001, 1)])
def test_an_event_beyond_window_and_lateness_is_late(
    detector: CascadeDetector, age_ms: int, late: int
) -> None:
    state, _ = run(
        detector,
        [
            liquidation("a", 1_000_000, received_at_ms=1_000_000),
            liquidation("z", 1_000_000 - age_ms, received_at_ms=999_000),
        ],
    )
    assert state.late == late


def test_hours_late_events_make_no_cascade(detector: CascadeDetector) -> None:
    stale = [liquidation(f"a{n}", n, received_at_ms=7_200_000 + n) for n in range(100)]
    state, alerts = run(detector, stale)
    assert alerts == []
    assert state.late == 100


def test_an_event_from_the_future_happens_when_it_was_received(detector: CascadeDetector) -> None:
    wrong_clock = liquidation("z", 86_400_000, received_at_ms=4_000)
    state, (alert,) = run(detector, [*burst("a", 0, count=4), wrong_clock])
    assert alert.timestamp_ms == START_MS + 4_000
    assert state.future == 1


def test_a_clock_a_little_ahead_is_believed(detector: CascadeDetector) -> None:
    ahead = liquidation("z", 9_000, received_at_ms=4_000)
    state, (alert,) = run(detector, [*burst("a", 0, count=4), ahead])
    assert alert.timestamp_ms == START_MS + 9_000
    assert state.future == 0


def test_a_repeated_event_counts_once(detector: CascadeDetector) -> None:
    four = burst("a", 0, count=4)
    state, alerts = run(detector, [*four, *four, *four])
    assert alerts == []
    assert state.duplicates == 8


@pytest.mark.parametrize(
    ("value_usd", "price"),
    [
        ("0", "1"),
        ("-5", "1"),
        ("1E+30", "1"),
        ("NaN", "1"),
        ("Infinity", "1"),
        ("1", "0"),
        ("1", "-1"),
        ("1", "NaN"),
        ("1", "1E+400"),
        ("1", "1E-400"),
        ("1", "1." + "1" * 400),
    ],
)
def test_impossible_numbers_are_counted_and_left_out(
    detector: CascadeDetector, value_usd: str, price: str
) -> None:
    absurd = liquidation("z", 4_000, value_usd=value_usd, price=price)
    state, alerts = run(detector, [*burst("a", 0, count=4), absurd])
    assert alerts == []
    assert state.implausible == 1


def test_ids_depend_on_configuration_and_trigger() -> None:
    events = burst("a", 0)
    other_trigger = [*events[:4], liquidation("other", 4_000)]
    ids = {
        run(CascadeDetector(config), chosen)[1][0].cascade_id
        for config in (DetectorConfig(), DetectorConfig(allowed_lateness_seconds=30))
        for chosen in (events, other_trigger)
    }
    assert len(ids) == 4
    assert all(len(cascade_id) == 32 for cascade_id in ids)
