"""What must hold for every log: order within a second, repeats, time, sides and restarts."""

import random
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from liq.processors.cascades import CascadeEngine, DetectorConfig, PartitionDetector
from liq.processors.cascades.risk import Parts, score
from liq.schemas.codec import encode
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType, Completeness, Side
from tests.support.cascade_events import START_MS, liquidation
from tests.support.examples import examples

CONFIG = DetectorConfig()
ASSETS = ("BTC", "ETH", "SOL")
VENUES = ("binance", "bybit", "okx")


def log_of(seed: int) -> list[Liquidation]:
    """Some minutes of a lively market, in order of receipt: background and a few bursts."""
    chance = random.Random(seed)  # noqa: S311 - no secrets
    events = []
    for burst in range(chance.randint(1, 4)):
        base, side = chance.choice(ASSETS), chance.choice(tuple(Side))
        start_ms = chance.randint(0, 400_000)
        for number in range(chance.randint(5, 60)):
            at_ms = start_ms + chance.randint(0, 30_000)
            events.append(
                replace(
                    liquidation(
                        f"{burst}-{number}",
                        at_ms,
                        base=base,
                        side=side,
                        exchange=chance.choice(VENUES),
                        value_usd=str(round(chance.lognormvariate(9.5, 1.8), 2)),
                        price=str(chance.randint(100, 200)),
                        received_at_ms=at_ms + chance.choice((50, 300, 1_500, 30_000, 90_000)),
                    ),
                    completeness=chance.choice((Completeness.COMPLETE, Completeness.SAMPLED)),
                )
            )
    return sorted(events, key=lambda event: (event.received_at_ms, event.event_id))


def disordered(seed: int) -> list[Liquidation]:
    """A burst in all assets at once, in an order that is up to two seconds from that of receipt."""
    chance = random.Random(seed)  # noqa: S311 - no secrets
    events = [
        liquidation(
            f"event-{number}",
            chance.randint(0, 15_000),
            base=chance.choice(ASSETS),
            value_usd="90000",
        )
        for number in range(150)
    ]
    return sorted(events, key=lambda event: event.received_at_ms + chance.randint(0, 2_000))


def run(events: list[Liquidation]) -> list[CascadeAlert]:
    engine = CascadeEngine(CONFIG)
    made = [alert for place, event in enumerate(events) for alert in engine.apply(event, place)]
    return made + engine.finish()


def written(alerts: list[CascadeAlert]) -> list[bytes]:
    return [encode(alert) for alert in alerts]


seeds = st.integers(0, 10**9)


@settings(max_examples=examples(60))
@given(seeds)
def test_order_within_a_second_of_receipt_does_not_matter(seed: int) -> None:
    events = log_of(seed)
    shuffled = list(events)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - no secrets
    shuffled.sort(key=lambda event: event.received_at_ms // 1_000)
    assert written(run(shuffled)) == written(run(events))


@settings(max_examples=examples(60))
@given(seeds)
def test_repeats_change_nothing(seed: int) -> None:
    events = log_of(seed)
    chance = random.Random(seed)  # noqa: S311 - no secrets
    again = [
        replace(event, received_at_ms=event.received_at_ms + chance.randint(0, 120_000))
        for event in events[::3]
    ]
    repeated = sorted(events + again, key=lambda event: event.received_at_ms)
    kept = [alert for alert in run(repeated) if alert.type is not AlertType.UPDATED]
    expected = [alert for alert in run(events) if alert.type is not AlertType.UPDATED]
    assert written(kept) == written(expected)


@settings(max_examples=examples(40))
@given(seeds, st.integers(1, 1_000))
def test_a_shift_by_whole_minutes_shifts_the_answer(seed: int, minutes: int) -> None:
    shift_ms = minutes * 60_000
    events = log_of(seed)
    moved = [
        replace(
            event,
            timestamp_ms=event.timestamp_ms + shift_ms,
            received_at_ms=event.received_at_ms + shift_ms,
        )
        for event in events
    ]
    before, after = run(events), run(moved)
    assert [
        (alert.type, alert.asset, alert.timestamp_ms + shift_ms, alert.risk_score, alert.level)
        for alert in before
    ] == [
        (alert.type, alert.asset, alert.timestamp_ms, alert.risk_score, alert.level)
        for alert in after
    ]


@settings(max_examples=examples(40))
@given(seeds)
@example(16_518)  # both sides of an asset are judged at one tick
def test_sides_are_treated_alike(seed: int) -> None:
    events = log_of(seed)
    mirrored = [replace(event, side=event.side.opposite) for event in events]

    def told(alerts: list[CascadeAlert], *, mirror: bool) -> list[tuple[object, ...]]:
        return sorted(
            (
                alert.timestamp_ms,
                alert.type,
                alert.asset,
                alert.side.opposite if mirror else alert.side,
                alert.risk_score,
                str(alert.total_value_usd),
            )
            for alert in alerts
        )

    assert told(run(events), mirror=False) == told(run(mirrored), mirror=True)


@settings(max_examples=examples(40))
@given(seeds, st.data())
def test_a_crash_at_any_record_changes_nothing(seed: int, data: st.DataObject) -> None:
    events = log_of(seed)
    cut = data.draw(st.integers(0, len(events)))
    # Offsets are committed a batch at a time, so a restart may read some records again.
    again = data.draw(st.integers(0, cut))
    whole = PartitionDetector(CONFIG)
    expected = [item for place, event in enumerate(events) for item in whole.apply(event, place)]
    first = PartitionDetector(CONFIG)
    made = [item for place, event in enumerate(events[:cut]) for item in first.apply(event, place)]
    second = PartitionDetector(CONFIG)
    clock_ms = max((event.received_at_ms for event in events[:again]), default=0)
    second.restore(
        {name: state for name, state in first.touched().items() if state is not None}, clock_ms
    )
    made += [
        item
        for place, event in enumerate(events[again:], again)
        for item in second.apply(event, place)
    ]
    assert made == expected
    assert second.finish() == whole.finish()


@settings(max_examples=examples(100))
@given(seeds, st.data())
def test_a_crash_between_two_checkpoints_of_a_disordered_log_changes_nothing(
    seed: int, data: st.DataObject
) -> None:
    """Of the last checkpoint before the crash, any part may have been written, and no commit."""
    events = disordered(seed)
    committed, crash = sorted(data.draw(st.integers(0, len(events))) for _ in range(2))
    whole = PartitionDetector(CONFIG)
    expected = [item for place, event in enumerate(events) for item in whole.apply(event, place)]
    first = PartitionDetector(CONFIG)
    made, stored = [], {}
    for place, event in enumerate(events[:crash]):
        if place == committed:
            stored = first.touched()
        made += first.apply(event, place)
    if committed == crash:
        stored = first.touched()
    for name, state in first.touched().items():
        if data.draw(st.booleans()):
            stored[name] = state
    second = PartitionDetector(CONFIG)
    clock_ms = max((event.received_at_ms for event in events[:committed]), default=0)
    second.restore({name: state for name, state in stored.items() if state is not None}, clock_ms)
    for place, event in enumerate(events[committed:], committed):
        made += second.apply(event, place)
    assert set(map(str, made)) == set(map(str, expected))
    assert set(map(str, second.finish())) == set(map(str, whole.finish()))


@settings(max_examples=examples(60))
@given(seeds)
def test_a_cascade_is_told_from_start_to_end_under_one_name(seed: int) -> None:
    lives: dict[str, list[CascadeAlert]] = {}
    for alert in run(log_of(seed)):
        if alert.type is not AlertType.WATCH:
            lives.setdefault(alert.cascade_id, []).append(alert)
    for life in lives.values():
        assert life[0].type is AlertType.DETECTED
        assert life[-1].type is AlertType.ENDED
        assert [alert.sequence for alert in life] == list(range(len(life)))
        assert all(0 <= alert.risk_score <= 100 for alert in life)
        assert life[-1].risk_score == max(alert.risk_score for alert in life)
        assert life[-1].ended_at_ms is not None
        assert START_MS <= life[0].started_at_ms <= life[-1].ended_at_ms


parts = st.tuples(*[st.floats(0, 1) for _ in range(5)])


@given(parts, parts)
def test_the_score_never_falls_when_parts_rise(
    low: tuple[float, ...], high: tuple[float, ...]
) -> None:
    lower = Parts(*map(min, low, high))
    upper = Parts(*map(max, low, high))
    assert 0 <= score(lower) <= score(upper) <= 100
