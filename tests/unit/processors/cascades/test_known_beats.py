"""The market's state stays small however many assets there ever were."""

from collections.abc import Mapping
from itertools import count, islice
from zlib import crc32

import pytest

from liq.processors.cascades import DetectorConfig, SnapshotError
from liq.processors.cascades.beat import Beat
from liq.processors.cascades.known_beats import CHUNKS, MAX_PAIRS, KnownBeats
from liq.processors.cascades.market import (
    MAX_EXCHANGES,
    MarketDetector,
    MarketState,
    RunningMarket,
)
from liq.processors.cascades.snapshot import (
    MARKET,
    market_changes,
    market_from_parts,
    market_to_bytes,
)
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import Side

CONFIG = DetectorConfig()
SOURCES = [0]
START = 1_752_833_854


def beat(asset: str, tick: int, exchange: str = "okx") -> Beat:
    return Beat(asset, Side.LONG, tick, ((tick, 1, 100_000),), (exchange,), 1, (-100_000, "e"))


def heard(market: MarketDetector, *beats: Beat) -> None:
    """Take beats in, and judge their seconds."""
    for item in beats:
        market.add(item, item.tick * SECOND_MS, 0)
    market.heartbeat((max(item.tick for item in beats) + 1) * SECOND_MS, 0)


def of_many(count: int) -> MarketDetector:
    market = MarketDetector(CONFIG, SOURCES)
    heard(market, *(beat(f"A{number}", START + number // 1_000) for number in range(count)))
    return market


def restored(parts: Mapping[str, bytes]) -> MarketState:
    return market_from_parts(parts, CONFIG, SOURCES)


def test_a_checkpoint_writes_what_changed_and_not_every_asset() -> None:
    market = of_many(50_000)
    stored = market_changes(market.state)
    assert len(stored) == CHUNKS + 1
    heard(market, beat("A7", START + 600))
    changes = market_changes(market.state)
    assert len(changes) == 2
    assert list(changes)[-1] == MARKET
    assert sum(map(len, changes.values())) < 10_000 < sum(map(len, stored.values()))
    assert market_to_bytes(restored(stored | changes)) == market_to_bytes(market.state)


def test_a_checkpoint_that_was_cut_short_changes_nothing() -> None:
    market = of_many(600)
    stored = market_changes(market.state)
    before = market_to_bytes(restored(stored))
    heard(market, *(beat(f"A{number}", START + 90) for number in range(0, 600, 7)))
    changes = market_changes(market.state)
    for written in range(len(changes)):
        parts = stored | dict(list(changes.items())[:written])
        assert market_to_bytes(restored(parts)) == before
    assert market_to_bytes(restored(stored | changes)) == market_to_bytes(market.state)


def test_a_restored_market_goes_on_in_the_other_slot() -> None:
    market = of_many(10)
    parts = market_changes(market.state)
    for tick in range(START + 60, START + 66):
        market.state = restored(parts)
        heard(market, beat("A3", tick))
        changes = market_changes(market.state)
        assert len(changes) == 2
        cut = dict(list(changes.items())[:1])
        assert market_to_bytes(restored(parts | cut)) == market_to_bytes(restored(parts))
        parts |= changes
    assert len(parts) <= 2 * 10 + 1
    assert restored(parts).beats.take("A3", Side.LONG, START + 65) is False


def test_a_whole_state_of_before_is_read_and_written_in_parts() -> None:
    market = of_many(1_000)
    whole = market_to_bytes(market.state)
    state = restored({MARKET: whole})
    assert market_to_bytes(state) == whole
    parts = market_changes(state)
    assert market_to_bytes(restored(parts)) == whole


@pytest.mark.parametrize("damage", [b"", b"\x09", b"\x01{"])
def test_a_part_that_cannot_be_read_is_an_error_of_the_snapshot(damage: bytes) -> None:
    parts = market_changes(of_many(3).state)
    chunk = next(key for key in parts if key != MARKET)
    with pytest.raises(SnapshotError):
        restored(parts | {chunk: damage})
    del parts[chunk]
    with pytest.raises(SnapshotError):
        restored(parts)


def test_a_market_that_starts_over_forgets_its_beats_in_the_stored_state_too() -> None:
    market = of_many(3)
    stored = market_changes(market.state)
    assert market.start_over() == []
    changes = market_changes(market.state)
    assert market_to_bytes(restored(stored | changes)) == market_to_bytes(market.state)
    assert len(restored(stored | changes).beats) == 0


def test_a_crash_after_a_market_starts_over_leaves_what_was_stored() -> None:
    market = of_many(3)
    stored = market_changes(market.state)
    before = market_to_bytes(restored(stored))
    market.start_over()
    heard(market, beat("A0", START + 600))
    changes = market_changes(market.state)
    del changes[MARKET]
    assert market_to_bytes(restored(stored | changes)) == before


def test_a_core_keeps_that_a_running_cascade_was_rebuilt() -> None:
    market = MarketDetector(CONFIG, SOURCES)
    market.state.running[Side.LONG] = RunningMarket("a", ["b"], is_rebuilt=True)
    market.state.running[Side.SHORT] = RunningMarket("c")
    assert restored(market_changes(market.state)).running == market.state.running


def test_what_was_updated_longest_ago_is_forgotten_first() -> None:
    names = (f"A{number}" for number in count())
    of_one_chunk = (name for name in names if crc32(name.encode()) % CHUNKS == 0)
    first, second, *others = islice(of_one_chunk, MAX_PAIRS + 1)
    beats = KnownBeats()
    for tick, asset in enumerate((first, second, *others[:-1]), 1):
        assert beats.take(asset, Side.LONG, tick)
    assert beats.take(first, Side.LONG, MAX_PAIRS + 1)
    assert beats.take(others[-1], Side.LONG, MAX_PAIRS + 2)
    assert len(beats) == MAX_PAIRS
    known = [asset for (asset, _), _ in beats.items()]
    assert known == [*others[:-1], first, others[-1]]
    assert not beats.take(others[0], Side.LONG, 3)


def test_venues_that_nothing_can_name_any_more_are_forgotten() -> None:
    market = MarketDetector(CONFIG, SOURCES)
    for number in range(1_000):
        heard(market, beat("BTC", START + 10 * number, f"venue{number}"))
        assert len(market.state.exchanges) <= MAX_EXCHANGES + 1
    assert (Side.LONG, "venue999") in market.state.exchanges
