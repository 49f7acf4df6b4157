"""Whatever a feed sends: no crash, a bounded effect that is counted, no earlier record changed."""

import random
from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from liq.processors.cascades import CascadeEngine, DetectorConfig
from liq.schemas.codec import encode
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.units import HOUR_MS
from liq.schemas.vocabulary import AlertType
from tests.property.processors.cascades.test_cascades import log_of, written
from tests.support.examples import examples

CONFIG = DetectorConfig()
ABSURD = [Decimal(text) for text in ("0", "-1", "NaN", "sNaN", "Infinity", "1E+30")]
# What a lane may keep, whatever it is fed: five minutes of seconds, a minute of cells.
MOST_STATE_BYTES = 100_000

seeds = st.integers(0, 10**9)


def run(events: list[Liquidation]) -> tuple[CascadeEngine, list[CascadeAlert]]:
    engine = CascadeEngine(CONFIG)
    made = [alert for place, event in enumerate(events) for alert in engine.apply(event, place)]
    return engine, made + engine.finish()


def mixed(
    chance: random.Random, good: list[Liquidation], bad: list[Liquidation]
) -> list[Liquidation]:
    """The bad strewn over the good, which keep their order; each comes when its neighbour does."""
    places = sorted(chance.randint(1, len(good)) for _ in bad)
    made, taken = [], 0
    for place, event in enumerate(good, 1):
        made.append(event)
        while taken < len(bad) and places[taken] == place:
            made.append(replace(bad[taken], received_at_ms=event.received_at_ms))
            taken += 1
    return made


@settings(max_examples=examples(40))
@given(seeds)
def test_old_and_absurd_events_change_no_byte(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secrets
    good = log_of(seed)
    bad = []
    for number in range(40):
        event = replace(chance.choice(good), event_id=f"bad{number}")
        if number % 2:
            old_ms = event.timestamp_ms - chance.randint(1, 48) * HOUR_MS
            bad.append(replace(event, timestamp_ms=old_ms))
        elif number % 4:
            bad.append(replace(event, value_usd=chance.choice(ABSURD)))
        else:
            bad.append(replace(event, price=chance.choice(ABSURD)))
    log = mixed(chance, good, bad)
    engine, alerts = run(log)
    clean, expected = run(good)
    assert written(alerts) == written(expected)
    assert engine.partition.left_out.late - clean.partition.left_out.late == 20
    assert engine.partition.left_out.implausible == 20


@settings(max_examples=examples(40))
@given(seeds, st.integers(6_000, 10**12))
def test_a_venue_whose_clock_is_ahead_counts_when_it_is_received(seed: int, ahead_ms: int) -> None:
    events = log_of(seed)
    ahead = [
        replace(event, timestamp_ms=event.received_at_ms + ahead_ms)
        if event.exchange == "okx"
        else event
        for event in events
    ]
    corrected = [
        replace(event, timestamp_ms=event.received_at_ms) if event.exchange == "okx" else event
        for event in events
    ]
    engine, alerts = run(ahead)
    assert written(alerts) == written(run(corrected)[1])
    assert engine.partition.left_out.future == sum(event.exchange == "okx" for event in events)


@settings(max_examples=examples(40))
@given(seeds, st.integers(1, 10_000))
def test_a_venue_whose_clock_is_behind_is_as_if_it_were_not_there(seed: int, hours: int) -> None:
    events = log_of(seed)
    behind = [
        replace(event, timestamp_ms=event.timestamp_ms - hours * HOUR_MS)
        if event.exchange == "okx"
        else event
        for event in events
    ]
    without = [event for event in events if event.exchange != "okx"]
    engine, alerts = run(behind)
    expected, others = run(without)
    assert written(alerts) == written(others)
    late = engine.partition.left_out.late - expected.partition.left_out.late
    assert late == sum(event.exchange == "okx" for event in events)


@settings(max_examples=examples(40))
@given(seeds)
def test_any_order_of_receipt_keeps_every_cascade_whole(seed: int) -> None:
    events = log_of(seed)
    random.Random(seed).shuffle(events)  # noqa: S311 - no secrets
    engine, alerts = run(events)
    lives: dict[str, list[CascadeAlert]] = {}
    for alert in alerts:
        if alert.type is not AlertType.WATCH:
            lives.setdefault(alert.cascade_id, []).append(alert)
    for life in lives.values():
        assert [alert.sequence for alert in life] == list(range(len(life)))
        times = [alert.timestamp_ms for alert in life]
        assert times == sorted(times)
        assert life[-1].type is AlertType.ENDED
        assert all(0 <= alert.risk_score <= 100 for alert in life)
    assert max(event.received_at_ms for event in events) // 1_000 * 1_000 == (
        engine.partition.clock_ms
    )


@settings(max_examples=examples(40))
@given(seeds)
def test_what_was_said_stays_said_whatever_comes_later(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secrets
    events = log_of(seed)
    cut = chance.randint(0, len(events))
    later = [
        replace(
            event,
            event_id=chance.choice((event.event_id, f"x{number}")),
            timestamp_ms=event.timestamp_ms + chance.randint(-HOUR_MS, HOUR_MS),
            value_usd=chance.choice([event.value_usd, *ABSURD]),
        )
        for number, event in enumerate(events[cut:])
    ]
    said: list[list[bytes]] = []
    for end in (events[cut:], later):
        engine = CascadeEngine(CONFIG)
        said.append(
            [
                encode(alert)
                for place, event in enumerate(events[:cut])
                for alert in engine.apply(event, place)
            ]
        )
        for place, event in enumerate(end, cut):
            engine.apply(event, place)
    assert said[0] == said[1]


@settings(max_examples=examples(10))
@given(seeds)
def test_a_flood_does_not_grow_a_lane(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secrets
    event = log_of(seed)[0]
    engine = CascadeEngine(CONFIG)
    for number in range(6_000):
        received_ms = event.received_at_ms + number * 100
        engine.apply(
            replace(
                event,
                event_id=f"f{number}",
                timestamp_ms=received_ms + chance.randint(-HOUR_MS, HOUR_MS),
                received_at_ms=received_ms,
                value_usd=Decimal(10) ** chance.randint(-12, 11),
                price=Decimal(10) ** chance.randint(-24, 24),
            ),
            number,
        )
    stored = engine.partition.touched()[event.base]
    assert stored is not None
    assert len(stored) < MOST_STATE_BYTES
    assert engine.partition.left_out.late + engine.partition.left_out.future > 5_000
