"""The fields of the state that a snapshot stores. Derived sums are computed again on reading.

`snapshot_codec` explains how to add a field.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from liq.processors.cascades.asset import SIDES, AssetState
from liq.processors.cascades.baseline import Baseline
from liq.processors.cascades.beat import Beat, News
from liq.processors.cascades.cascade import LEVEL_SCORES, Moment, OpenCascade
from liq.processors.cascades.excitation import Excitation
from liq.processors.cascades.lane import Lane
from liq.processors.cascades.market import KnownCascade, MarketState, RunningMarket
from liq.processors.cascades.prices import NO_SERIES, Quote, Series, Span, series_of
from liq.processors.cascades.recent_ids import REMEMBERED_DIGITS, RecentIds
from liq.processors.cascades.ring import Bucket, Ring, Top
from liq.processors.cascades.risk import Parts
from liq.processors.cascades.rules import LaneRules
from liq.processors.cascades.snapshot_codec import (
    BySide,
    Filled,
    Optional,
    Record,
    Table,
    Value,
    rows,
)
from liq.processors.cascades.surprise import Surprise
from liq.processors.cascades.totals import GroupTotal, Totals
from liq.schemas.codec import decimal_text, decode, encode
from liq.schemas.records import CascadeAlert
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import Side

INTEGER_BITS: Final = 63


def _write_integer(value: int) -> int | str:
    """Write an integer of any size: as text if it exceeds 64 bits."""
    return value if value.bit_length() <= INTEGER_BITS else str(value)


def _write_price(quote: Quote | None, since_ms: int = 0) -> list[Any] | None:
    """Write time and price without the series; the time is in ms after `since_ms`."""
    return None if quote is None else [quote[1] - since_ms, decimal_text(quote[2])]


def _read_price(series: Series, stored: Sequence[Any], since_ms: int = 0) -> Quote:
    after_ms, price = stored
    return series, after_ms + since_ms, Decimal(price)


def _read_series(stored: Sequence[str]) -> Series:
    exchange, symbol, kind = stored
    return series_of(exchange, symbol, kind) if kind else NO_SERIES


def _write_prices(prices: Mapping[Series, Span]) -> dict[str, list[Any]]:
    spans = prices.values()
    return {
        "series": [[exchange, symbol, kind] for _, exchange, symbol, kind in prices],
        "first": [_write_price(span.first) for span in spans],
        "last": [_write_price(span.last) for span in spans],
        "cents": [_write_integer(span.cents) for span in spans],
    }


def _read_prices(stored: Mapping[str, Any]) -> dict[Series, Span]:
    prices = {}
    for row in rows(stored):
        series = _read_series(row["series"])
        first, last = (_read_price(series, row[name]) for name in ("first", "last"))
        prices[series] = Span(first, last, int(row["cents"]))
    return prices


def _write_top(top: Top) -> list[Any]:
    return [_write_integer(top[0]), top[1]]


def _read_top(stored: Sequence[Any]) -> tuple[int, str]:
    cents, event_id = stored
    return int(cents), event_id


def _write_cells(cells: Mapping[tuple[str, str, int], int]) -> list[Any]:
    return [[*cell, _write_integer(cents)] for cell, cents in sorted(cells.items())]


def _read_cells(stored: Sequence[Any]) -> dict[tuple[str, str, int], int]:
    return {(group, symbol, part): int(cents) for group, symbol, part, cents in stored}


def _write_slices(slices: Any) -> list[Any]:
    return [[second, count, _write_integer(cents)] for second, count, cents in slices]


def _read_slices(stored: Sequence[Any]) -> tuple[tuple[int, int, int], ...]:
    return tuple((second, count, int(cents)) for second, count, cents in stored)


def _write_groups(groups: Mapping[str, GroupTotal]) -> dict[str, Any]:
    return {"name": list(groups), **GROUP_TOTALS.write(groups.values())}


def _read_groups(stored: Mapping[str, Any]) -> dict[str, GroupTotal]:
    return dict(zip(stored["name"], GROUP_TOTALS.read(stored), strict=True))


INTEGER: Final = Value(_write_integer, int)
SIDE: Final = Value(str, Side)
NAMES: Final = Value(sorted, set)
NAME_LIST: Final = Value(list, tuple)
TOP: Final = Value(_write_top, _read_top)
SLICES: Final = Value(_write_slices, _read_slices)
ALERT: Final = Optional(
    Value(
        lambda alert: encode(alert).decode(),
        lambda stored: decode(CascadeAlert, stored.encode()),
    )
)

SURPRISE: Final = Record(Surprise, ("nats", "window_seconds", "quick_nats", "expected_short"))
PARTS: Final = Record(Parts, ("speed", "volume", "imbalance", "concentration", "breadth"))
MOMENT: Final = Record(
    Moment,
    ("tick", "score", "basic", "rate", "count", "short_weight"),
    {
        "parts": PARTS,
        "surprise": SURPRISE,
        "cents": INTEGER,
        "other_cents": INTEGER,
        "short_cents": INTEGER,
    },
    later={"short_cents": 0, "hourly_cents": 0.0},
)
GROUP_TOTALS: Final = Table(Record(GroupTotal, ("first", "cells"), {"cents": INTEGER}))
TOTALS: Final = Record(
    Totals,
    ("count", "cells", "complete"),
    {
        "cents": INTEGER,
        "prices": Value(_write_prices, _read_prices),
        "largest": Value(
            lambda largest: list(map(TOP.write, largest)),
            lambda stored: list(map(TOP.read, stored)),
        ),
        "groups": Value(_write_groups, _read_groups),
        "symbols": NAMES,
    },
    later={"latest_ms": 0, "prices": {}},
)
CASCADE: Final = Record(
    OpenCascade,
    (
        "onset",
        "started",
        "last_hot",
        "level",
        "told",
        "updated",
        "changed",
        "sequence",
        "late",
        "generations",
        "first_generation",
    ),
    {
        "peak_second_cents": INTEGER,
        "peak_short_cents": INTEGER,
        "peak_window_cents": INTEGER,
        "peak": MOMENT,
        "totals": TOTALS,
        "pending": TOTALS,
        "reached": Value(list, list),
    },
    later={"warm": 0, "reached": [0] * len(LEVEL_SCORES)},
)
BASELINE: Final = Filled(
    Baseline,
    (
        "first_second",
        "held",
        "held_cents",
        "held_cells",
        "held_squares",
        "held_at",
        "block",
        "block_tenths",
    ),
    {"block_cents": INTEGER},
    later={"block_all_tenths": 0, "recent": 0.0, "recent_at": 0, "is_unsettled": False},
)
#: `second`, `cells`, `first`, `last`, `latest_ms` and `top` are stored separately.
BUCKETS: Final = Table(Filled(Bucket, ("weight", "count", "complete"), {"cents": INTEGER}))
#: `buckets` are stored separately.
RINGS: Final = Table(Filled(Ring, ("now", "tick_tenths"), {"tick_cents": INTEGER}))
#: `ring` is stored separately.
LANES: Final = Table(
    Filled(Lane, ("watched",), {"baseline": BASELINE, "cascade": Optional(CASCADE)})
)
EXCITATIONS: Final = Table(
    Filled(
        Excitation,
        (
            "fast_branching",
            "slow_branching",
            "fast_memory",
            "slow_memory",
            "background",
            "exposure",
            "last",
            "events",
        ),
    )
)
NEWS: Final = Filled(
    News,
    (),
    {
        "slices": Value(
            lambda slices: _write_slices(sorted(slices.values())),
            lambda stored: {piece[0]: piece for piece in _read_slices(stored)},
        ),
        "exchanges": NAMES,
        "complete_ms": Value(sorted, list),
        "top": TOP,
    },
)
#: `lanes`, `excitations` and `recent_ids` are stored separately.
ASSET_FIELDS: Final = Filled(AssetState, ("tick", "seen", "is_rebuilt"), {"news": BySide(NEWS)})
BEAT: Final = Record(
    Beat,
    ("base", "tick", "complete"),
    {"side": SIDE, "slices": SLICES, "exchanges": NAME_LIST, "top": TOP, "blind": NAME_LIST},
    later={"blind": []},
)
BEATS: Final = Table(BEAT)
RUNNING_MARKET: Final = Record(
    RunningMarket, ("cascade_id", "children", "is_rebuilt"), later={"told": 0}
)
KNOWN_CASCADE: Final = Record(
    KnownCascade,
    ("parent_id", "sequence", "is_open", "is_linked"),
    {"side": SIDE, "newest": ALERT},
)
KNOWN_CASCADES: Final = Table(KNOWN_CASCADE)
#: All other fields are stored separately, see `snapshot`.
MARKET_FIELDS: Final = Filled(
    MarketState,
    ("decided",),
    {"running": BySide(RUNNING_MARKET), "blind": NAME_LIST},
    {"blind": []},
)


def write_lanes(lanes: Mapping[Side, Lane]) -> dict[str, Any]:
    """Serialize the lanes of both sides with their rings, baselines and cascades."""
    both = [lanes[side] for side in SIDES]
    rings = [lane.ring for lane in both]
    return {
        **LANES.write(both),
        "ring": {
            **RINGS.write(rings),
            "buckets": [_write_buckets(ring) for ring in rings],
            "details": [_write_details(ring) for ring in rings],
        },
    }


def read_lanes(stored: Mapping[str, Any], rules: LaneRules) -> dict[Side, Lane]:
    """Deserialize the lanes; if the window has changed, they keep what the new one covers."""
    lanes = [Lane(rules) for _ in SIDES]
    LANES.fill(lanes, stored)
    rings, columns = [lane.ring for lane in lanes], stored["ring"]
    RINGS.fill(rings, columns)
    for ring, buckets, details in zip(rings, columns["buckets"], columns["details"], strict=True):
        ring.restore(ring.now, _read_buckets(buckets, details, ring.now))
    return dict(zip(SIDES, lanes, strict=True))


def _write_buckets(ring: Ring) -> dict[str, Any]:
    return {
        "age": [ring.now - bucket.second for bucket in ring.buckets],
        **BUCKETS.write(ring.buckets),
    }


def _write_details(ring: Ring) -> dict[str, Any]:
    """Write the details, which only the newest buckets have.

    The last price is null if it equals the first; the latest time is null if it is that of the last
    price. `series` has each series once, `of` the index into it for each bucket.
    """
    details: dict[str, list[Any]] = {
        "cells": [],
        "first": [],
        "last": [],
        "latest_ms": [],
        "of": [],
        "top": [],
    }
    places: dict[Series, int] = {}
    for bucket in ring.buckets:
        first, last, top, since_ms = (
            bucket.first,
            bucket.last,
            bucket.top,
            bucket.second * SECOND_MS,
        )
        if first is None or last is None or top is None:
            continue
        details["cells"].append(_write_cells(bucket.cells))
        details["first"].append(_write_price(first, since_ms))
        details["last"].append(None if last == first else _write_price(last, since_ms))
        is_last = bucket.latest_ms == last[1]
        details["latest_ms"].append(None if is_last else bucket.latest_ms - since_ms)
        details["of"].append(places.setdefault(first[0], len(places)))
        details["top"].append(_write_top(top))
    return {
        **details,
        "series": [[exchange, symbol, kind] for _, exchange, symbol, kind in places],
    }


def _read_buckets(
    stored: Mapping[str, Any], stored_details: Mapping[str, Any], now: int
) -> list[Bucket]:
    buckets = [Bucket(now - age, 0, 0, 0, 0, {}, None, None) for age in stored["age"]]
    BUCKETS.fill(buckets, stored)
    columns = dict(stored_details)
    series = list(map(_read_series, columns.pop("series")))
    details = rows(columns)
    newest = buckets[len(buckets) - len(details) :]
    for bucket, row in zip(newest, details, strict=True):
        since_ms = bucket.second * SECOND_MS
        bucket.cells = _read_cells(row["cells"])
        of, last, latest = series[row["of"]], row["last"], row["latest_ms"]
        bucket.first = _read_price(of, row["first"], since_ms)
        bucket.last = _read_price(of, last, since_ms) if last else bucket.first
        bucket.latest_ms = bucket.last[1] if latest is None else latest + since_ms
        bucket.top = _read_top(row["top"])
    return buckets


def write_recent_ids(ids: RecentIds, tick: int) -> dict[str, Any]:
    """Serialize the digits of ids by age in seconds; the digits of one second are joined."""
    by_tick = [
        (tick - seen, _join([digits for _, digits in together]))
        for seen, together in groupby(ids.sightings, key=itemgetter(0))
    ]
    return {"age": [age for age, _ in by_tick], "digits": [digits for _, digits in by_tick]}


def read_recent_ids(stored: Mapping[str, Any], tick: int) -> RecentIds:
    """Deserialize the digits of ids."""
    ids = RecentIds()
    for age, together in zip(stored["age"], stored["digits"], strict=True):
        for digits in _split(together):
            ids.add(tick - age, digits)
    return ids


def _join(ids: list[str]) -> str | list[str]:
    """Join ids of the usual length, to save bytes."""
    return "".join(ids) if all(len(digits) == REMEMBERED_DIGITS for digits in ids) else ids


def _split(together: str | list[str]) -> list[str]:
    if isinstance(together, list):
        return together
    starts = range(0, len(together), REMEMBERED_DIGITS)
    return [together[start : start + REMEMBERED_DIGITS] for start in starts]
