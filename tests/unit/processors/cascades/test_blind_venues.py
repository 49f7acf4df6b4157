"""Blind venues by what heartbeats say, whatever the order of records within two seconds."""

import json

from hypothesis import given
from hypothesis import strategies as st

from liq.processors.cascades import CascadeEngine, DetectorConfig, MarketDetector, PartitionDetector
from liq.processors.cascades.blind_venues import (
    HELD_SECONDS,
    MOST_NAMES,
    SETTLED_SECONDS,
    BlindVenues,
)
from liq.processors.cascades.snapshot import market_from_bytes, market_to_bytes
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Scope
from tests.support.cascade_events import START_MS, liquidation

CONFIG = DetectorConfig()
START = START_MS // 1_000


def test_a_venue_is_blind_from_two_seconds_after_it_is_named_to_six_after() -> None:
    blind = BlindVenues()
    for second in range(100, 110):
        blind.note(second, ["okx"])
    found = [tick for tick in range(90, 130) if blind.at(tick)]
    first, last = 100 + SETTLED_SECONDS, 109 + SETTLED_SECONDS + HELD_SECONDS
    assert found == list(range(first, last + 1))


def test_a_heartbeat_that_is_missing_does_not_interrupt() -> None:
    blind = BlindVenues()
    for second in (100, 101, 105, 106):
        blind.note(second, ["okx"])
        blind.note(second, [])
    assert all(blind.at(tick) == ("okx",) for tick in range(102, 109))


def test_a_clock_that_steps_back_begins_anew() -> None:
    blind = BlindVenues()
    blind.note(10_000, ["okx"])
    blind.note(100, ["okx"])
    assert blind.at(102) == ("okx",)
    assert blind.at(10_002) == ()


@given(
    st.lists(st.tuples(st.integers(100, 160), st.sampled_from(["okx", "gate", "binance:coinm"])))
)
def test_a_run_is_written_and_read_back(notes: list[tuple[int, str]]) -> None:
    blind = BlindVenues()
    for second, name in notes:
        blind.note(second, [name])
    again = BlindVenues.from_text(blind.to_text())
    assert all(again.at(tick) == blind.at(tick) for tick in range(90, 180))


def test_what_is_stored_is_bounded_whatever_heartbeats_name() -> None:
    blind = BlindVenues()
    for number in range(1_000):
        blind.note(1_783_000_000 + number % 3, [f"{number:040d}", f"{number:041d}"])
    assert len(json.loads(blind.to_text())) == MOST_NAMES
    assert len(blind.to_text()) < 1_200
    assert BlindVenues.from_text("{").to_text() == BlindVenues.from_text('{"a":1}').to_text() == ""


def burst(engine: CascadeEngine, seconds: range) -> list[CascadeAlert]:
    """A crash of a dozen assets while OKX is blind."""
    alerts = engine.heartbeat(START_MS - 5_000, 0, ["okx"])
    alerts += engine.heartbeat(START_MS - 2_000, 0, ["okx"])
    for second in seconds:
        alerts += engine.heartbeat(START_MS + second * 1_000, second * 100, ["okx"])
        for number in range(12):
            event = liquidation(f"{second}-{number}", second * 1_000 + number, base=f"A{number}")
            alerts += engine.apply(event, second * 100 + number + 1)
    return alerts


def test_alerts_of_assets_and_of_the_market_name_them() -> None:
    engine = CascadeEngine(CONFIG)
    alerts = burst(engine, range(30))
    alerts += engine.heartbeat(START_MS + 400_000, 100_000)
    told = {(alert.scope, alert.type): alert for alert in alerts}
    for scope in Scope:
        started = told[scope, AlertType.DETECTED]
        assert started.blind == ("okx",)
        assert started.explanation.endswith("; blind: okx")
    assert told[Scope.ASSET, AlertType.ENDED].blind == ()


def test_a_market_knows_them_after_a_restart() -> None:
    engine = CascadeEngine(CONFIG)
    burst(engine, range(30))
    market = MarketDetector(CONFIG, [0])
    market.state = market_from_bytes(market_to_bytes(engine.market.state), CONFIG, [0])
    [ended] = [alert for alert in market.finish() if alert.type is AlertType.ENDED]
    assert ended.blind == ("okx",)


def test_a_log_without_such_heartbeats_names_nobody() -> None:
    detector = PartitionDetector(CONFIG)
    made = [
        item
        for number in range(40)
        for item in detector.apply(liquidation(str(number), number * 400), number)
    ]
    assert {item.blind for item in made} == {()}
