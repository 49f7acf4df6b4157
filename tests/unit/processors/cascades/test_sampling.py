"""What sampled venues leave out is estimated where their rule was measured, and nowhere else."""

import pytest

from liq.processors.cascades.sampling import Estimate, estimate, kept_share
from liq.processors.cascades.totals import GroupTotal

IN_2026_MS = 1_783_000_000_000
BEFORE_APRIL_2026_MS = 1_776_000_000_000


def groups(**cents: int) -> dict[str, GroupTotal]:
    return {name: GroupTotal(0, 1, value) for name, value in cents.items()}


def of(
    total: dict[str, GroupTotal], time_ms: int = IN_2026_MS, *, rest: int = 0
) -> Estimate | None:
    return estimate(total, rest + sum(each.cents for each in total.values()), time_ms)


def test_complete_feeds_need_no_estimate() -> None:
    assert of(groups(bybit=100, kraken=5)) is None


def test_the_largest_of_a_second_is_scaled_and_the_rest_stands_as_published() -> None:
    found = of(groups(binance=78_000, bybit=10_000))
    assert found == Estimate(110_000, 88_000, 166_000, ())


def test_dollars_of_a_venue_that_nobody_measured_count_as_published_and_it_is_named() -> None:
    found = of(groups(okx=1_000, bybit=10_000, hyperliquid=1))
    assert found is None
    found = of(groups(okx=1_000, binance=78_000))
    assert found == Estimate(101_000, 79_000, 157_000, ("okx",))


def test_dollars_without_a_venue_count_as_published() -> None:
    found = of(groups(binance=78_000), rest=5_000)
    assert found == Estimate(105_000, 83_000, 161_000, ())


def test_a_venue_that_published_the_latest_of_a_second_has_no_estimate() -> None:
    assert kept_share("binance", BEFORE_APRIL_2026_MS) is None
    assert of(groups(binance=78_000), BEFORE_APRIL_2026_MS) is None


@pytest.mark.parametrize("venue", ["binance", "bitget", "bybit", "bitmex"])
def test_the_range_holds_the_estimate(venue: str) -> None:
    kept = kept_share(venue, IN_2026_MS)
    assert kept is not None
    assert 0 < kept.least <= kept.pooled <= 1
