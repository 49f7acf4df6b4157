"""States as bytes and back, exactly.

The form is JSON arrays behind a version: quick to write (it is written with every batch that
touches an asset) and readable in an emergency. Running sums are not stored but made again. Money
is text where a sum may outgrow the 64 bits of JSON integers. Floats come back as they were.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import orjson

from processors.cascades.asset import SIDES, AssetState
from processors.cascades.baseline import Baseline
from processors.cascades.beat import Beat, News
from processors.cascades.cascade import Moment, OpenCascade
from processors.cascades.config import DetectorConfig
from processors.cascades.excitation import Excitation
from processors.cascades.lane import Lane
from processors.cascades.market import KnownCascade, MarketState, RunningMarket
from processors.cascades.ring import Bucket, PricePoint
from processors.cascades.risk import Parts
from processors.cascades.rules import LaneRules
from processors.cascades.surprise import Surprise
from processors.cascades.totals import GroupTotal, Totals
from schemas.codec import DecodeError, decimal_text, decode, encode
from schemas.records import CascadeAlert
from schemas.vocabulary import Side

SNAPSHOT_VERSION = 4


class SnapshotError(ValueError):
    """The bytes are not a snapshot that this version understands."""


def asset_to_bytes(state: AssetState) -> bytes:
    """Write the state of an asset."""
    return orjson.dumps(
        [
            SNAPSHOT_VERSION,
            state.tick,
            state.seen,
            [[state.tick - tick, event_id] for tick, event_id in state.recent_ids.sightings],
            [[side, _pack_news(news)] for side, news in sorted(state.news.items())],
            [_pack_lane(state.lanes[side]) for side in SIDES],
            [_pack_excitation(state.excitations[side]) for side in SIDES],
        ]
    )


def asset_from_bytes(data: bytes, rules: LaneRules) -> AssetState:
    """Read the state of an asset back.

    With another window than the state was written under, what the new one covers stays in it.

    Raises:
        SnapshotError: not a snapshot, or one of another version.
    """
    try:
        tick, seen, sightings, news, lanes, excitations = _versioned(data)
        state = AssetState(rules)
        state.tick, state.seen = tick, seen
        for age, event_id in sightings:
            state.recent_ids.add(tick - age, event_id)
        state.news = {Side(side): _unpack_news(packed) for side, packed in news}
        for side, lane, excitation in zip(SIDES, lanes, excitations, strict=True):
            state.lanes[side] = _unpack_lane(lane, rules)
            state.excitations[side] = _unpack_excitation(excitation)
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise SnapshotError(f"not a detector snapshot: {error}") from error
    return state


def market_to_bytes(state: MarketState) -> bytes:
    """Write the state of the market."""
    return orjson.dumps(
        [
            SNAPSHOT_VERSION,
            state.decided,
            sorted(state.sources.items()),
            [_pack_lane(state.lanes[side]) for side in SIDES],
            [
                [side, market.cascade_id, market.children]
                for side, market in sorted(state.running.items())
            ],
            [
                [name, known.side, known.parent_id, known.sequence, known.is_open]
                for name, known in state.cascades.items()
            ],
            list(state.recent),
            [
                [
                    tick,
                    [_pack_beat(beat) for beat in beats],
                    [encode(alert).decode() for alert in alerts],
                ]
                for tick, (beats, alerts) in sorted(state.held.items())
            ],
            [[base, side, tick] for (base, side), tick in sorted(state.beat_ticks.items())],
            [[side, name, tick] for (side, name), tick in sorted(state.exchanges.items())],
        ]
    )


def market_from_bytes(data: bytes, config: DetectorConfig, sources: Iterable[int]) -> MarketState:
    """Read the state of the market back; sources that it did not know start from nothing.

    Raises:
        SnapshotError: not a snapshot, or one of another version.
    """
    try:
        (
            decided,
            known_sources,
            lanes,
            running,
            cascades,
            recent,
            held,
            beat_ticks,
            exchanges,
        ) = _versioned(data)
        state = MarketState(config, sources)
        state.decided = decided
        state.sources.update(
            (source, second) for source, second in known_sources if source in state.sources
        )
        for side, lane in zip(SIDES, lanes, strict=True):
            state.lanes[side] = _unpack_lane(lane, config.market_rules)
        state.running = {
            Side(side): RunningMarket(name, children) for side, name, children in running
        }
        state.cascades = {
            name: KnownCascade(Side(side), parent_id, sequence, is_open)
            for name, side, parent_id, sequence, is_open in cascades
        }
        state.recent.extend(recent)
        state.held = {
            tick: (
                [_unpack_beat(beat) for beat in beats],
                [decode(CascadeAlert, alert.encode()) for alert in alerts],
            )
            for tick, beats, alerts in held
        }
        state.beat_ticks = {(base, Side(side)): tick for base, side, tick in beat_ticks}
        state.exchanges = {(Side(side), name): tick for side, name, tick in exchanges}
    except (ValueError, TypeError, LookupError, ArithmeticError, DecodeError) as error:
        raise SnapshotError(f"not a market snapshot: {error}") from error
    return state


def _versioned(data: bytes) -> list[Any]:
    document = orjson.loads(data)
    if document[0] != SNAPSHOT_VERSION:
        raise SnapshotError(f"snapshot version {document[0]}, expected {SNAPSHOT_VERSION}")
    content: list[Any] = document[1:]
    return content


def _pack_lane(lane: Lane) -> list[Any]:
    ring, baseline = lane.ring, lane.baseline
    return [
        ring.now,
        [_pack_bucket(bucket, ring.now) for bucket in ring.buckets],
        [
            baseline.first_second,
            baseline.held,
            baseline.held_cents,
            baseline.held_cells,
            baseline.held_squares,
            baseline.held_at,
            baseline.block,
            baseline.block_tenths,
            baseline.block_cents,
        ],
        [ring.tick_tenths, ring.tick_cents, lane.watched],
        None if lane.cascade is None else _pack_cascade(lane.cascade),
    ]


def _unpack_lane(packed: list[Any], rules: LaneRules) -> Lane:
    now, buckets, baseline, tick, cascade = packed
    lane = Lane(rules)
    lane.ring.restore(now, [_unpack_bucket(bucket, now) for bucket in buckets])
    lane.baseline = _unpack_baseline(baseline)
    lane.ring.tick_tenths, lane.ring.tick_cents, lane.watched = tick
    lane.cascade = None if cascade is None else _unpack_cascade(cascade)
    return lane


def _unpack_baseline(packed: list[Any]) -> Baseline:
    baseline = Baseline()
    (
        baseline.first_second,
        baseline.held,
        baseline.held_cents,
        baseline.held_cells,
        baseline.held_squares,
        baseline.held_at,
        baseline.block,
        baseline.block_tenths,
        baseline.block_cents,
    ) = packed
    return baseline


def _pack_bucket(bucket: Bucket, now: int) -> list[Any]:
    sums = [now - bucket.second, bucket.weight, bucket.count, str(bucket.cents), bucket.complete]
    if bucket.top is None:
        return sums
    return [
        *sums,
        [[*cell, str(cents)] for cell, cents in sorted(bucket.cells.items())],
        _pack_point(bucket.first),
        _pack_point(bucket.last),
        _pack_top(bucket.top),
    ]


def _unpack_bucket(packed: list[Any], now: int) -> Bucket:
    age, weight, count, cents, complete, *details = packed
    bucket = Bucket(now - age, weight, count, int(cents), complete, {}, None, None)
    if details:
        cells, first, last, top = details
        bucket.cells = {(group, symbol, part): int(cents) for group, symbol, part, cents in cells}
        bucket.first, bucket.last = _unpack_point(first), _unpack_point(last)
        bucket.top = _unpack_top(top)
    return bucket


def _pack_cascade(cascade: OpenCascade) -> list[Any]:
    return [
        cascade.onset,
        cascade.started,
        cascade.last_hot,
        _pack_moment(cascade.peak),
        cascade.level,
        cascade.told,
        cascade.updated,
        cascade.changed,
        cascade.sequence,
        cascade.late,
        cascade.generations,
        cascade.first_generation,
        str(cascade.peak_second_cents),
        str(cascade.peak_short_cents),
        str(cascade.peak_window_cents),
        _pack_totals(cascade.totals),
        _pack_totals(cascade.pending),
    ]


def _unpack_cascade(packed: list[Any]) -> OpenCascade:
    return OpenCascade(
        onset=packed[0],
        started=packed[1],
        last_hot=packed[2],
        peak=_unpack_moment(packed[3]),
        level=packed[4],
        told=packed[5],
        updated=packed[6],
        changed=packed[7],
        sequence=packed[8],
        late=packed[9],
        generations=packed[10],
        first_generation=packed[11],
        peak_second_cents=int(packed[12]),
        peak_short_cents=int(packed[13]),
        peak_window_cents=int(packed[14]),
        totals=_unpack_totals(packed[15]),
        pending=_unpack_totals(packed[16]),
    )


def _pack_moment(moment: Moment) -> list[Any]:
    return [
        moment.tick,
        moment.score,
        list(moment.parts),
        moment.basic,
        list(moment.surprise),
        moment.rate,
        str(moment.cents),
        moment.count,
        str(moment.other_cents),
        moment.short_weight,
    ]


def _unpack_moment(packed: list[Any]) -> Moment:
    tick, score, parts, basic, surprise, rate, cents, count, other_cents, short_weight = packed
    return Moment(
        tick=tick,
        score=score,
        parts=Parts(*parts),
        basic=basic,
        surprise=Surprise(*surprise),
        rate=rate,
        cents=int(cents),
        count=count,
        other_cents=int(other_cents),
        short_weight=short_weight,
    )


def _pack_totals(totals: Totals) -> list[Any]:
    return [
        totals.count,
        str(totals.cents),
        totals.cells,
        totals.complete,
        _pack_point(totals.first),
        _pack_point(totals.last),
        [_pack_top(item) for item in totals.largest],
        [
            [name, total.first, total.cells, str(total.cents)]
            for name, total in totals.groups.items()
        ],
        sorted(totals.symbols),
    ]


def _unpack_totals(packed: list[Any]) -> Totals:
    count, cents, cells, complete, first, last, largest, groups, symbols = packed
    return Totals(
        count=count,
        cents=int(cents),
        cells=cells,
        complete=complete,
        first=_unpack_point(first),
        last=_unpack_point(last),
        largest=[_unpack_top(item) for item in largest],
        groups={name: GroupTotal(first, count, int(value)) for name, first, count, value in groups},
        symbols=set(symbols),
    )


def _pack_news(news: News) -> list[Any]:
    return [
        [[second, count, str(cents)] for second, count, cents in sorted(news.slices.values())],
        sorted(news.exchanges),
        sorted(news.complete_ms),
        _pack_top(news.top),
    ]


def _unpack_news(packed: list[Any]) -> News:
    slices, exchanges, complete_ms, top = packed
    news = News()
    news.slices = {second: (second, count, int(cents)) for second, count, cents in slices}
    news.exchanges = set(exchanges)
    news.complete_ms = complete_ms
    news.top = _unpack_top(top)
    return news


def _pack_beat(beat: Beat) -> list[Any]:
    return [
        beat.base,
        beat.side,
        beat.tick,
        [[second, count, str(cents)] for second, count, cents in beat.slices],
        list(beat.exchanges),
        beat.complete,
        _pack_top(beat.top),
    ]


def _unpack_beat(packed: list[Any]) -> Beat:
    base, side, tick, slices, exchanges, complete, top = packed
    return Beat(
        base,
        Side(side),
        tick,
        tuple((second, count, int(cents)) for second, count, cents in slices),
        tuple(exchanges),
        complete,
        _unpack_top(top),
    )


def _pack_excitation(gauge: Excitation) -> list[Any]:
    return [
        gauge.fast_branching,
        gauge.slow_branching,
        gauge.fast_memory,
        gauge.slow_memory,
        gauge.background,
        gauge.exposure,
        gauge.last,
        gauge.events,
    ]


def _unpack_excitation(packed: list[Any]) -> Excitation:
    gauge = Excitation()
    (
        gauge.fast_branching,
        gauge.slow_branching,
        gauge.fast_memory,
        gauge.slow_memory,
        gauge.background,
        gauge.exposure,
        gauge.last,
        gauge.events,
    ) = packed
    return gauge


def _pack_point(point: PricePoint | None) -> list[Any] | None:
    return None if point is None else [point[0], decimal_text(point[1])]


def _unpack_point(packed: list[Any] | None) -> PricePoint | None:
    return None if packed is None else (packed[0], Decimal(packed[1]))


def _pack_top(top: tuple[int, str]) -> list[str]:
    return [str(top[0]), top[1]]


def _unpack_top(packed: list[str]) -> tuple[int, str]:
    return int(packed[0]), packed[1]
