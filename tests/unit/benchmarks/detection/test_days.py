"""The synthetic days are what their conditions say."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from benchmarks.detection.assets import MAJORS, assets
from benchmarks.detection.conditions import (
    NOTHING,
    ORDINARY,
    Conditions,
    calm_night_then_rush,
    factor_at,
    level_shift,
    rises,
)
from benchmarks.detection.day import make_day
from benchmarks.detection.faults import clock_off, dark, late
from benchmarks.detection.planted import A_DAY, FLOOD_COUNT, Kind, Planted, plant
from benchmarks.detection.venues import DAY_START_MS, Published
from liq.processors.backtesting.dollars import MARKET
from liq.schemas.units import HOUR_SECONDS
from liq.schemas.vocabulary import Side

CALM = Conditions(planted=NOTHING, has_decoys=False, traffic=0.3)


def numbers_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - not for secrets


def one(kind: Kind, seed: int = 1, *, counter_share: float = 0.0) -> tuple[Planted, list[float]]:
    """Plant one cascade; its truth, and the seconds of its liquidations."""
    numbers = numbers_of(seed)
    (truth,), events = plant(
        numbers, assets(numbers), 1, counts={kind: 1}, counter_share=counter_share
    )
    return truth, [event.second for event in events]


def test_the_same_seed_is_the_same_day() -> None:
    assert make_day(3, CALM) == make_day(3, CALM)
    assert make_day(3, CALM) != make_day(4, CALM)


def test_a_day_has_what_is_planted() -> None:
    assert Counter(truth.kind for truth in make_day(1).planted) == Counter(A_DAY)


@pytest.mark.parametrize("seed", range(20))
def test_slugs_are_short_and_sparse_burns_are_long(seed: int) -> None:
    slug, seconds = one(Kind.SLUG, seed)
    assert 6 <= len(seconds) <= 18
    assert slug.end - slug.start <= 14
    assert 400_000 <= slug.cents / 100 <= 4_100_000
    sparse, seconds = one(Kind.SPARSE, seed)
    assert 60 <= len(seconds) <= 180
    assert 300 <= sparse.end - sparse.start <= 1_200


def test_half_of_the_dollars_are_liquidated_by_half() -> None:
    numbers = numbers_of(5)
    (truth,), events = plant(numbers, assets(numbers), 1, counts={Kind.MAJOR: 1})
    by_then = sum(event.cents for event in events if event.second <= truth.half)
    before = sum(event.cents for event in events if event.second < truth.half)
    assert before < truth.cents / 2 <= by_then


def test_a_flood_is_one_millisecond_of_distinct_liquidations() -> None:
    day = make_day(1, replace(CALM, planted={Kind.FLOOD: 1}))
    (truth,) = day.planted
    times = Counter(event.timestamp_ms for event in day.observations)
    at_ms, count = times.most_common(1)[0]
    assert count >= FLOOD_COUNT
    flood = [event for event in day.observations if event.timestamp_ms == at_ms]
    assert len({event.event_id for event in flood if event.base == truth.base}) >= FLOOD_COUNT


def test_a_share_of_a_cascade_is_on_the_other_side() -> None:
    numbers = numbers_of(2)
    (truth,), events = plant(
        numbers, assets(numbers), 1, counts={Kind.MARKET: 1}, counter_share=0.25
    )
    own = [event for event in events if event.side is truth.side]
    assert 0.7 < len(own) / len(events) < 0.8
    assert truth.cents == sum(event.cents for event in own)
    day = make_day(2, Conditions(planted={Kind.MARKET: 1}, counter_share=0.25))
    (crash,) = day.planted
    # The smaller side's assets are there to be seen; the market's smaller side is no crash.
    others = {natural.base for natural in day.natural if natural.side is crash.side.opposite}
    assert "BTC" in others
    assert MARKET not in others


def test_traffic_multiplies_the_events() -> None:
    few, many = (
        len(make_day(1, replace(CALM, traffic=traffic)).observations) for traffic in (0.3, 0.9)
    )
    assert 2 < many / few < 4


def test_more_alts_and_heavier_sizes() -> None:
    traded = assets(numbers_of(1), alt_count=300, more_sigma=0.4)
    assert len(traded) == 300 + len(MAJORS)
    assert traded[0].sigma == pytest.approx(MAJORS[0].sigma + 0.4)
    assert len({asset.name for asset in traded}) == len(traded)


def test_a_level_shift_rises_once_and_ends() -> None:
    for seed in range(20):
        steps = level_shift(2, 6)(numbers_of(seed))
        (start,) = rises(steps)
        assert 2 <= factor_at(steps, start) <= 6
        assert factor_at(steps, start - 1) == factor_at(steps, steps[1][0]) == 1
        assert 6 <= (steps[1][0] - start) / HOUR_SECONDS <= 10


def test_a_crash_comes_just_before_a_rise() -> None:
    shifted = replace(CALM, steps=level_shift(2, 2), has_crash_at_rise=True)
    day = make_day(1, shifted)
    (crash,) = day.planted
    (rise_ms,) = {item.start_ms for item in day.natural if item.base == MARKET}
    assert crash.kind is Kind.MARKET
    assert 0 < rise_ms - DAY_START_MS - crash.start * 1000 <= 30_000


def test_a_rush_follows_a_calm_night() -> None:
    steps = calm_night_then_rush(numbers_of(1))
    (start,) = rises(steps)
    assert (factor_at(steps, 0), factor_at(steps, start - 1), factor_at(steps, start)) == (
        0.2,
        0.2,
        3,
    )
    day = make_day(1, replace(CALM, steps=calm_night_then_rush))
    assert {(item.base, item.side) for item in day.natural if item.base == MARKET} == {
        (MARKET, side) for side in Side
    }
    rush_ms = day.natural[-1].start_ms
    assert rush_ms > DAY_START_MS + 7 * HOUR_SECONDS * 1000
    before = [event for event in day.observations if event.timestamp_ms < rush_ms]
    assert 0 < len(before) < len(day.observations) / 10


def test_common_shocks_hit_many_assets_on_one_side() -> None:
    shocks = replace(CALM, traffic=0.01, shocks_an_hour=6)
    observations = make_day(1, shocks).observations
    minutes: dict[int, set[str]] = {}
    for event in observations:
        minutes.setdefault(event.timestamp_ms // 60_000, set()).add(event.base)
    shocked = [bases for bases in minutes.values() if len(bases) >= 4]
    assert 80 < len(shocked) < 200


def log() -> list[Published]:
    day = make_day(1, CALM)
    return [(event, 0) for event in day.observations]


VENUE = numbers_of(3).choice(["binance", "bybit", "okx"])


def test_a_dark_venue_is_silent_for_twelve_hours() -> None:
    whole = log()
    left = dark(numbers_of(3), whole)
    lost = Counter(whole) - Counter(left)
    assert {event.exchange for event, _ in lost} == {VENUE}
    times = [event.received_at_ms for event, _ in lost]
    from_ms, to_ms = min(times), max(times)
    assert 11 * HOUR_SECONDS < (to_ms - from_ms) / 1000 <= 12 * HOUR_SECONDS
    assert not any(
        event.exchange == VENUE and from_ms <= event.received_at_ms <= to_ms for event, _ in left
    )


def test_a_late_venue_moves_in_the_log() -> None:
    whole = log()
    moved = [event for event, _ in late(numbers_of(3), whole)]
    received = [event.received_at_ms for event in moved]
    assert received == sorted(received)
    on_time = (
        event._replace(received_at_ms=event.received_at_ms - 20_000)
        if event.exchange == VENUE
        else event
        for event in moved
    )
    assert Counter(on_time) == Counter(event for event, _ in whole)
    assert received != [event.received_at_ms for event, _ in whole]


def test_clocks_that_are_far_off_are_not_believed_where_there_is_an_append_time() -> None:
    whole = log()
    for off_ms in (30_000, -30_000):
        assert clock_off(off_ms)(numbers_of(3), whole) == whole
    tolerated = clock_off(4_000)(numbers_of(3), whole)
    assert {
        after.received_at_ms - before.received_at_ms
        for (after, _), (before, _) in zip(tolerated, whole, strict=True)
    } == {0, 4_000}
    file = clock_off(30_000, is_appended=False)(numbers_of(3), whole)
    assert {
        after.received_at_ms - before.received_at_ms
        for (after, _), (before, _) in zip(file, whole, strict=True)
    } == {0, 30_000}


def test_a_fault_leaves_the_truth_as_it_is() -> None:
    assert make_day(1, Conditions(fault=dark)).planted == make_day(1, ORDINARY).planted
