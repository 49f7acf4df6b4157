"""The stored form of lanes with their rings, and of recent ids."""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from liq.processors.cascades.asset import SIDES
from liq.processors.cascades.lane import Lane
from liq.processors.cascades.prices import Series
from liq.processors.cascades.recent_ids import REMEMBERED_DIGITS, RecentIds
from liq.processors.cascades.ring import Bucket, Ring
from liq.processors.cascades.rules import LaneRules
from liq.processors.cascades.snapshot_codec import rows
from liq.processors.cascades.snapshot_fields import BUCKETS, LANES, RINGS
from liq.processors.cascades.snapshot_values import (
    read_cells,
    read_price,
    read_series,
    read_top,
    write_cells,
    write_price,
    write_top,
)
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import Side


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
        details["cells"].append(write_cells(bucket.cells))
        details["first"].append(write_price(first, since_ms))
        details["last"].append(None if last == first else write_price(last, since_ms))
        is_last = bucket.latest_ms == last[1]
        details["latest_ms"].append(None if is_last else bucket.latest_ms - since_ms)
        details["of"].append(places.setdefault(first[0], len(places)))
        details["top"].append(write_top(top))
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
    series = list(map(read_series, columns.pop("series")))
    details = rows(columns)
    newest = buckets[len(buckets) - len(details) :]
    for bucket, row in zip(newest, details, strict=True):
        since_ms = bucket.second * SECOND_MS
        bucket.cells = read_cells(row["cells"])
        of, last, latest = series[row["of"]], row["last"], row["latest_ms"]
        bucket.first = read_price(of, row["first"], since_ms)
        bucket.last = read_price(of, last, since_ms) if last else bucket.first
        bucket.latest_ms = bucket.last[1] if latest is None else latest + since_ms
        bucket.top = read_top(row["top"])
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
