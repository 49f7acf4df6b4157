"""What ten seconds and five minutes must bring to start a cascade, in hand-made windows."""

from decimal import Decimal

import pytest

from liq.processors.cascades.baseline import Baseline
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.prices import NO_SERIES
from liq.processors.cascades.ring import Ring
from liq.processors.cascades.starting import KNOWN_SECONDS, is_wide, may_start
from liq.processors.cascades.surprise import Surprise

NOW = 10_000
ASSET = DetectorConfig().asset_rules("BTC")
MARKET = DetectorConfig().market_rules
USD = 100
RATE = 0.01


def ring_of(*fills: tuple[int, str, int], market: bool = False) -> Ring:
    """A ring at `NOW` with liquidations: seconds ago, group, dollars."""
    rules = MARKET if market else ASSET
    ring = Ring(rules.window_seconds, rules.reference_bits)
    for ago, group, dollars in sorted(fills, reverse=True):
        quote = NO_SERIES, (NOW - ago) * 1_000, Decimal(1)
        ring.advance(NOW - ago)
        ring.add(NOW - ago, (group, "X", 0), dollars * USD, quote, (-dollars, "id"), 0)
    ring.advance(NOW)
    return ring


def starts(ring: Ring, nats: float, baseline: Baseline | None = None) -> bool:
    found = Surprise(nats, 60, nats, RATE * 10)
    return may_start(ring, baseline or known(), ASSET, NOW, found, RATE)


def known(hour_usd: int = 200_000, since: int = KNOWN_SECONDS) -> Baseline:
    """A baseline in whose hours so many dollars are normal."""
    baseline = Baseline()
    baseline.first_second = NOW - since
    baseline.held_at = NOW
    baseline.held_cents = hour_usd * USD * (since + 3_600) / 3_600
    return baseline


def crowd(cells: int, more: int, dollars: int) -> Ring:
    """So many cells in ten seconds, and more liquidations in them."""
    fills = [(place % 10, f"v{place // 10}", dollars) for place in range(cells)]
    fills += [(place % cells % 10, f"v{place % cells // 10}", dollars) for place in range(more)]
    return ring_of(*fills)


@pytest.mark.parametrize(
    ("cells", "more", "nats", "is_started"),
    [
        (5, 4, 4.5, True),
        (5, 4, 4.4, False),
        (5, 3, 4.5, False),
        (4, 4, 4.5, False),
        # Of more cells, more coincide.
        (10, 6, 4.5, True),
        (10, 5, 4.5, False),
    ],
)
def test_a_crowd_is_a_number_and_a_share(
    *, cells: int, more: int, nats: float, is_started: bool
) -> None:
    dollars = 120_000 // (cells + more)
    assert starts(crowd(cells, more, dollars), nats) is is_started


@pytest.mark.parametrize(
    ("cells", "more", "total", "is_started"),
    [(8, 2, 201_000, True), (8, 2, 199_000, False), (8, 1, 201_000, False), (7, 2, 201_000, False)],
)
def test_many_cells_with_two_floors_take_a_smaller_crowd(
    *, cells: int, more: int, total: int, is_started: bool
) -> None:
    assert starts(crowd(cells, more, total // (cells + more)), 7.0) is is_started
    assert not starts(crowd(cells, more, total // (cells + more)), 6.9)


def burn(dollars: int) -> Ring:
    """A liquidation every twelve seconds, each worth so much: five in the last minute."""
    return ring_of(*((12 * place, "a", dollars) for place in range(24)))


def test_a_burn_is_held_against_an_hour_of_before() -> None:
    ring = burn(16_000)
    # Beyond the two busiest seconds there are $352,000; the five minutes taught $384,000.
    taught = 384_000 * 3_600 // (KNOWN_SECONDS + 3_600)
    assert starts(ring, 5.0, known(taught + 43_000))
    assert not starts(ring, 5.0, known(taught + 45_000))
    assert not starts(burn(4_000), 5.0, known(0))


def test_nobody_knows_the_hours_of_a_lane_that_is_new() -> None:
    assert starts(burn(16_000), 5.0, known(0))
    assert not starts(burn(16_000), 5.0, known(0, since=KNOWN_SECONDS - 1))
    assert not starts(burn(16_000), 5.0, Baseline())


def test_a_crash_of_the_market_moves_money_in_six_assets() -> None:
    light = [(place % 10, f"l{place}", 9_999) for place in range(30)]
    for heavy in (5, 6):
        fills = [*light, *((place, f"h{place}", 10_000) for place in range(heavy))]
        assert is_wide(ring_of(*fills, market=True), MARKET) is (heavy == 6)
