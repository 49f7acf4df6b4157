"""The parts of a detector's state as JSON arrays and back, exactly.

Running sums are not stored but made again. Money is text where a sum may outgrow the 64 bits of
JSON integers. Floats come back as they were.
"""

from decimal import Decimal
from typing import Any

from liq.processors.cascades.baseline import Baseline
from liq.processors.cascades.beat import Beat, News
from liq.processors.cascades.cascade import Moment, OpenCascade
from liq.processors.cascades.excitation import Excitation
from liq.processors.cascades.lane import Lane
from liq.processors.cascades.ring import Bucket, PricePoint
from liq.processors.cascades.risk import Parts
from liq.processors.cascades.rules import LaneRules
from liq.processors.cascades.surprise import Surprise
from liq.processors.cascades.totals import GroupTotal, Totals
from liq.schemas.codec import decimal_text
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import Side


def pack_lane(lane: Lane) -> list[Any]:
    """A lane with its ring, baseline and cascade."""
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


def unpack_lane(packed: list[Any], rules: LaneRules) -> Lane:
    """The lane again; with another window, what the new one covers stays in it."""
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
    points = [bucket.first] if bucket.first == bucket.last else [bucket.first, bucket.last]
    return [
        *sums,
        [[*cell, str(cents)] for cell, cents in sorted(bucket.cells.items())],
        [_pack_point(point, bucket.second * SECOND_MS) for point in points],
        _pack_top(bucket.top),
    ]


def _unpack_bucket(packed: list[Any], now: int) -> Bucket:
    age, weight, count, cents, complete, *details = packed
    bucket = Bucket(now - age, weight, count, int(cents), complete, {}, None, None)
    if details:
        cells, points, top = details
        bucket.cells = {(group, symbol, part): int(cents) for group, symbol, part, cents in cells}
        bucket.first, bucket.last = (
            _unpack_point(points[place], bucket.second * SECOND_MS) for place in (0, -1)
        )
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


def pack_news(news: News) -> list[Any]:
    """What the second at hand has brought."""
    return [
        [[second, count, str(cents)] for second, count, cents in sorted(news.slices.values())],
        sorted(news.exchanges),
        sorted(news.complete_ms),
        _pack_top(news.top),
    ]


def unpack_news(packed: list[Any]) -> News:
    """The news again."""
    slices, exchanges, complete_ms, top = packed
    news = News()
    news.slices = {second: (second, count, int(cents)) for second, count, cents in slices}
    news.exchanges = set(exchanges)
    news.complete_ms = complete_ms
    news.top = _unpack_top(top)
    return news


def pack_beat(beat: Beat) -> list[Any]:
    """A beat that is not judged yet."""
    return [
        beat.base,
        beat.side,
        beat.tick,
        [[second, count, str(cents)] for second, count, cents in beat.slices],
        list(beat.exchanges),
        beat.complete,
        _pack_top(beat.top),
    ]


def unpack_beat(packed: list[Any]) -> Beat:
    """The beat again."""
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


def pack_excitation(gauge: Excitation) -> list[Any]:
    """The gauge of a lane."""
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


def unpack_excitation(packed: list[Any]) -> Excitation:
    """The gauge again."""
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


def _pack_point(point: PricePoint | None, since_ms: int = 0) -> list[Any] | None:
    return None if point is None else [point[0] - since_ms, decimal_text(point[1])]


def _unpack_point(packed: list[Any] | None, since_ms: int = 0) -> PricePoint | None:
    return None if packed is None else (packed[0] + since_ms, Decimal(packed[1]))


def _pack_top(top: tuple[int, str]) -> list[str]:
    return [str(top[0]), top[1]]


def _unpack_top(packed: list[str]) -> tuple[int, str]:
    return int(packed[0]), packed[1]
