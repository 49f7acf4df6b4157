"""Snapshots that earlier releases wrote in the middle of a cascade, read by this one.

Each file has the states that a release stored after `CUT` events of `tape`, in the middle of
cascades of assets and of the market, as base64: the release of that commit, or the first one that
wrote these versions. A file stays as it is; a new version of the snapshots adds one.
"""

from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from liq.processors.cascades import CascadeEngine, DetectorConfig, snapshot
from liq.processors.cascades.market import MarketState
from liq.processors.cascades.partition import OFFSET, PartitionDetector
from liq.processors.cascades.snapshot_frame import unpack
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType, Caveat, Scope, Side
from tests.support.cascade_events import liquidation

FILES = sorted((Path(__file__).parent / "snapshots").glob("*.json"))
NEWEST = (snapshot.ASSET_VERSION, snapshot.MARKET_VERSION)
ASSETS, SECONDS, CUT = 12, 60, 420
CONFIG = DetectorConfig()


def tape() -> list[Liquidation]:
    """A minute in which longs of a dozen assets are liquidated, and those of A0 twice a second."""
    events = [
        liquidation(
            f"{second * 100 + number:032x}",
            second * 1_000 + number * 10,
            base=f"A{number}",
            exchange=("binance", "bybit", "okx")[(second + number) % 3],
            value_usd="9000",
        )
        for second in range(SECONDS)
        for number in range(ASSETS)
    ]
    events += [
        liquidation(f"{1_000_000 + number:032x}", number * 500 + 5, base="A0", value_usd="40000")
        for number in range(2 * SECONDS)
    ]
    return sorted(events, key=lambda event: event.received_at_ms)


@dataclass(frozen=True)
class Stored:
    """What a release stored, and when each open cascade began, in ms.

    `is_rebuilt`: the state was marked as rebuilt.
    """

    assets: dict[str, bytes]
    market: dict[str, bytes]
    clock_ms: int
    started: dict[str, int]
    is_rebuilt: bool

    def engine(self) -> CascadeEngine:
        engine = CascadeEngine(CONFIG)
        assert engine.partition.restore(self.assets, self.clock_ms) == {}
        engine.market.state = self.market_state()
        return engine

    def market_state(self) -> MarketState:
        return snapshot.market_from_parts(self.market, CONFIG, [0])

    def versions(self) -> set[tuple[int, int]]:
        market = self.market[snapshot.MARKET][0]
        return {(data[OFFSET.size], market) for data in self.assets.values()}


def read(path: Path) -> Stored:
    content: dict[str, Any] = orjson.loads(path.read_bytes())
    return Stored(
        {name: b64decode(data) for name, data in content["assets"].items()},
        {name: b64decode(data) for name, data in content["market"].items()},
        content["clock_ms"],
        content["started"],
        content["is_rebuilt"],
    )


def stored_assets(partition: PartitionDetector) -> dict[str, bytes]:
    return {name: data for name, data in partition.touched().items() if data is not None}


def alerts_after(engine: CascadeEngine) -> list[CascadeAlert]:
    """What the rest of the tape brings, and the end of everything."""
    made = [
        alert
        for offset, event in enumerate(tape()[CUT:], CUT)
        for alert in engine.apply(event, offset)
    ]
    return made + engine.finish()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_open_cascades_of_an_earlier_release_go_on_to_their_end(path: Path) -> None:
    stored = read(path)
    made = alerts_after(stored.engine())
    ended = {
        (alert.asset or "market"): alert
        for alert in made
        if alert.type is AlertType.ENDED and (alert.asset or "market") in stored.started
    }
    assert ended.keys() == stored.started.keys() > {"A0", "market"}
    assert not any(alert.type is AlertType.DETECTED for alert in made if alert.asset == "A0")
    for name, end in ended.items():
        whole = [event for event in tape() if end.scope is Scope.MARKET or event.base == name]
        assert end.started_at_ms == stored.started[name]
        assert end.side is Side.LONG
        assert end.event_count == len(whole)
        assert end.total_value_usd == sum(event.value_usd for event in whole)
        assert end.sequence > 0
        assert (end.caveat is Caveat.REBUILT) is stored.is_rebuilt


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_was_read_is_written_and_read_without_a_difference(path: Path) -> None:
    engine = read(path).engine()
    for name, asset in engine.partition._assets.items():
        written = snapshot.asset_to_bytes(asset.state)
        again = snapshot.asset_from_bytes(written, CONFIG.asset_rules(name))
        assert snapshot.asset_to_bytes(again) == written
    parts = snapshot.market_changes(engine.market.state)
    market = snapshot.market_from_parts(read(path).market | parts, CONFIG, [0])
    assert snapshot.market_to_bytes(market) == snapshot.market_to_bytes(engine.market.state)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_repeats_of_what_was_applied_are_known_after_an_upgrade(path: Path) -> None:
    engine = read(path).engine()
    repeated = tape()[CUT - 5 : CUT]
    for offset, event in enumerate(repeated, CUT):
        assert engine.apply(event, offset) == []
    assert engine.partition.left_out.duplicates == len(repeated)


def test_version_5_of_the_market_knows_no_records_to_link() -> None:
    state = read(Path(__file__).parent / "snapshots" / "e5e5d9a.json").market_state()
    assert state.cascades
    assert all(known.is_linked and known.newest is None for known in state.cascades.values())


def test_the_market_published_alerts_of_assets_up_to_version_5() -> None:
    for path in FILES:
        stored = read(path)
        is_older = snapshot.publishes_alerts_of_assets(stored.market[snapshot.MARKET])
        assert is_older is ({market for _, market in stored.versions()} == {5})


def test_every_version_that_is_read_has_a_file() -> None:
    versions = {version for path in FILES for version in read(path).versions()}
    assert {asset for asset, _ in versions} == snapshot.ASSET_READERS.keys()
    assert {market for _, market in versions} == snapshot.MARKET_READERS.keys()
    assert {data[0] for path in FILES for key, data in read(path).market.items() if ":" in key} == (
        snapshot.BEATS_READERS.keys()
    )


@pytest.mark.parametrize(
    "path", [path for path in FILES if NEWEST in read(path).versions()], ids=lambda path: path.stem
)
def test_every_field_that_was_stored_is_one_that_is_declared(path: Path) -> None:
    """A renamed field would be read as its default, or not at all."""
    stored, engine = read(path), read(path).engine()
    for name, asset in engine.partition._assets.items():
        before = unpack(stored.assets[name][OFFSET.size :], snapshot.ASSET_READERS)
        after = unpack(snapshot.asset_to_bytes(asset.state), snapshot.ASSET_READERS)
        assert names(before) <= names(after)
    core = unpack(stored.market[snapshot.MARKET], snapshot.MARKET_READERS)
    core.pop("held_slots", None)  # of version 9, if much is held
    changes = snapshot.market_changes(engine.market.state)
    assert names(core) <= names(unpack(changes[snapshot.MARKET], snapshot.MARKET_READERS))


def names(content: Any, path: str = "") -> set[str]:
    """The paths of all fields."""
    if isinstance(content, dict):
        return {path}.union(*(names(item, f"{path}.{key}") for key, item in content.items()))
    if isinstance(content, list):
        return {path}.union(*(names(item, path) for item in content))
    return {path}
