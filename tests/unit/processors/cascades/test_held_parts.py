"""A market that waits for one source stores what it holds in parts, of bounded size."""

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from liq.processors.cascades import DetectorConfig, SnapshotError
from liq.processors.cascades.beat import Beat
from liq.processors.cascades.held_packing import MAX_UNPACKED, weight
from liq.processors.cascades.held_parts import BLOCK_SECONDS, PREFIX
from liq.processors.cascades.market import MarketDetector, MarketState
from liq.processors.cascades.snapshot import (
    MARKET,
    MAX_HELD_IN_CORE,
    market_changes,
    market_from_parts,
    market_to_bytes,
)
from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Side
from tests.support.sample_records import alert

CONFIG = DetectorConfig()
SOURCES = [0, 1]
START = 1_752_833_860
ASSETS = 100
#: Kafka refuses a batch that is larger than a segment: 2 MiB in the market's state topic.
MAX_RECORD_BYTES = 262_144


def hold(market: MarketDetector, seconds: range) -> None:
    """Source 0 brings a beat of every asset in each second; source 1 says nothing."""
    chance = random.Random(seconds.start)  # noqa: S311 - no secrets
    for tick in seconds:
        for number in range(ASSETS):
            top = (-100_000, f"{chance.getrandbits(128):032x}")
            beat = Beat(f"A{number}", Side.LONG, tick, ((tick, 1, 100_000),), ("okx",), 1, top)
            market.add(beat, tick * SECOND_MS, 0)
        market.heartbeat((tick + 1) * SECOND_MS, 0)


def restored(parts: Mapping[str, bytes]) -> MarketState:
    return market_from_parts(parts, CONFIG, SOURCES)


def store(parts: dict[str, bytes], market: MarketDetector) -> dict[str, bytes]:
    """Write a checkpoint as the stage does; return what it wrote."""
    changes = market_changes(market.state)
    parts |= changes
    for key in market.state.held_parts.take_stale():
        parts.pop(key, None)
    return changes


def waiting(seconds: int) -> MarketDetector:
    market = MarketDetector(CONFIG, SOURCES)
    hold(market, range(START, START + seconds))
    return market


def test_minutes_of_waiting_are_stored_in_small_records() -> None:
    market, parts = MarketDetector(CONFIG, SOURCES), dict[str, bytes]()
    largest = 0
    for second in range(START, START + 240, 60):
        hold(market, range(second, second + 60))
        changes = store(parts, market)
        held = [key for key in changes if key.startswith(PREFIX)]
        assert len(held) <= 60 // BLOCK_SECONDS
        largest = max(largest, *map(len, changes.values()))
    assert sum(map(len, parts.values())) > 2 * MAX_RECORD_BYTES
    assert largest < MAX_RECORD_BYTES
    assert market_to_bytes(restored(parts)) == market_to_bytes(market.state)


def test_what_is_held_beyond_a_bound_is_packed() -> None:
    market, parts = MarketDetector(CONFIG, SOURCES), dict[str, bytes]()
    for second in range(START, START + 400, 50):
        hold(market, range(second, second + 50))
        store(parts, market)
        assert weight(market.state.held) <= MAX_UNPACKED
        assert market.state.held_items == (second + 50 - START) * ASSETS
    packed = market.state.packed.values()
    assert sum(each.items for each in packed) >= 400 * ASSETS - MAX_UNPACKED
    # As an object, a beat takes some 600 bytes.
    assert sum(len(each.data) for each in packed) < 60 * sum(each.items for each in packed)
    after_a_start = restored(parts)
    assert weight(after_a_start.held) <= MAX_UNPACKED + BLOCK_SECONDS * ASSETS
    assert after_a_start.packed
    assert market_to_bytes(after_a_start) == market_to_bytes(market.state)


def shock(market: MarketDetector, seconds: range) -> None:
    """Source 2 brings large liquidations of other assets, and the starts of their cascades."""
    for tick in seconds:
        for number in range(12):
            beat = Beat(
                f"B{number}",
                Side.SHORT,
                tick,
                ((tick, 3, 90_000_000),),
                ("okx", "bybit"),
                3,
                (-50_000_000, f"{tick:024x}{number:08x}"),
            )
            market.add(beat, tick * SECOND_MS, 2)
        started = replace(
            alert(tick % 97 * 280),
            side=Side.SHORT,
            timestamp_ms=(tick + 1) * SECOND_MS,
        )
        market.add(started, tick * SECOND_MS, 2)
    market.heartbeat((seconds.stop) * SECOND_MS, 2)


@pytest.mark.parametrize(
    "step", [400, pytest.param(7, marks=pytest.mark.slow), pytest.param(61, marks=pytest.mark.slow)]
)
def test_packing_and_restarts_change_no_alert(step: int) -> None:
    """Source 2 is behind and source 1 even more, so items come for blocks that are packed."""
    plain, packing = (MarketDetector(CONFIG, [0, 1, 2]) for _ in range(2))
    made: dict[bool, list[CascadeAlert]] = {True: [], False: []}
    parts: dict[str, bytes] = {}

    def checkpoint(*, is_restart: bool = False) -> None:
        store(parts, packing)
        assert weight(packing.state.held) <= MAX_UNPACKED
        if is_restart:
            packing.state = market_from_parts(parts, CONFIG, [0, 1, 2])

    for market in (plain, packing):
        hold(market, range(START, START + 300))
    checkpoint()
    for second in range(START + 100, START + 190, 30):
        for market in (plain, packing):
            shock(market, range(second, second + 30))
        assert packing.state.packed
        checkpoint(is_restart=second == START + 130)
    for second in range(START + 1, START + 401, step):
        for market in (plain, packing):
            for source in (1, 2):
                made[market is plain] += market.heartbeat(second * SECOND_MS, source)
        checkpoint(is_restart=step == 61)
    for market in (plain, packing):
        made[market is plain] += market.finish()
    assert made[False] == made[True]
    assert AlertType.DETECTED in {each.type for each in made[True]}
    assert AlertType.LINKED in {each.type for each in made[True]}
    assert market_to_bytes(packing.state) == market_to_bytes(plain.state)


def test_little_is_held_in_the_core() -> None:
    market = waiting(MAX_HELD_IN_CORE // ASSETS)
    changes = market_changes(market.state)
    assert not any(key.startswith(PREFIX) for key in changes)
    assert market_to_bytes(restored(changes)) == market_to_bytes(market.state)


def test_a_checkpoint_that_was_cut_short_changes_nothing() -> None:
    market, stored = waiting(60), dict[str, bytes]()
    store(stored, market)
    before = market_to_bytes(restored(stored))
    hold(market, range(START + 55, START + 62))
    market.heartbeat((START + 12) * SECOND_MS, 1)
    changes = market_changes(market.state)
    assert list(changes)[-1] == MARKET
    for written in range(0, len(changes), 9):
        parts = stored | dict(list(changes.items())[:written])
        assert market_to_bytes(restored(parts)) == before
    assert market_to_bytes(restored(stored | changes)) == market_to_bytes(market.state)


def test_what_was_held_leaves_the_topic_once_it_is_judged() -> None:
    market, parts = waiting(120), dict[str, bytes]()
    store(parts, market)
    for second in range(START, START + 121, 19):
        market.heartbeat(second * SECOND_MS, 1)
        store(parts, market)
        market.state = restored(parts)
    market.heartbeat((START + 121) * SECOND_MS, 1)
    store(parts, market)
    assert not market.state.held
    assert not any(key.startswith(PREFIX) for key in parts)


def test_a_crash_before_the_deletions_leaves_keys_that_the_next_owner_deletes() -> None:
    market, parts = waiting(60), dict[str, bytes]()
    store(parts, market)
    market.heartbeat((START + 60) * SECOND_MS, 1)
    parts |= market_changes(market.state)
    assert any(key.startswith(PREFIX) for key in parts)
    market.state = restored(parts)
    assert not market.state.held
    store(parts, market)
    assert not any(key.startswith(PREFIX) for key in parts)


def test_a_market_that_starts_over_or_is_healed_forgets_what_it_held() -> None:
    market, parts = waiting(60), dict[str, bytes]()
    store(parts, market)
    market.heal((START + 20) * SECOND_MS)
    store(parts, market)
    assert max(restored(parts).held) == START + 20
    hold(market, range(START + 21, START + 400))
    store(parts, market)
    assert market.state.packed
    market.heal((START + 30) * SECOND_MS)
    assert market.newest_ms() == (START + 30) * SECOND_MS
    store(parts, market)
    assert max(restored(parts).held) == START + 30
    market.start_over()
    store(parts, market)
    assert not restored(parts).held
    assert not any(key.startswith(PREFIX) for key in parts)


@pytest.mark.parametrize("damage", [None, b"", b"\x63", b"\x01{"])
def test_a_part_that_is_missing_or_unreadable_is_an_error_of_the_snapshot(
    damage: bytes | None,
) -> None:
    parts = market_changes(waiting(60).state)
    key = next(key for key in parts if key.startswith(PREFIX))
    del parts[key]
    if damage is not None:
        parts[key] = damage
    with pytest.raises(SnapshotError):
        restored(parts)
