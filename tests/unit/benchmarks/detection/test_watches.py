"""Early signs of hand-made logs: which are separate, which are right, what they come before."""

from dataclasses import replace

import pytest

from benchmarks.detection.watches import Span, WatchTally
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Side
from tests.support import sample_records


def record(
    kind: AlertType, second: float, asset: str = "BTC", side: Side = Side.LONG
) -> CascadeAlert:
    at_ms = round(second * 1000)
    return replace(sample_records.alert(), type=kind, asset=asset, side=side, timestamp_ms=at_ms)


def watch(second: float, asset: str = "BTC", side: Side = Side.LONG) -> CascadeAlert:
    return record(AlertType.WATCH, second, asset, side)


def start(second: float, asset: str = "BTC", side: Side = Side.LONG) -> CascadeAlert:
    return record(AlertType.DETECTED, second, asset, side)


def counted(*alerts: CascadeAlert, spans: tuple[Span, ...] = ()) -> WatchTally:
    tally = WatchTally()
    tally.add(alerts, spans)
    return tally


def test_watches_within_a_minute_are_one_warning() -> None:
    tally = counted(watch(0), watch(59), watch(118), watch(178), watch(0, side=Side.SHORT))
    assert (tally.watches, tally.warnings, tally.right) == (5, 3, 0)


@pytest.mark.parametrize(
    ("first_start", "right"), [(start(90), 1), (start(91), 0), (start(50, "ETH"), 0)]
)
def test_a_start_in_time_makes_a_warning_right(first_start: CascadeAlert, right: int) -> None:
    assert counted(watch(0), first_start).right == right


def test_a_start_before_it_does_not() -> None:
    assert counted(start(0), watch(1)).right == 0


@pytest.mark.parametrize(("second", "right"), [(9, 0), (10, 1), (20, 1), (21, 0)])
def test_a_warning_in_a_span_is_right(second: float, right: int) -> None:
    span = Span("BTC", Side.LONG, 10_000, 15_000, 20_000)
    assert counted(watch(second), spans=(span,)).right == right
    assert counted(watch(second, "ETH"), spans=(span,)).right == 0


def test_the_lead_is_from_the_first_watch_of_the_last_warning() -> None:
    tally = counted(watch(0), watch(70), watch(80), start(85), start(500))
    assert (tally.starts, tally.starts_preceded) == (2, 1)
    assert tally.leads_ms == [15_000]
    assert tally.median_lead_seconds == 15.0
    assert tally.starts_share == 0.5


def test_a_watch_in_the_same_second_precedes_no_start() -> None:
    assert counted(watch(10), start(10)).starts_preceded == 0


@pytest.mark.parametrize(("second", "preceded"), [(9, 0), (10, 1), (105, 1), (106, 0)])
def test_a_span_is_preceded_until_half_of_its_dollars(second: float, preceded: int) -> None:
    span = Span("BTC", Side.LONG, 100_000, 105_000, 200_000)
    assert counted(watch(second), spans=(span,)).spans_preceded == preceded


def test_the_market_has_no_early_signs() -> None:
    assert counted(watch(0, ""), start(5, "")) == WatchTally()


def test_a_crash_makes_warnings_on_every_asset_right_and_is_not_counted() -> None:
    crash = Span("", Side.LONG, 10_000, 15_000, 20_000)
    tally = counted(
        watch(12, "BTC"), watch(12, "ETH"), watch(12, "SOL", Side.SHORT), spans=(crash,)
    )
    assert (tally.warnings, tally.right, tally.spans) == (3, 2, 0)
