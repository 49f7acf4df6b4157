import pytest

from processors.cascades.score import (
    basic_risk_score,
    breadth,
    concentration,
    imbalance,
    risk_score,
    speed,
    volume,
)
from schemas.records import ScoreParts

MILLION = 1_000_000
THRESHOLD = 100_000 * MILLION


@pytest.mark.parametrize(("count", "expected"), [(0, 0.0), (5, 0.25), (15, 0.5), (45, 0.75)])
def test_speed_saturates_with_the_rate(count: int, expected: float) -> None:
    assert speed(count, min_events=5) == expected


@pytest.mark.parametrize(
    ("usd", "expected"), [(0, 0.0), (100_000, 0.1502), (1_000_000, 0.5196), (50_000_000, 1.0)]
)
def test_volume_is_logarithmic_up_to_a_hundred_thresholds(usd: int, expected: float) -> None:
    assert volume(usd * MILLION, THRESHOLD) == pytest.approx(expected, abs=1e-4)


def test_imbalance_is_zero_for_the_lesser_side_and_damped_for_small_sums() -> None:
    assert imbalance(THRESHOLD, 2 * THRESHOLD, THRESHOLD) == 0
    assert imbalance(THRESHOLD // 2, 0, THRESHOLD) == 0.5
    assert imbalance(100 * THRESHOLD, 0, THRESHOLD) == pytest.approx(0.995, abs=1e-4)


@pytest.mark.parametrize(("burst", "expected"), [(10, 0.0), (35, 0.5), (60, 1.0)])
def test_concentration_compares_the_busiest_sixth_with_an_even_flow(
    burst: int, expected: float
) -> None:
    assert concentration(burst, 60) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("cells", "expected"), [([], 0), ([9], 0), ([5, 5], 2 / 3), ([4, 4, 4], 1), ([7, 1], 0.1867)]
)
def test_breadth_counts_venues_by_their_weight(cells: list[int], expected: float) -> None:
    assert breadth(cells) == pytest.approx(expected, abs=1e-4)


def test_the_risk_score_spans_0_to_100() -> None:
    assert risk_score(ScoreParts(0, 0, 0, 0, 0)) == 0
    assert risk_score(ScoreParts(1, 1, 1, 1, 1)) == 100
    assert risk_score(ScoreParts(0.25, 0.16, 0.5, 1, 0)) == pytest.approx(15.8)


def test_quality_counts_for_nothing_without_speed_or_volume() -> None:
    assert risk_score(ScoreParts(0.5, 0, 1, 1, 1)) == 15


@pytest.mark.parametrize(
    ("count", "usd", "expected"),
    [
        (5, 100_000, 1.33),
        (60, 1_000_000, 15.0),
        (60, 10_000_000, 60.0),
        (60, 99_000_000, 60.0),
        (6_000, 99_000_000, 100.0),
    ],
)
def test_the_basic_score_is_its_formula(count: int, usd: int, expected: float) -> None:
    assert basic_risk_score(count, usd * MILLION, window_seconds=60) == expected
