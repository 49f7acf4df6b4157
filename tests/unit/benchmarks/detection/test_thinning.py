"""Estimates held against a complete feed that is thinned."""

from dataclasses import replace
from decimal import Decimal

from benchmarks.detection.claims import ClaimTally
from benchmarks.detection.thinning import add_thinned, largest_of_a_second
from liq.processors.cascades.observation import Observation
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Scope, Side
from tests.support import sample_records


def event(name: str, at_ms: int, cents: int, exchange: str = "bybit") -> Observation:
    return Observation(
        event_id=name,
        base="BTC",
        side=Side.LONG,
        exchange=exchange,
        symbol="BTCUSDT",
        timestamp_ms=at_ms,
        received_at_ms=at_ms + 50,
        cents=cents,
        price=Decimal(100),
        is_complete=exchange == "bybit",
    )


SMALL, LARGE, NEXT = event("a", 10_000, 300), event("b", 10_999, 500), event("c", 11_000, 100)


def ended(from_ms: int, to_ms: int) -> CascadeAlert:
    return replace(
        sample_records.alert(),
        type=AlertType.ENDED,
        scope=Scope.ASSET,
        asset="BTC",
        side=Side.LONG,
        started_at_ms=from_ms,
        ended_at_ms=to_ms,
    )


def test_the_largest_of_each_symbol_side_and_second_is_kept() -> None:
    short = SMALL._replace(event_id="d", side=Side.SHORT)
    assert largest_of_a_second([SMALL, LARGE, NEXT, short]) == [LARGE, NEXT, short]


def test_an_ended_cascade_s_estimate_is_held_against_the_complete_feed() -> None:
    tally = ClaimTally()
    foreign = event("e", 10_500, 9_000_000, exchange="okx")
    log = [SMALL, LARGE, LARGE, NEXT, foreign]
    alerts = [ended(10_000, 12_000), replace(ended(10_000, 12_000), type=AlertType.UPDATED)]
    add_thinned(tally, alerts, log)
    # 600 of 900 cents are left, and 600 / 0.78 are estimated.
    assert (tally.estimated, tally.inside) == ([769 / 900], 1)


def test_a_range_that_misses_the_truth_is_counted_and_nothing_is_no_estimate() -> None:
    tally = ClaimTally()
    many = [event(str(number), 10_000, 300) for number in range(9)]
    add_thinned(tally, [ended(10_000, 12_000), ended(50_000, 60_000)], many)
    assert len(tally.estimated) == 1
    assert tally.inside == 0
