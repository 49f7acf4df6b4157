"""States as bytes and back, exactly.

A byte says the version; behind it are JSON arrays (see `snapshot_parts`), deflated: a state is
written with every batch that touches its asset, and most of it is repeated names and small numbers.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import orjson

from liq.processors.cascades.asset import SIDES, AssetState
from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.market import KnownCascade, MarketState, RunningMarket
from liq.processors.cascades.rules import LaneRules
from liq.processors.cascades.snapshot_parts import (
    pack_beat,
    pack_excitation,
    pack_lane,
    pack_news,
    unpack_beat,
    unpack_excitation,
    unpack_lane,
    unpack_news,
)
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import Side

ASSET_VERSION = 5
# Version 6 is written only while a cascade is open whose state was rebuilt.
ASSET_VERSION_REBUILT = 6
MARKET_VERSION = 6
MARKET_VERSION_BEFORE = 5
# The market in parts: its core, and chunks of `KnownBeats`.
CORE_VERSION = 7
BEATS_VERSION = 1
MARKET = "market"
# Version 5 has neither `is_linked` nor `newest`: a cascade's own records named its parent.
WITHOUT_LINK = (True, None)
# Versions 1 to 4 were plain JSON and began with its bracket.
PLAIN_JSON = ord("[")
DEFLATE_LEVEL = 6
DIGITS_SEPARATOR = ","
# What 4 MiB, the largest record, may unpack to: some thousand-fold more is a bomb.
MAX_PLAIN_BYTES = 256 * 1024 * 1024
UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    zlib.error,
)

Reader = Callable[[list[Any]], list[Any]]


class SnapshotError(ValueError):
    """The bytes are not a snapshot that this version understands."""


def asset_to_bytes(state: AssetState) -> bytes:
    """Write the state of an asset."""
    return _packed(
        ASSET_VERSION_REBUILT if state.is_rebuilt else ASSET_VERSION,
        [
            state.tick,
            state.seen,
            [
                [state.tick - tick, _joined_digits(together)]
                for tick, together in groupby(state.recent_ids.sightings, key=itemgetter(0))
            ],
            [[side, pack_news(news)] for side, news in sorted(state.news.items())],
            [pack_lane(state.lanes[side]) for side in SIDES],
            [pack_excitation(state.excitations[side]) for side in SIDES],
        ],
    )


def asset_from_bytes(data: bytes, rules: LaneRules) -> AssetState:
    """Read the state of an asset back.

    With another window than the state was written under, what the new one covers stays in it.

    Raises:
        SnapshotError: not a snapshot, or one of another version.
    """
    try:
        content = _unpacked(data, ASSET_READERS)
        tick, seen, sightings, news, lanes, excitations = content
        state = AssetState(rules)
        state.tick, state.seen = tick, seen
        state.is_rebuilt = data[0] == ASSET_VERSION_REBUILT
        for age, together in sightings:
            for digits in together.split(DIGITS_SEPARATOR):
                state.recent_ids.add(tick - age, digits)
        state.news = {Side(side): unpack_news(packed) for side, packed in news}
        for side, lane, excitation in zip(SIDES, lanes, excitations, strict=True):
            state.lanes[side] = unpack_lane(lane, rules)
            state.excitations[side] = unpack_excitation(excitation)
    except UNREADABLE as error:
        raise SnapshotError(f"not a detector snapshot: {error}") from error
    return state


def market_to_bytes(state: MarketState) -> bytes:
    """Write the state of the market as a whole."""
    return _packed(MARKET_VERSION, _market_content(state, _pack_beat_ticks(state.beats.items())))


def market_changes(state: MarketState) -> dict[str, bytes]:
    """Write what has changed since the last call, by key; the core comes last and is always there.

    The records must be stored in this order.
    """
    beats = state.beats
    changes = {}
    for number in sorted(beats.changed):
        beats.slots[number] = 3 - beats.slots[number] if beats.slots[number] else 1
        key = _beats_key(number, beats.slots[number])
        chunk = _pack_beat_ticks(beats.chunks[number].items())
        changes[key] = _packed(BEATS_VERSION, chunk)
    beats.changed.clear()
    changes[MARKET] = _packed(CORE_VERSION, _market_content(state, beats.slots))
    return changes


def market_from_parts(
    parts: Mapping[str, bytes], config: DetectorConfig, sources: Iterable[int]
) -> MarketState:
    """Read back what `market_changes` wrote, the newest of each key, or a whole state.

    Raises:
        SnapshotError: not a snapshot, one of another version, or a part is missing.
    """
    core = parts[MARKET]
    if core[:1] != bytes([CORE_VERSION]):
        return market_from_bytes(core, config, sources)
    state = _market_of(core, config, sources, CORE_READERS)
    try:
        for number, slot in enumerate(state.beats.slots):
            if slot:
                for base, side, tick in _unpacked(parts[_beats_key(number, slot)], BEATS_READERS):
                    state.beats.take(base, Side(side), tick)
    except UNREADABLE as error:
        raise SnapshotError(f"not a part of a market snapshot: {error!r}") from error
    state.beats.changed.clear()
    return state


def _beats_key(number: int, slot: int) -> str:
    return f"beats:{number}:{slot}"


def _pack_beat_ticks(items: Iterable[tuple[tuple[str, Side], int]]) -> list[Any]:
    return [[base, side, tick] for (base, side), tick in items]


def _market_content(state: MarketState, known_beats: list[Any]) -> list[Any]:
    return [
        state.decided,
        sorted(state.sources.items()),
        [pack_lane(state.lanes[side]) for side in SIDES],
        [
            [side, market.cascade_id, market.children, *([True] if market.is_rebuilt else [])]
            for side, market in sorted(state.running.items())
        ],
        [[name, *_pack_cascade(known)] for name, known in state.cascades.items()],
        list(state.recent),
        [
            [
                tick,
                [pack_beat(beat) for beat in beats],
                [encode(alert).decode() for alert in alerts],
            ]
            for tick, (beats, alerts) in sorted(state.held.items())
        ],
        known_beats,
        [[side, name, tick] for (side, name), tick in sorted(state.exchanges.items())],
    ]


def market_from_bytes(data: bytes, config: DetectorConfig, sources: Iterable[int]) -> MarketState:
    """Read the whole state of the market back; sources that it did not know start from nothing.

    Raises:
        SnapshotError: not a snapshot, or one of another version.
    """
    return _market_of(data, config, sources, MARKET_READERS)


def _market_of(
    data: bytes, config: DetectorConfig, sources: Iterable[int], readers: Mapping[int, Reader]
) -> MarketState:
    """Read a whole state of the market, or a core, which has no beats yet."""
    try:
        (
            decided,
            known_sources,
            lanes,
            running,
            cascades,
            recent,
            held,
            known_beats,
            exchanges,
        ) = _unpacked(data, readers)
        state = MarketState(config, sources)
        state.decided = decided
        state.sources.update(
            (source, second) for source, second in known_sources if source in state.sources
        )
        for side, lane in zip(SIDES, lanes, strict=True):
            state.lanes[side] = unpack_lane(lane, config.market_rules)
        state.running = {
            Side(side): RunningMarket(name, children, bool(is_rebuilt))
            for side, name, children, *is_rebuilt in running
        }
        state.cascades = {name: _unpack_cascade(packed) for name, *packed in cascades}
        state.recent.extend(recent)
        state.held = {
            tick: (
                [unpack_beat(beat) for beat in beats],
                [decode(CascadeAlert, alert.encode()) for alert in alerts],
            )
            for tick, beats, alerts in held
        }
        if readers is MARKET_READERS:
            for base, side, tick in known_beats:
                state.beats.take(base, Side(side), tick)
        else:
            state.beats.slots = known_beats
        state.exchanges = {(Side(side), name): tick for side, name, tick in exchanges}
    except (*UNREADABLE, DecodeError) as error:
        raise SnapshotError(f"not a market snapshot: {error}") from error
    return state


def _pack_cascade(known: KnownCascade) -> list[Any]:
    newest = None if known.newest is None else encode(known.newest).decode()
    return [
        known.side,
        known.parent_id,
        known.sequence,
        known.is_open,
        known.is_linked,
        newest,
    ]


def _unpack_cascade(packed: list[Any]) -> KnownCascade:
    side, parent_id, sequence, is_open, *about_link = packed
    is_linked, newest = about_link or WITHOUT_LINK
    return KnownCascade(
        Side(side),
        parent_id,
        sequence,
        is_open,
        is_linked,
        None if newest is None else decode(CascadeAlert, newest.encode()),
    )


def _joined_digits(sightings: Iterable[tuple[int, str]]) -> str:
    return DIGITS_SEPARATOR.join(digits for _, digits in sightings)


def _packed(version: int, content: list[Any]) -> bytes:
    return bytes([version]) + zlib.compress(orjson.dumps(content), DEFLATE_LEVEL)


def _unpacked(data: bytes, readers: Mapping[int, Reader]) -> list[Any]:
    version = data[0]
    reader = readers.get(version)
    if reader is None:
        found = "1 to 4" if version == PLAIN_JSON else str(version)
        raise SnapshotError(
            f"snapshot version {found}, this release reads {' and '.join(map(str, readers))}"
        )
    decompressor = zlib.decompressobj()
    plain = decompressor.decompress(data[1:], MAX_PLAIN_BYTES)
    if not decompressor.eof:
        raise SnapshotError(f"a snapshot that is cut off, or larger than {MAX_PLAIN_BYTES} bytes")
    return reader(orjson.loads(plain))


def _unchanged(content: list[Any]) -> list[Any]:
    return content


#: How the content of each version becomes that of the newest. A new version adds a reader, and
#: a version without one is rebuilt from the log (`stages.rebuilding`).
ASSET_READERS: Final[Mapping[int, Reader]] = {
    ASSET_VERSION: _unchanged,
    ASSET_VERSION_REBUILT: _unchanged,
}
MARKET_READERS: Final[Mapping[int, Reader]] = {
    MARKET_VERSION_BEFORE: _unchanged,
    MARKET_VERSION: _unchanged,
}
CORE_READERS: Final[Mapping[int, Reader]] = {CORE_VERSION: _unchanged}
BEATS_READERS: Final[Mapping[int, Reader]] = {BEATS_VERSION: _unchanged}
