"""Figures of hand-made records, and sums over time against plain ones."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.processors.backtesting import Amount, Dollars, Tally
from liq.processors.backtesting.dollars import MARKET
from liq.processors.backtesting.figures import inside_share
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Scope, Side
from tests.support import sample_records

LONG, SHORT = Side.LONG, Side.SHORT


def record(kind: AlertType, at_ms: int, **changes: object) -> CascadeAlert:
    alert = replace(
        sample_records.alert(1),
        alert_id=f"{kind}{at_ms}{changes.get('cascade_id')}",
        type=kind,
        asset="BTC",
        side=LONG,
        scope=Scope.ASSET,
        cascade_id="a",
        started_at_ms=1_000,
        timestamp_ms=at_ms,
        total_value_usd=Decimal(100_000),
        notify=True,
        parent_id=None,
        continue_probability=None,
        expected_more_usd=None,
    )
    return replace(alert, **changes)  # type: ignore[arg-type]


DOLLARS = Dollars(
    [
        Amount("BTC", LONG, 900, 100),
        Amount("BTC", LONG, 1_000, 300),
        Amount("BTC", LONG, 2_000, 200),
        Amount("BTC", LONG, 3_000, 500),
        Amount("BTC", SHORT, 2_000, 400),
        Amount("ETH", LONG, 2_500, 500),
    ]
)


def test_a_told_cascade_has_its_share_and_what_was_to_come() -> None:
    tally = Tally(DOLLARS)
    tally.add(record(AlertType.DETECTED, 1_500))
    tally.add(record(AlertType.ENDED, 4_000, ended_at_ms=3_001))
    figures = tally.figures(days=0.5)
    assert (figures.messages, figures.messages_a_day) == (2, 4.0)
    assert (figures.asset_cascades, figures.market_cascades) == (1, 0)
    # 1,000 of 2,000 cents lie in it, and 700 of those come after 1,500.
    assert figures.inside_share == pytest.approx(0.5)
    assert figures.to_come_median == pytest.approx(0.7)
    assert [life.told_ms for life in figures.cascades] == [1_500]


def test_a_cascade_that_nobody_was_told_of_counts_for_dollars_alone() -> None:
    tally = Tally(DOLLARS)
    tally.add(record(AlertType.DETECTED, 1_500, notify=False))
    tally.add(record(AlertType.ENDED, 4_000, ended_at_ms=3_001, notify=False))
    figures = tally.figures(days=1)
    assert (figures.messages, figures.asset_cascades) == (0, 1)
    assert (figures.to_come_median, figures.to_come_mean) == (None, None)
    assert figures.inside_share == pytest.approx(0.5)


def test_dollars_in_overlapping_cascades_count_once() -> None:
    own = record(AlertType.ENDED, 4_000, ended_at_ms=2_001)
    market = record(AlertType.ENDED, 4_000, ended_at_ms=2_600, asset=MARKET, started_at_ms=1_500)
    assert inside_share([own, market], DOLLARS) == pytest.approx((300 + 200 + 500) / 2_000)
    assert inside_share([], DOLLARS) == 0


def test_forecasts_are_judged_by_what_followed() -> None:
    million = 100_000_000
    dollars = Dollars([Amount("BTC", LONG, 5_000, million)])
    tally = Tally(dollars)
    said = {"continue_probability": 0.8, "expected_more_usd": Decimal(900_000)}
    tally.add(record(AlertType.DETECTED, 2_000, **said))
    tally.add(record(AlertType.UPDATED, 6_000, **said))
    figures = tally.figures(days=1)
    assert (figures.forecasts, figures.happened) == (2, 0.5)
    assert figures.brier == pytest.approx((0.2**2 + 0.8**2) / 2)
    [only] = figures.bins
    assert (only.records, only.expected_cents) == (2, 90_000_000)


amounts = st.lists(
    st.builds(
        Amount,
        st.sampled_from(["BTC", "ETH"]),
        st.sampled_from(list(Side)),
        st.integers(0, 50),
        st.integers(1, 9),
    )
)
spans = st.lists(
    st.tuples(
        st.sampled_from(["BTC", "ETH", MARKET]),
        st.sampled_from(list(Side)),
        st.integers(0, 50),
        st.integers(1, 20),
    ),
    max_size=5,
)


@given(found=amounts, after=st.integers(-1, 51), until=st.integers(-1, 51))
def test_sums_over_any_time_are_those_of_the_amounts(
    found: list[Amount], after: int, until: int
) -> None:
    dollars = Dollars(found[::2])
    for amount in found[1::2]:
        dollars.cents("BTC", LONG, after_ms=0, until_ms=9)  # asked in between
        dollars.add(amount)
    for base in ("BTC", MARKET, "SOL"):
        wanted = sum(
            each.cents
            for each in found
            if each.side is LONG and base in (each.base, MARKET) and after < each.at_ms <= until
        )
        if after <= until:
            assert dollars.cents(base, LONG, after_ms=after, until_ms=until) == wanted
    assert dollars.total_cents() == sum(each.cents for each in found)


@given(found=amounts, ended=spans)
def test_the_share_inside_is_that_of_the_events_that_any_cascade_holds(
    found: list[Amount], ended: list[tuple[str, Side, int, int]]
) -> None:
    ends = [
        record(
            AlertType.ENDED, 99, asset=asset, side=side, started_at_ms=start, ended_at_ms=start + n
        )
        for asset, side, start, n in ended
    ]
    inside = sum(
        each.cents
        for each in found
        if any(
            side is each.side and asset in (each.base, MARKET) and start <= each.at_ms < start + n
            for asset, side, start, n in ended
        )
    )
    total = max(1, sum(each.cents for each in found))
    assert inside_share(ends, Dollars(found)) == pytest.approx(inside / total)
