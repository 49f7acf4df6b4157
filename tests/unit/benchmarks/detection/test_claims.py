"""What ended cascades say of prices and dollars, on hand-made records."""

from dataclasses import dataclass, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import cast

import pytest

from benchmarks.detection.claims import ClaimTally, price_move
from liq.processors.backtesting.dollars import Amount, Dollars
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Side
from tests.support import sample_records


def ended(
    first: int, last: int, *, side: Side = Side.LONG, total_usd: int = 300_000
) -> CascadeAlert:
    return replace(
        sample_records.alert(),
        type=AlertType.ENDED,
        asset="BTC",
        side=side,
        started_at_ms=10_000,
        ended_at_ms=20_000,
        total_value_usd=Decimal(total_usd),
        price_first=Decimal(first),
        price_last=Decimal(last),
    )


@dataclass(frozen=True)
class Price:
    """The part of a record's price that is looked at."""

    move_bps: float


@pytest.mark.parametrize(
    ("side", "last", "against"),
    [(Side.LONG, 99, 0), (Side.LONG, 101, 1), (Side.SHORT, 99, 1), (Side.SHORT, 101, 0)],
)
def test_a_price_moves_with_the_flow_or_against_it(side: Side, last: int, against: int) -> None:
    tally = ClaimTally()
    tally.add([ended(100, last, side=side), ended(100, 100), ended(0, last)], None)
    assert (tally.priced, tally.against, tally.kept) == (2, against, [])


def test_a_record_s_own_price_counts_where_it_has_one() -> None:
    record = SimpleNamespace(price=Price(-30.0), price_first=Decimal(1), price_last=Decimal(2))
    assert price_move(cast("CascadeAlert", record)) == -30.0
    assert price_move(ended(100, 101)) == pytest.approx(100.0)


TRUTH = Dollars(
    [
        Amount("BTC", Side.LONG, 9_999, 1),
        Amount("BTC", Side.LONG, 10_000, 40_000_000),
        Amount("BTC", Side.LONG, 19_999, 20_000_000),
        Amount("BTC", Side.LONG, 20_000, 1),
        Amount("ETH", Side.LONG, 15_000, 1),
    ]
)


def test_observed_dollars_are_a_share_of_the_true_ones_of_the_same_time() -> None:
    tally = ClaimTally()
    tally.add([ended(1, 1), replace(ended(1, 1), type=AlertType.UPDATED)], TRUTH)
    assert tally.kept == [0.5]
    assert tally.median_kept == 0.5
    tally.kept = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert tally.least_kept == 0.2


@pytest.mark.parametrize(("high", "inside"), [(600_000, 1), (599_999, 0)])
def test_an_estimate_is_inside_where_its_range_has_the_truth(high: int, inside: int) -> None:
    estimate = SimpleNamespace(value_usd=Decimal(450_000), low_usd=Decimal(1), high_usd=high)
    record = SimpleNamespace(
        type=AlertType.ENDED,
        asset="BTC",
        side=Side.LONG,
        started_at_ms=10_000,
        ended_at_ms=20_000,
        total_value_usd=Decimal(300_000),
        price=Price(0.0),
        estimate=estimate,
    )
    tally = ClaimTally()
    tally.add([cast("CascadeAlert", record)], TRUTH)
    assert (tally.estimated, tally.inside) == ([0.75], inside)
    assert tally.median_estimated == 0.75
