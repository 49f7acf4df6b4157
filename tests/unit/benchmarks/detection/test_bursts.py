"""Reference bursts of hand-made observations, and where messages fall in them."""

from decimal import Decimal

import pytest

from benchmarks.detection.bursts import Burst, BurstTally, reference_bursts
from benchmarks.detection.incidents import Incident
from liq.processors.backtesting.dollars import MARKET
from liq.processors.cascades.observation import Observation
from liq.schemas.vocabulary import Side

START_MS = 1_783_000_000_000
VENUES = ("binance", "bybit", "okx")


def seen(
    second: float,
    dollars: int,
    *,
    exchange: str = "bybit",
    base: str = "BTC",
) -> Observation:
    at_ms = START_MS + round(second * 1000)
    return Observation(
        event_id=f"{second}{exchange}{base}{dollars}",
        base=base,
        side=Side.LONG,
        exchange=exchange,
        symbol=base + "USDT",
        timestamp_ms=at_ms,
        received_at_ms=at_ms + 300,
        cents=dollars * 100,
        price=Decimal(60_000),
        is_complete=True,
    )


def twelve(*, first: int = 0, dollars: int = 21_000, base: str = "BTC") -> list[Observation]:
    """Liquidations on three venues in each of four seconds: twelve venue-seconds, $252,000."""
    return [
        seen(first + second, dollars, exchange=exchange, base=base)
        for second in range(4)
        for exchange in VENUES
    ]


def test_twelve_venue_seconds_and_the_floor_make_a_burst() -> None:
    (burst,) = reference_bursts(twelve())
    assert (burst.base, burst.side) == ("BTC", Side.LONG)
    assert (burst.start_ms, burst.end_ms) == (START_MS, START_MS + 3_000)
    assert sum(burst.cents) == 25_200_000


@pytest.mark.parametrize(
    "observations",
    [
        twelve()[:-1],
        twelve(dollars=20_000),
        # Twelve liquidations, all in three seconds of a venue each: nine venue-seconds.
        [*twelve()[:9], seen(0.5, 30_000), seen(1.5, 30_000), seen(2.5, 30_000)],
        [seen(second, 300_000) for second in range(11)],
    ],
    ids=["eleven", "under the floor", "same venue-seconds", "one venue"],
)
def test_less_is_none(observations: list[Observation]) -> None:
    assert reference_bursts(observations) == []


def test_sides_and_assets_are_apart() -> None:
    mixed = [
        event._replace(side=Side.SHORT) if number % 2 else event
        for number, event in enumerate(twelve(dollars=60_000))
    ]
    assert reference_bursts(mixed) == []
    assert [burst.base for burst in reference_bursts([*twelve(), *twelve(base="ETH")])] == [
        "BTC",
        "ETH",
    ]


def test_a_pause_longer_than_the_gap_parts_bursts() -> None:
    both = [*twelve(), *twelve(first=33)]
    assert len(reference_bursts(both)) == 1
    both = [*twelve(), *twelve(first=34)]
    assert len(reference_bursts(both)) == 2
    assert len(reference_bursts(both, gap_ms=60_000)) == 1


def test_a_repeat_counts_once() -> None:
    once = twelve(dollars=20_000)
    assert reference_bursts([*once, *once]) == []


def test_order_of_arrival_changes_nothing() -> None:
    assert reference_bursts(list(reversed(twelve()))) == reference_bursts(twelve())


BURST = Burst(
    "BTC",
    Side.LONG,
    tuple(START_MS + at for at in (0, 1_000, 2_000, 10_000)),
    (10, 20, 30, 40),
)


@pytest.mark.parametrize(
    ("after_ms", "share"),
    [(-1, 1.0), (0, 0.9), (999, 0.9), (1_000, 0.7), (5_000, 0.4), (10_000, 0.0), (99_000, 0.0)],
)
def test_still_to_come_is_what_is_liquidated_later(after_ms: int, share: float) -> None:
    assert BURST.still_to_come(START_MS + after_ms) == pytest.approx(share)


@pytest.mark.parametrize(
    ("share", "after_ms"), [(0.1, 0), (0.11, 1_000), (0.3, 1_000), (0.5, 2_000), (1.0, 10_000)]
)
def test_the_time_of_a_share(share: float, after_ms: int) -> None:
    assert BURST.time_of_share(share) == START_MS + after_ms


def incident(
    *told_after_ms: int,
    base: str = "BTC",
    side: Side = Side.LONG,
    open_until_ms: int = 0,
    by_parent: tuple[int, ...] = (),
) -> Incident:
    return Incident(
        base,
        side,
        told_ms=[START_MS + after for after in told_after_ms],
        end_ms=START_MS,
        notifications=1,
        open_until_ms=START_MS + open_until_ms,
        told_by_parent_ms=[START_MS + after for after in by_parent],
    )


def judged(*incidents: Incident) -> BurstTally:
    tally = BurstTally()
    tally.add([BURST], incidents)
    return tally


def test_the_first_message_inside_counts() -> None:
    tally = judged(incident(5_000, 8_000), incident(1_500))
    assert tally.to_come == [pytest.approx(0.7)]
    assert (tally.covered, tally.already_open, tally.incidents, tally.outside) == (1, 0, 2, 0)


def test_a_missed_burst_has_nothing_to_come() -> None:
    tally = judged(
        incident(1_000, base="ETH"), incident(1_000, side=Side.SHORT), incident(11_001), incident()
    )
    assert tally.to_come == [0.0]
    assert (tally.covered, tally.incidents, tally.outside) == (0, 3, 3)


def test_a_message_of_the_last_second_covers_with_nothing_to_come() -> None:
    tally = judged(incident(10_500))
    assert tally.to_come == [0.0]
    assert (tally.covered, tally.outside) == (1, 0)


def test_an_incident_that_is_open_has_all_to_come() -> None:
    tally = judged(incident(-60_000, open_until_ms=0))
    assert tally.to_come == [1.0]
    assert (tally.covered, tally.already_open, tally.outside) == (1, 1, 0)


def test_an_incident_that_has_ended_covers_nothing() -> None:
    tally = judged(incident(-60_000, open_until_ms=-1))
    assert (tally.covered, tally.outside) == (0, 1)


def test_the_market_covers_no_burst_and_lies_not_outside() -> None:
    tally = judged(incident(1_000, base=MARKET))
    assert (tally.covered, tally.incidents, tally.outside) == (0, 0, 0)


def test_a_message_that_stands_for_an_asset_covers_its_burst() -> None:
    tally = judged(incident(by_parent=(1_500,)))
    assert tally.to_come == [pytest.approx(0.7)]
    assert (tally.covered, tally.incidents, tally.outside) == (1, 0, 0)


def test_median_and_mean_are_over_all_bursts() -> None:
    tally = BurstTally(to_come=[0.0, 0.2, 1.0])
    assert tally.median_to_come == pytest.approx(0.2)
    assert tally.mean_to_come == pytest.approx(0.4)
    assert BurstTally().median_to_come == 0.0
