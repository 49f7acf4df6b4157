"""Lossless serialization of detector states.

`snapshot_fields` declares the stored fields, `snapshot_frame` the format of the bytes. The version
number rises when an older release would misread the fields, not when a field is added.
`snapshot_before` reads earlier versions. State of a version without a reader is rebuilt from the
log (`stages.rebuilding`).
"""

import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from liq.processors.cascades.asset import SIDES, AssetState
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.held_packing import (
    all_held,
    blocks_of,
    pack_far_blocks,
    read_held,
    restore_block,
    weight_of,
    write_block,
    write_held,
)
from liq.processors.cascades.held_parts import key_of
from liq.processors.cascades.known_beats import Pair
from liq.processors.cascades.market import MarketState
from liq.processors.cascades.rules import LaneRules
from liq.processors.cascades.snapshot_before import (
    asset_of_5,
    asset_of_6,
    beats_of_1,
    core_of_7,
    market_of_5_or_6,
)
from liq.processors.cascades.snapshot_codec import rows
from liq.processors.cascades.snapshot_fields import (
    ASSET_FIELDS,
    EXCITATIONS,
    KNOWN_CASCADES,
    MARKET_FIELDS,
    read_lanes,
    read_recent_ids,
    write_lanes,
    write_recent_ids,
)
from liq.processors.cascades.snapshot_frame import (
    Reader,
    SnapshotError,
    pack,
    unchanged,
    unpack,
)
from liq.schemas.codec import DecodeError
from liq.schemas.vocabulary import Side

ASSET_VERSION: Final = 7
#: A whole market, or its core, which names the slots of the chunks of `KnownBeats` instead.
MARKET_VERSION: Final = 8
#: A core whose held seconds are stored apart, in blocks.
PARTED_MARKET_VERSION: Final = 9
BEATS_VERSION: Final = 2
#: With more held beats than this, held seconds are stored apart. An alert counts as twenty beats.
MAX_HELD_IN_CORE: Final = 4_000
#: The last market version of releases in which the market's stage published the alerts of assets.
LAST_THAT_PUBLISHES_ASSETS: Final = 5
MARKET: Final = "market"
UNREADABLE: Final = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    zlib.error,
    DecodeError,
)


#: Readers that convert the content of each version to that of the newest.
ASSET_READERS: Final[Mapping[int, Reader]] = {
    5: asset_of_5,
    6: asset_of_6,
    ASSET_VERSION: unchanged,
}
MARKET_READERS: Final[Mapping[int, Reader]] = {
    5: market_of_5_or_6,
    6: market_of_5_or_6,
    7: core_of_7,
    MARKET_VERSION: unchanged,
    PARTED_MARKET_VERSION: unchanged,
}
BEATS_READERS: Final[Mapping[int, Reader]] = {1: beats_of_1, BEATS_VERSION: unchanged}


def asset_to_bytes(state: AssetState) -> bytes:
    """Serialize the state of an asset."""
    content = {
        "lanes": write_lanes(state.lanes),
        "recent_ids": write_recent_ids(state.recent_ids, state.tick),
        "excitations": EXCITATIONS.write(state.excitations[side] for side in SIDES),
        **ASSET_FIELDS.write(state),
    }
    return pack(ASSET_VERSION, content)


def asset_from_bytes(data: bytes, rules: LaneRules) -> AssetState:
    """Deserialize the state of an asset.

    If the window has changed since the state was written, the state keeps what the new one covers.

    Raises:
        SnapshotError: not a snapshot, or one of another version.
    """
    try:
        stored = unpack(data, ASSET_READERS)
        state: AssetState = ASSET_FIELDS.fill(AssetState(rules), stored)
        state.recent_ids = read_recent_ids(stored["recent_ids"], state.tick)
        state.lanes = read_lanes(stored["lanes"], rules)
        gauges = [state.excitations[side] for side in SIDES]
        EXCITATIONS.fill(gauges, stored["excitations"])
    except SnapshotError:
        raise
    except UNREADABLE as error:
        raise SnapshotError(f"not a detector snapshot: {error!r}") from error
    return state


def market_to_bytes(state: MarketState) -> bytes:
    """Serialize the whole state of the market."""
    content = {
        **_market_content(state),
        "held": write_held(all_held(state)),
        "beats": _write_beats(state.beats.items()),
    }
    return pack(MARKET_VERSION, content)


def market_changes(state: MarketState) -> dict[str, bytes]:
    """Serialize what has changed since the last call, by key; the core is always the last item.

    The records must be stored in this order. After them, the keys of `held_parts.take_stale` may be
    deleted.
    """
    beats = state.beats
    changes = {}
    for number in sorted(beats.changed):
        beats.slots[number] = 3 - beats.slots[number] if beats.slots[number] else 1
        key = _beats_key(number, beats.slots[number])
        changes[key] = pack(BEATS_VERSION, _write_beats(beats.chunks[number].items()))
    beats.changed.clear()
    core = {**_market_content(state), "beat_slots": beats.slots}
    parts = state.held_parts
    if weight_of(state) <= MAX_HELD_IN_CORE:
        for number in list(state.packed):
            state.unpack(number)
        parts.write_none()
        core["held"] = write_held(state.held)
        changes[MARKET] = pack(MARKET_VERSION, core)
    else:
        blocks = blocks_of(state)
        written = {
            number: write_block(state, blocks, number) for number in parts.write(blocks.numbers)
        }
        pack_far_blocks(state, blocks, written)
        changes |= {key_of(number, parts.slots[number]): data for number, data in written.items()}
        core["held"] = []
        core["held_slots"] = {str(block): slot for block, slot in sorted(parts.slots.items())}
        changes[MARKET] = pack(PARTED_MARKET_VERSION, core)
    return changes


def market_from_bytes(data: bytes, config: DetectorConfig, sources: Iterable[int]) -> MarketState:
    """Deserialize the whole state of the market; sources missing in it start at second 0.

    Raises:
        SnapshotError: not a snapshot, one of another version, or a core without its beats.
    """
    return market_from_parts({MARKET: data}, config, sources)


def market_from_parts(
    parts: Mapping[str, bytes], config: DetectorConfig, sources: Iterable[int]
) -> MarketState:
    """Deserialize what `market_changes` wrote (the newest record of each key), or a whole state.

    Raises:
        SnapshotError: not a snapshot, one of another version, or a part is missing.
    """
    try:
        stored = unpack(parts[MARKET], MARKET_READERS)
        state = _read_market(stored, config, sources)
        if "beats" in stored:
            _read_beats(state, stored["beats"])
            return state
        for block, slot in stored.get("held_slots", {}).items():
            restore_block(state, int(block), parts[key_of(int(block), slot)])
            state.held_parts.slots[int(block)] = slot
        state.held_parts.find_stale(parts)
        state.beats.slots = stored["beat_slots"]
        for number, slot in enumerate(state.beats.slots):
            if slot:
                chunk = unpack(parts[_beats_key(number, slot)], BEATS_READERS)
                _read_beats(state, chunk)
        state.beats.changed.clear()
    except SnapshotError:
        raise
    except UNREADABLE as error:
        raise SnapshotError(f"not a market snapshot: {error!r}") from error
    return state


def publishes_alerts_of_assets(market: bytes) -> bool:
    """Return whether the release that wrote a market's snapshot published the alerts in it."""
    return market[:1] == bytes([LAST_THAT_PUBLISHES_ASSETS])


def _market_content(state: MarketState) -> dict[str, Any]:
    exchanges = sorted(state.exchanges)
    return {
        "lanes": write_lanes(state.lanes),
        "sources": {str(source): second for source, second in sorted(state.sources.items())},
        "cascades": {
            "cascade_id": list(state.cascades),
            **KNOWN_CASCADES.write(state.cascades.values()),
        },
        "recent": list(state.recent),
        "exchanges": {
            "side": [side for side, _ in exchanges],
            "name": [name for _, name in exchanges],
            "tick": list(map(state.exchanges.__getitem__, exchanges)),
        },
        **MARKET_FIELDS.write(state),
    }


def _read_market(
    stored: Mapping[str, Any], config: DetectorConfig, sources: Iterable[int]
) -> MarketState:
    """Read everything but the beats."""
    state: MarketState = MARKET_FIELDS.fill(MarketState(config, sources), stored)
    for source, second in stored["sources"].items():
        if int(source) in state.sources:
            state.sources[int(source)] = second
    state.lanes = read_lanes(stored["lanes"], config.market_rules)
    known = dict(stored["cascades"])
    names = known.pop("cascade_id")
    state.cascades = dict(zip(names, KNOWN_CASCADES.read(known), strict=True))
    state.recent.extend(stored["recent"])
    state.held = read_held(stored["held"])
    state.exchanges = {
        (Side(row["side"]), row["name"]): row["tick"] for row in rows(stored["exchanges"])
    }
    return state


def _beats_key(number: int, slot: int) -> str:
    return f"beats:{number}:{slot}"


def _write_beats(items: Iterable[tuple[Pair, int]]) -> dict[str, list[Any]]:
    pairs = list(items)
    return {
        "base": [base for (base, _), _ in pairs],
        "side": [side for (_, side), _ in pairs],
        "tick": [tick for _, tick in pairs],
    }


def _read_beats(state: MarketState, stored: Mapping[str, Any]) -> None:
    for row in rows(stored):
        state.beats.take(row["base"], Side(row["side"]), row["tick"])
