import pytest

from liq.processors.cascades.risk import (
    Parts,
    basic_score,
    breadth,
    concentration,
    imbalance,
    score,
    speed,
    volume,
)

DOLLAR = 100
FLOOR = 100_000 * DOLLAR


@pytest.mark.parametrize(("nats", "expected"), [(0.0, 0.0), (12.0, 0.3812), (200.0, 0.9997)])
def test_speed_saturates_in_the_surprise(nats: float, expected: float) -> None:
    assert speed(nats) == expected


def test_volume_is_one_from_the_full_value_on() -> None:
    full = 10_000_000 * DOLLAR
    assert volume(0, FLOOR, full) == 0
    assert volume(FLOOR, FLOOR, full) == 0.1502
    assert volume(1_000_000 * DOLLAR, FLOOR, full) == 0.5196
    assert volume(2 * full, FLOOR, full) == 1


def test_imbalance_damps_small_sums() -> None:
    assert imbalance(FLOOR, 0, FLOOR) == 0.6667
    assert imbalance(100 * FLOOR, 0, FLOOR) == 0.995
    assert imbalance(FLOOR, 2 * FLOOR, FLOOR) == 0


def test_concentration_is_what_exceeds_an_even_spread() -> None:
    assert concentration(10, 60, 1 / 6) == 0
    assert concentration(60, 60, 1 / 6) == 1
    assert concentration(0, 0, 1 / 6) == 0


def test_breadth_counts_effective_groups() -> None:
    assert breadth(0, 0, 2.5) == 0
    assert breadth(10, 100, 2.5) == 0
    assert breadth(10, 50, 2.5) == 0.6667
    assert breadth(10, 20, 2.5) == 1


def test_the_score_ends_at_a_hundred_and_qualities_alone_give_nothing() -> None:
    assert score(Parts(1, 1, 1, 1, 1)) == 100
    assert score(Parts(0, 0, 1, 1, 1)) == 0
    assert score(Parts(0.5, 0, 1, 1, 1)) == 15


@pytest.mark.parametrize(
    ("count", "usd", "expected"),
    [(5, 100_000, 1.33), (120, 2_000_000, 30.0), (0, 50_000_000, 50.0), (6_000, 0, 100.0)],
)
def test_the_basic_score_is_the_simple_formula(count: int, usd: int, expected: float) -> None:
    assert basic_score(count, usd * DOLLAR, 60) == expected
