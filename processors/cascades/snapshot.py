"""The state of one asset as bytes and back, exactly.

The form is JSON arrays behind a version: quick to write (it is written with every batch that
touches the asset) and readable in an emergency. Running sums are not stored but made again.
Money is text, for a sum may outgrow the 64 bits of JSON integers.
"""

from decimal import Decimal
from typing import Any

import orjson

from processors.cascades.entry import Entry
from processors.cascades.score import Assessment
from processors.cascades.state import AssetState, Lane, OpenCascade
from processors.cascades.tally import PricePoint, Tally
from processors.cascades.window import TrailingWindow
from schemas.codec import decimal_text
from schemas.records import ScoreParts
from schemas.vocabulary import Side

SNAPSHOT_VERSION = 1


class SnapshotError(ValueError):
    """The bytes are not a snapshot that this version understands."""


def to_bytes(state: AssetState) -> bytes:
    """Write the state of an asset."""
    return orjson.dumps(
        [
            SNAPSHOT_VERSION,
            state.clock_ms,
            [state.duplicates, state.late, state.implausible, state.future],
            [state.clock_ms - clock_ms for clock_ms, _ in state.recent_ids.sightings],
            [event_id for _, event_id in state.recent_ids.sightings],
            _pack_lane(state.longs),
            _pack_lane(state.shorts),
        ]
    )


def from_bytes(data: bytes, window_ms: int) -> AssetState:
    """Read a state back, for windows of `window_ms`.

    With another width than the state was written under, events that the new width still covers
    stay in the window.

    Raises:
        SnapshotError: not a snapshot, or one of another version.
    """
    try:
        document = orjson.loads(data)
        version = document[0]
        if version != SNAPSHOT_VERSION:
            raise SnapshotError(f"snapshot version {version}, expected {SNAPSHOT_VERSION}")
        _, clock_ms, counts, ages, event_ids, longs, shorts = document
        duplicates, late, implausible, future = counts
        state = AssetState(
            longs=_unpack_lane(longs, window_ms),
            shorts=_unpack_lane(shorts, window_ms),
            clock_ms=clock_ms,
            duplicates=duplicates,
            late=late,
            implausible=implausible,
            future=future,
        )
        for age_ms, event_id in zip(ages, event_ids, strict=True):
            state.recent_ids.add(clock_ms - age_ms, event_id)
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise SnapshotError(f"not a detector snapshot: {error}") from error
    return state


def _pack_lane(lane: Lane) -> list[Any]:
    window = lane.window
    return [
        window.newest_ms,
        lane.ended_until_ms,
        [_pack_entry(entry, window.newest_ms) for entry in window.entries],
        None if lane.cascade is None else _pack_cascade(lane.cascade),
    ]


def _unpack_lane(packed: list[Any], window_ms: int) -> Lane:
    newest_ms, ended_until_ms, entries, cascade = packed
    window = TrailingWindow(window_ms)
    window.newest_ms = newest_ms
    for entry in entries:
        window.add(_unpack_entry(entry, newest_ms))
    return Lane(window, None if cascade is None else _unpack_cascade(cascade), ended_until_ms)


def _pack_entry(entry: Entry, newest_ms: int) -> list[Any]:
    return [
        newest_ms - entry.timestamp_ms,
        entry.event_id,
        str(entry.micro_usd),
        decimal_text(entry.price),
        entry.exchange,
        entry.symbol,
        entry.events,
    ]


def _unpack_entry(packed: list[Any], newest_ms: int) -> Entry:
    age_ms, event_id, micro_usd, price, exchange, symbol, events = packed
    return Entry(
        newest_ms - age_ms, event_id, int(micro_usd), Decimal(price), exchange, symbol, events
    )


def _pack_cascade(cascade: OpenCascade) -> list[Any]:
    peak, parts = cascade.peak, cascade.peak.parts
    return [
        cascade.cascade_id,
        cascade.detector,
        cascade.asset,
        cascade.side,
        cascade.started_at_ms,
        cascade.last_hot_ms,
        _pack_tally(cascade.confirmed),
        _pack_tally(cascade.pending),
        [peak.risk_score, peak.basic_risk_score, peak.long_ratio],
        [parts.speed, parts.volume, parts.imbalance, parts.concentration, parts.breadth],
        cascade.basic_peak,
    ]


def _unpack_cascade(packed: list[Any]) -> OpenCascade:
    (
        cascade_id,
        detector,
        asset,
        side,
        started_at_ms,
        last_hot_ms,
        confirmed,
        pending,
        (risk_score, basic_risk_score, long_ratio),
        parts,
        basic_peak,
    ) = packed
    return OpenCascade(
        cascade_id=cascade_id,
        detector=detector,
        asset=asset,
        side=Side(side),
        started_at_ms=started_at_ms,
        last_hot_ms=last_hot_ms,
        confirmed=_unpack_tally(confirmed),
        pending=_unpack_tally(pending),
        peak=Assessment(risk_score, ScoreParts(*parts), basic_risk_score, long_ratio),
        basic_peak=basic_peak,
    )


def _pack_tally(tally: Tally) -> list[Any]:
    return [
        tally.count,
        str(tally.micro_usd),
        _pack_point(tally.first),
        _pack_point(tally.last),
        [[str(minus_micro_usd), event_id] for minus_micro_usd, event_id in tally.largest],
        sorted(tally.exchanges),
        sorted(tally.symbols),
    ]


def _unpack_tally(packed: list[Any]) -> Tally:
    count, micro_usd, first, last, largest, exchanges, symbols = packed
    return Tally(
        count=count,
        micro_usd=int(micro_usd),
        first=_unpack_point(first),
        last=_unpack_point(last),
        largest=[(int(minus_micro_usd), event_id) for minus_micro_usd, event_id in largest],
        exchanges=set(exchanges),
        symbols=set(symbols),
    )


def _pack_point(point: PricePoint | None) -> list[Any] | None:
    return None if point is None else [point[0], point[1], decimal_text(point[2])]


def _unpack_point(packed: list[Any] | None) -> PricePoint | None:
    return None if packed is None else (packed[0], packed[1], Decimal(packed[2]))
