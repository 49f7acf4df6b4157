"""What a lane learns of its calm hours: rate, dollars, and how its cells cluster."""

import pytest

from liq.processors.cascades.baseline import (
    BLOCK_SECONDS,
    LEAST_CLUSTERING,
    MOST_CLUSTERING,
    Baseline,
    clustering,
)
from liq.schemas.units import HOUR_SECONDS

START = 1_783_000_000
MEMORY_SECONDS = 3.0 * HOUR_SECONDS
PRIOR_RATE = 5 / HOUR_SECONDS
MOST_CENTS = 2_000_000


def learn(baseline: Baseline, now: int, tenths: int, cents: int, *, is_calm: bool = True) -> None:
    baseline.learn(
        now, tenths, cents, PRIOR_RATE, MEMORY_SECONDS, most_cents=MOST_CENTS, is_calm=is_calm
    )


def learned(cells: float, *, every_seconds: int, hours: int, cents: int = 100_000) -> Baseline:
    """A lane that gets so many cells at once, again and again."""
    baseline = Baseline()
    for now in range(START, START + hours * HOUR_SECONDS, every_seconds):
        learn(baseline, now, round(cells * 10), cents)
    return baseline


def test_the_rate_goes_from_the_prior_to_what_is_seen() -> None:
    rates = [
        learned(1, every_seconds=60, hours=hours).rate(
            START + hours * HOUR_SECONDS, PRIOR_RATE, MEMORY_SECONDS
        )
        * HOUR_SECONDS
        for hours in (1, 3, 24)
    ]
    assert Baseline().rate(START, PRIOR_RATE, MEMORY_SECONDS) == PRIOR_RATE
    assert 5 < rates[0] < rates[1] < rates[2]
    assert rates[2] == pytest.approx(60, rel=0.3)


def test_one_huge_block_does_not_make_the_next_one_look_normal() -> None:
    baseline = learned(1, every_seconds=600, hours=6)
    now = START + 6 * HOUR_SECONDS
    before = baseline.rate(now, PRIOR_RATE, MEMORY_SECONDS)
    most_cents = baseline.held_cents + baseline.block_cents + MOST_CENTS
    learn(baseline, now, 10_000, 10**12)
    learn(baseline, now + BLOCK_SECONDS, 10, 0)
    assert baseline.rate(now + BLOCK_SECONDS, PRIOR_RATE, MEMORY_SECONDS) < 1.5 * before
    assert baseline.held_cents <= most_cents


def test_what_was_never_seen_clusters_as_usual() -> None:
    assert clustering(Baseline(), Baseline()) == pytest.approx(1)


def test_cells_that_come_singly_cluster_less_and_families_more() -> None:
    single = learned(1, every_seconds=60, hours=24)
    family = learned(2.5, every_seconds=150, hours=24)
    assert LEAST_CLUSTERING <= clustering(single, single) < 0.7
    assert 1 < clustering(family, family) <= MOST_CLUSTERING


def test_clustering_has_bounds_and_a_huge_block_counts_as_ten_cells() -> None:
    single = learned(1, every_seconds=60, hours=24)
    before = clustering(single, Baseline())
    learn(single, START + 25 * HOUR_SECONDS, 10**9, 0)
    learn(single, START + 25 * HOUR_SECONDS + BLOCK_SECONDS, 10, 0)
    assert before < clustering(single, Baseline()) < before + 0.25
    crowded = learned(50, every_seconds=600, hours=24)
    assert clustering(crowded, Baseline()) == MOST_CLUSTERING
    tiny = learned(0.2, every_seconds=20, hours=48)
    assert clustering(tiny, tiny) == LEAST_CLUSTERING


def test_both_sides_of_an_asset_tell_how_it_clusters() -> None:
    single, family = (learned(cells, every_seconds=300, hours=24) for cells in (1, 4))
    both = clustering(single, family)
    assert both == clustering(family, single)
    assert clustering(single, Baseline()) < both
    assert both <= clustering(family, Baseline())


def test_what_belongs_to_a_cascade_is_not_learned() -> None:
    baseline = learned(1, every_seconds=60, hours=3)
    now = START + 3 * HOUR_SECONDS
    learn(baseline, now, 10, 0)
    before = (baseline.held, baseline.held_cents, baseline.held_cells, baseline.held_squares)
    learn(baseline, now + 1, 500, 10**9)
    baseline.forget_block()
    learn(baseline, now + 60, 10, 0)
    after = (baseline.held, baseline.held_cents, baseline.held_cells, baseline.held_squares)
    assert after == before


def test_only_the_recent_rate_learns_what_a_cascade_brings() -> None:
    baseline = learned(1, every_seconds=60, hours=3)
    start = START + 3 * HOUR_SECONDS
    learn(baseline, start, 10, 0)
    learn(baseline, start + 60, 10, 0)
    calm, recent = baseline.held, baseline.recent_rate(start + 60)
    for now in range(start + 61, start + 1_861):
        learn(baseline, now, 10, 10**7, is_calm=False)
    assert baseline.held <= calm + 1
    assert recent < 0.1
    assert baseline.recent_rate(start + 1_860) == pytest.approx(0.87, rel=0.05)


def test_an_unsettled_lane_takes_the_recent_rate_until_its_own_has_come_up() -> None:
    baseline = learned(1, every_seconds=60, hours=6)
    start = START + 6 * HOUR_SECONDS
    for now in range(start, start + 1_800):
        learn(baseline, now, 10, 0, is_calm=False)
    now = start + 1_800
    settled = baseline.rate(now, PRIOR_RATE, MEMORY_SECONDS)
    baseline.unsettle()
    assert baseline.rate(now, PRIOR_RATE, MEMORY_SECONDS) == baseline.recent_rate(now)
    assert baseline.recent_rate(now) > 10 * settled
    unsettled = 0
    for second in range(now, now + 12 * HOUR_SECONDS, 10):
        learn(baseline, second, 100, 0)
        unsettled += 10 * baseline.is_unsettled
    assert HOUR_SECONDS < unsettled < 10 * HOUR_SECONDS
    assert baseline.rate(now + 12 * HOUR_SECONDS, PRIOR_RATE, MEMORY_SECONDS) > 0.7


def test_an_unsettled_lane_that_falls_quiet_soon_has_its_own_rate_again() -> None:
    baseline = learned(1, every_seconds=60, hours=6)
    start = START + 6 * HOUR_SECONDS
    for now in range(start, start + 1_800):
        learn(baseline, now, 10, 0, is_calm=False)
    before = baseline.rate(start + 1_800, PRIOR_RATE, MEMORY_SECONDS)
    baseline.unsettle()
    later = start + 3 * HOUR_SECONDS
    assert baseline.rate(later, PRIOR_RATE, MEMORY_SECONDS) < before
    learn(baseline, later, 10, 0)
    learn(baseline, later + 60, 10, 0)
    assert not baseline.is_unsettled
