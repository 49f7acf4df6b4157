"""What must hold of the detector for every log."""

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.cascades import AssetState, CascadeDetector, DetectorConfig, PartitionDetector
from processors.cascades.score import risk_score
from processors.cascades.snapshot import from_bytes, to_bytes
from schemas.codec import encode
from schemas.records import CascadeAlert, Liquidation, ScoreParts
from schemas.vocabulary import AlertType, Side
from tests.cascade_events import START_MS, liquidation

CONFIG = DetectorConfig(min_events=3)
DETECTOR = CascadeDetector(CONFIG)
WINDOW_MS = CONFIG.window_ms
DUE_AFTER_MS = WINDOW_MS + 5_000

# Silences between receive times: bursts, pauses around the window, and long ones.
gaps_ms = st.one_of(
    st.integers(0, 2_000), st.integers(0, 2_000), st.integers(50_000, 75_000), st.just(1_000_000)
)
# How long after it happened an event is received: prompt, slow, late, from the future.
delays_ms = st.one_of(
    st.integers(0, 500),
    st.integers(0, 20_000),
    st.sampled_from([-20_000, -5_001, -4_000, 60_000, 119_999, 150_000]),
)
parts = st.floats(0, 1)


@st.composite
def logs(draw: st.DrawFn, delays: st.SearchStrategy[int] = delays_ms) -> list[Liquidation]:
    """A log of one asset in order of receive time."""
    received_at_ms = 0
    events = []
    for index in range(draw(st.integers(0, 40))):
        received_at_ms += draw(gaps_ms)
        events.append(
            liquidation(
                f"e{index}",
                received_at_ms - draw(delays),
                side=draw(st.sampled_from(Side)),
                value_usd=str(draw(st.sampled_from([Decimal("0.01"), 20_000, 60_000, 3_000_000]))),
                price=str(draw(st.integers(1, 5))),
                exchange=draw(st.sampled_from(["binance", "bybit", "okx"])),
                received_at_ms=received_at_ms,
            )
        )
    return events


def run(events: list[Liquidation], state: AssetState | None = None) -> list[CascadeAlert]:
    state = state or DETECTOR.new_state()
    alerts: list[CascadeAlert] = []
    for event in events:
        state, made = DETECTOR.step(state, event)
        alerts += made
    return alerts + DETECTOR.finish(state)


def as_bytes(alerts: list[CascadeAlert]) -> bytes:
    return b"\n".join(encode(alert) for alert in alerts)


@given(logs(), st.data())
def test_heartbeats_change_nothing(events: list[Liquidation], data: st.DataObject) -> None:
    state = DETECTOR.new_state()
    alerts: list[CascadeAlert] = []
    previous_ms = START_MS
    for event in events:
        clocks = st.lists(st.integers(previous_ms, event.received_at_ms), max_size=3)
        for clock_ms in sorted(data.draw(clocks)):
            state, made = DETECTOR.advance(state, clock_ms)
            alerts += made
        state, made = DETECTOR.step(state, event)
        alerts += made
        previous_ms = event.received_at_ms
    state, made = DETECTOR.advance(state, data.draw(st.integers(previous_ms, previous_ms + 90_000)))
    alerts += made
    assert as_bytes(alerts + DETECTOR.finish(state)) == as_bytes(run(events))


@given(logs(), st.sets(st.integers(0, 40)))
def test_snapshots_at_any_point_change_nothing(events: list[Liquidation], stops: set[int]) -> None:
    state = DETECTOR.new_state()
    alerts: list[CascadeAlert] = []
    for index, event in enumerate(events):
        if index in stops:
            data = to_bytes(state)
            state = from_bytes(data, WINDOW_MS)
            assert to_bytes(state) == data
        state, made = DETECTOR.step(state, event)
        alerts += made
    assert as_bytes(alerts + DETECTOR.finish(state)) == as_bytes(run(events))


@given(logs())
def test_an_idle_state_can_be_thrown_away(events: list[Liquidation]) -> None:
    state = DETECTOR.new_state()
    alerts: list[CascadeAlert] = []
    for event in events:
        state, made = DETECTOR.advance(state, event.received_at_ms)
        alerts += made
        if DETECTOR.is_idle(state, event.received_at_ms):
            state = DETECTOR.new_state()
        state, made = DETECTOR.step(state, event)
        alerts += made
    assert as_bytes(alerts + DETECTOR.finish(state)) == as_bytes(run(events))


@given(logs(), st.data())
def test_repeated_events_change_nothing(events: list[Liquidation], data: st.DataObject) -> None:
    repeated: list[Liquidation] = []
    for index, event in enumerate(events):
        repeated.append(event)
        for original in data.draw(st.sets(st.integers(0, index), max_size=2)):
            copy = replace(events[original], received_at_ms=event.received_at_ms)
            repeated.append(copy)
    assert as_bytes(run(repeated)) == as_bytes(run(events))


@given(logs(), st.data())
def test_a_crash_repeats_alerts_but_never_changes_them(
    events: list[Liquidation], data: st.DataObject
) -> None:
    """Snapshots of some batches are stored, the worker dies, and reads again from earlier."""
    records = [replace(event, base=f"A{index % 3}") for index, event in enumerate(events)]
    whole = PartitionDetector(CONFIG)
    expected = [encode(a) for n, event in enumerate(records) for a in whole.apply(event, n)]
    expected += [encode(alert) for alert in whole.finish()]

    crash = data.draw(st.integers(0, len(records)))
    committed = data.draw(st.integers(0, crash))
    stored: dict[str, bytes] = {}
    published: list[bytes] = []
    first = PartitionDetector(CONFIG)
    for offset, event in enumerate(records[:crash]):
        published += [encode(alert) for alert in first.apply(event, offset)]
        if offset < committed or data.draw(st.booleans()):
            stored |= {name: value for name, value in first.touched().items() if value is not None}
    second = PartitionDetector(CONFIG)
    second.restore(stored)
    for offset, event in enumerate(records[committed:], committed):
        published += [encode(alert) for alert in second.apply(event, offset)]
    published += [encode(alert) for alert in second.finish()]
    assert set(published) == set(expected)


@given(logs(), st.integers(-1_000_000, 1_000_000))
def test_a_shift_in_time_shifts_the_alerts(events: list[Liquidation], seconds: int) -> None:
    shift_ms = seconds * 1_000
    shifted = [
        replace(
            event,
            timestamp_ms=event.timestamp_ms + shift_ms,
            received_at_ms=event.received_at_ms + shift_ms,
        )
        for event in events
    ]
    expected = [
        replace(
            alert,
            alert_id="",
            cascade_id="",
            started_at_ms=alert.started_at_ms + shift_ms,
            timestamp_ms=alert.timestamp_ms + shift_ms,
            ended_at_ms=None if alert.ended_at_ms is None else alert.ended_at_ms + shift_ms,
        )
        for alert in run(events)
    ]
    assert [replace(alert, alert_id="", cascade_id="") for alert in run(shifted)] == expected


@given(logs())
def test_longs_and_shorts_are_treated_alike(events: list[Liquidation]) -> None:
    def order(alert: CascadeAlert) -> tuple[str, int, str]:
        return alert.side, alert.timestamp_ms, alert.type

    expected = sorted(run(events), key=order)
    mirrored = run([replace(event, side=event.side.opposite) for event in events])
    actual = sorted(
        (replace(alert, side=alert.side.opposite) for alert in mirrored),
        key=order,
    )
    for one, other in zip(expected, actual, strict=True):
        # Rounded to four decimals each, the two shares may miss 1 by one unit.
        assert one.long_ratio + other.long_ratio == pytest.approx(1, abs=1.5e-4)
        names = {"alert_id": other.alert_id, "cascade_id": other.cascade_id}
        assert replace(one, **names, long_ratio=other.long_ratio) == other


@given(logs())
def test_every_cascade_has_one_start_and_one_end_and_none_overlap(
    events: list[Liquidation],
) -> None:
    lives: dict[str, list[CascadeAlert]] = defaultdict(list)
    for alert in run(events):
        lives[alert.cascade_id].append(alert)
    ended_until_ms = dict.fromkeys(Side, 0)
    for start, end in lives.values():
        assert (start.type, end.type) == (AlertType.DETECTED, AlertType.ENDED)
        assert ended_until_ms[start.side] < start.started_at_ms <= start.timestamp_ms
        assert end.ended_at_ms is not None
        assert start.timestamp_ms <= end.ended_at_ms == end.timestamp_ms - WINDOW_MS
        assert start.started_at_ms == end.started_at_ms
        assert start.event_count <= end.event_count
        assert start.total_value_usd <= end.total_value_usd
        assert set(start.exchanges) <= set(end.exchanges)
        assert start.risk_score <= end.risk_score
        ended_until_ms[start.side] = end.ended_at_ms


@given(logs())
def test_scores_and_shares_stay_in_their_ranges(events: list[Liquidation]) -> None:
    for alert in run(events):
        assert 0 <= alert.risk_score <= 100
        assert 0 <= alert.basic_risk_score <= 100
        assert 0 <= alert.long_ratio <= 1
        scored = alert.score_parts
        every = (scored.speed, scored.volume, scored.imbalance, scored.concentration)
        assert all(0 <= part <= 1 for part in (*every, scored.breadth))
        assert alert.risk_score == risk_score(scored)


@given(st.tuples(*[parts] * 5), st.integers(0, 4), parts)
def test_the_risk_score_never_falls_when_a_part_rises(
    values: tuple[float, ...], index: int, other: float
) -> None:
    def score(value: float) -> float:
        return risk_score(ScoreParts(*values[:index], value, *values[index + 1 :]))

    low, high = sorted((values[index], other))
    assert 0 <= score(low) <= score(high) <= 100


@dataclass
class NaiveCascade:
    side: Side
    started_at_ms: int
    last_hot_ms: int
    detected_at_ms: int


def naive_cascades(events: list[Liquidation]) -> list[NaiveCascade]:
    """The definition, taken literally: for each event, look at everything again."""
    found: list[NaiveCascade] = []
    for position, event in enumerate(events):
        mine = [one for one in found if one.side is event.side]
        latest = mine[-1] if mine else None
        over = latest is not None and (
            event.received_at_ms >= latest.last_hot_ms + DUE_AFTER_MS
            or event.timestamp_ms >= latest.last_hot_ms + WINDOW_MS
        )
        floor_ms = latest.last_hot_ms if latest is not None and over else 0
        window = [
            one
            for one in events[: position + 1]
            if one.side is event.side
            and one.timestamp_ms > max(floor_ms, event.timestamp_ms - WINDOW_MS)
        ]
        value = sum(one.value_usd for one in window)
        if len(window) < CONFIG.min_events or value < CONFIG.min_value_usd:
            continue
        if latest is not None and not over:
            latest.last_hot_ms = event.timestamp_ms
        else:
            start_ms = window[0].timestamp_ms
            found.append(NaiveCascade(event.side, start_ms, event.timestamp_ms, event.timestamp_ms))
    return found


@settings(max_examples=300)
@given(logs(delays=st.just(100)))
def test_an_orderly_log_gives_what_the_definition_says(events: list[Liquidation]) -> None:
    alerts = run(events)
    starts = [alert for alert in alerts if alert.type is AlertType.DETECTED]
    ends = {alert.cascade_id: alert for alert in alerts if alert.type is AlertType.ENDED}
    naive = naive_cascades(events)
    assert [(one.side, one.started_at_ms, one.timestamp_ms) for one in starts] == [
        (one.side, one.started_at_ms, one.detected_at_ms) for one in naive
    ]
    for start, one in zip(starts, naive, strict=True):
        members = [
            event
            for event in events
            if event.side is one.side and one.started_at_ms <= event.timestamp_ms <= one.last_hot_ms
        ]
        end = ends[start.cascade_id]
        assert end.ended_at_ms == one.last_hot_ms
        assert end.event_count == len(members)
        assert end.total_value_usd == sum(event.value_usd for event in members)
