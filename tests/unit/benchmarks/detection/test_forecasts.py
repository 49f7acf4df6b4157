"""Brier score, reliability and what followed, of hand-made forecasts."""

from dataclasses import replace
from decimal import Decimal

import pytest

from benchmarks.detection.forecast_tables import reliability_table, what_followed
from liq.processors.backtesting import forecasts as module
from liq.processors.backtesting.dollars import MARKET, Dollars, published_amounts
from liq.processors.backtesting.forecasts import (
    Forecast,
    Outcome,
    brier,
    brier_skill,
    forecasts_of,
    frequency,
    outcomes_of,
)
from liq.processors.cascades.observation import Observation
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Side
from tests.support import sample_records


def seen(at_ms: int, dollars: int, base: str = "BTC", side: Side = Side.LONG) -> Observation:
    return Observation(
        event_id=f"{at_ms}{base}{side}",
        base=base,
        side=side,
        exchange="bybit",
        symbol=base + "USDT",
        timestamp_ms=at_ms,
        received_at_ms=at_ms,
        cents=dollars * 100,
        price=Decimal(1),
        is_complete=True,
    )


def said(probability: float, *, happened: bool, expected: float = 0.0, more: int = 0) -> Forecast:
    return Forecast(probability, expected, Outcome(AlertType.WATCH, happened, more))


def test_the_brier_score_is_the_mean_squared_error() -> None:
    assert brier([said(0.8, happened=True), said(0.3, happened=False)]) == pytest.approx(0.065)
    assert brier([said(1.0, happened=False)]) == 1.0


def test_skill_compares_with_the_frequency() -> None:
    half = [said(0.5, happened=True), said(0.5, happened=False)]
    assert frequency(half) == 0.5
    assert brier_skill(half) == pytest.approx(0.0)
    right = [said(1.0, happened=True), said(0.0, happened=False)]
    assert brier_skill(right) == pytest.approx(1.0)
    wrong = [said(0.0, happened=True), said(1.0, happened=False)]
    assert brier_skill(wrong) == pytest.approx(-3.0)


def test_without_forecasts_there_is_no_figure() -> None:
    assert str(brier([])) == "nan"
    assert str(brier_skill([said(0.2, happened=False)])) == "nan"


def test_the_reliability_table_has_a_row_for_each_probability_said() -> None:
    table = reliability_table(
        [
            said(0.12, happened=False, expected=10_000, more=0),
            said(0.18, happened=True, expected=30_000, more=80_000),
            said(1.0, happened=True, expected=100, more=200),
        ]
    ).splitlines()
    assert table[2:] == [
        "| 0.10 to 0.20 | 2 | 0.15 | 0.50 | 200 | 400 |",
        "| 0.90 to 1.00 | 1 | 1.00 | 1.00 | 1 | 2 |",
    ]


def test_dollars_are_those_after_a_time_and_until_another() -> None:
    events = [seen(1_000, 1), seen(2_000, 10), seen(3_000, 100), seen(2_500, 1_000, "ETH")]
    dollars = Dollars(published_amounts([*events, *events]))
    assert dollars.cents("BTC", Side.LONG, after_ms=1_000, until_ms=3_000) == 11_000
    assert dollars.cents("BTC", Side.LONG, after_ms=999, until_ms=2_999) == 1_100
    assert dollars.cents(MARKET, Side.LONG, after_ms=1_000, until_ms=3_000) == 111_000
    assert dollars.cents("BTC", Side.SHORT, after_ms=0, until_ms=9_000) == 0


def alert(total_usd: int, kind: AlertType = AlertType.DETECTED) -> CascadeAlert:
    return replace(
        sample_records.alert(),
        type=kind,
        asset="BTC",
        side=Side.LONG,
        timestamp_ms=100_000,
        total_value_usd=Decimal(total_usd),
    )


@pytest.mark.parametrize(
    ("total_usd", "more_usd", "happened"),
    [
        (100_000, 250_000, True),
        (100_000, 249_999, False),
        (900_000, 900_000, True),
        (900_000, 899_999, False),
    ],
)
def test_as_much_again_and_a_quarter_million_is_what_is_forecast(
    total_usd: int, more_usd: int, *, happened: bool
) -> None:
    log = [
        seen(100_000, 5_000_000),
        seen(100_001, more_usd - 1),
        seen(160_000, 1),
        seen(160_001, 5_000_000),
    ]
    ((_, outcome),) = outcomes_of([alert(total_usd)], log)
    assert outcome == Outcome(AlertType.DETECTED, happened, more_usd * 100)


def test_a_record_that_says_nothing_is_no_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = outcomes_of([alert(1), alert(2)], [])
    said_by = {Decimal(2): (0.6, 400_000.0)}
    monkeypatch.setattr(module, "forward_view", lambda record: said_by.get(record.total_value_usd))
    nothing = Outcome(AlertType.DETECTED, has_happened=False, more_cents=0)
    assert forecasts_of(outcomes) == [Forecast(0.6, 40_000_000.0, nothing)]


def test_ends_and_links_have_no_outcome() -> None:
    kinds = (AlertType.ENDED, AlertType.LINKED)
    assert outcomes_of([alert(1, kind) for kind in kinds], []) == []


def test_what_followed_is_by_kind_of_record() -> None:
    rows = what_followed(
        [
            Outcome(AlertType.WATCH, has_happened=True, more_cents=30_000_000),
            Outcome(AlertType.WATCH, has_happened=False, more_cents=10_000_000),
            Outcome(AlertType.DETECTED, has_happened=False, more_cents=0),
        ]
    )
    assert sorted(rows) == [("detected", "1", "0.00", "0"), ("watch", "2", "0.50", "200,000")]
