"""Conversion of earlier releases' snapshots: positional arrays to the fields that `snapshot` reads.

The versions are: assets 5 and 6, whole markets 5 and 6, cores of a market 7, beats 1. The position
in an array identifies the field, so this module must not change any more.
"""

from collections.abc import Sequence
from typing import Any, Final

_BASELINE: Final = (
    "first_second",
    "held",
    "held_cents",
    "held_cells",
    "held_squares",
    "held_at",
    "block",
    "block_tenths",
    "block_cents",
)
_CASCADE: Final = (
    "onset",
    "started",
    "last_hot",
    "peak",
    "level",
    "told",
    "updated",
    "changed",
    "sequence",
    "late",
    "generations",
    "first_generation",
    "peak_second_cents",
    "peak_short_cents",
    "peak_window_cents",
    "totals",
    "pending",
)
_MOMENT: Final = (
    "tick",
    "score",
    "parts",
    "basic",
    "surprise",
    "rate",
    "cents",
    "count",
    "other_cents",
    "short_weight",
)
_PARTS: Final = ("speed", "volume", "imbalance", "concentration", "breadth")
_SURPRISE: Final = ("nats", "window_seconds", "quick_nats", "expected_short")
_TOTALS: Final = (
    "count",
    "cents",
    "cells",
    "complete",
    "first",
    "last",
    "largest",
    "groups",
    "symbols",
)
_GROUPS: Final = ("name", "first", "cells", "cents")
_EXCITATION: Final = (
    "fast_branching",
    "slow_branching",
    "fast_memory",
    "slow_memory",
    "background",
    "exposure",
    "last",
    "events",
)
_NEWS: Final = ("slices", "exchanges", "complete_ms", "top")
_BEAT: Final = ("base", "side", "tick", "slices", "exchanges", "complete", "top")
_BEAT_TICKS: Final = ("base", "side", "tick")
_BUCKETS: Final = ("age", "weight", "count", "cents", "complete")
# A bucket without details has these alone.
_SUMS: Final = len(_BUCKETS)
_KNOWN: Final = (
    "cascade_id",
    "side",
    "parent_id",
    "sequence",
    "is_open",
    "is_linked",
    "newest",
)
_NO_SERIES: Final = ("", "", "")
# Version 5 has neither `is_linked` nor `newest`: a cascade's own records named its parent.
_WITHOUT_LINK: Final = (True, None)


def asset_of_5(content: Any) -> dict[str, Any]:
    """Return the fields of an asset."""
    tick, seen, sightings, news, lanes, excitations = content
    return {
        "tick": tick,
        "seen": seen,
        "is_rebuilt": False,
        "recent_ids": _columns(
            ("age", "digits"), [(age, together.split(",")) for age, together in sightings]
        ),
        "news": {side: _fields(_NEWS, packed) for side, packed in news},
        "lanes": _lanes(lanes),
        "excitations": _columns(_EXCITATION, excitations),
    }


def asset_of_6(content: Any) -> dict[str, Any]:
    """Return the fields of an asset with rebuilt state and an open cascade."""
    return {**asset_of_5(content), "is_rebuilt": True}


def market_of_5_or_6(content: Any) -> dict[str, Any]:
    """Return the fields of a whole market."""
    *others, beats, exchanges = content
    return {**_market([*others, exchanges]), "beats": beats_of_1(beats)}


def core_of_7(content: Any) -> dict[str, Any]:
    """Return the fields of a market whose beats are stored beside it."""
    *others, slots, exchanges = content
    return {**_market([*others, exchanges]), "beat_slots": slots}


def beats_of_1(content: Any) -> dict[str, Any]:
    """Return the columns of a chunk of beats."""
    return _columns(_BEAT_TICKS, content)


def _market(content: Sequence[Any]) -> dict[str, Any]:
    decided, sources, lanes, running, cascades, recent, held, exchanges = content
    return {
        "decided": decided,
        "sources": {str(source): second for source, second in sources},
        "lanes": _lanes(lanes),
        "running": {
            side: {
                "cascade_id": name,
                "children": children,
                "is_rebuilt": bool(is_rebuilt),
            }
            for side, name, children, *is_rebuilt in running
        },
        "cascades": _columns(_KNOWN, map(_known, cascades)),
        "recent": recent,
        "held": [
            {"tick": tick, "beats": _columns(_BEAT, beats), "alerts": alerts}
            for tick, beats, alerts in held
        ],
        "exchanges": _columns(("side", "name", "tick"), exchanges),
    }


def _known(packed: Sequence[Any]) -> list[Any]:
    name, side, parent_id, sequence, is_open, *about_link = packed
    return [name, side, parent_id, sequence, is_open, *(about_link or _WITHOUT_LINK)]


def _lanes(packed: Sequence[Any]) -> dict[str, Any]:
    nows, buckets, baselines, ticks, cascades = zip(*packed, strict=True)
    return {
        "watched": [watched for _, _, watched in ticks],
        "baseline": _columns(_BASELINE, baselines),
        "cascade": [None if cascade is None else _cascade(cascade) for cascade in cascades],
        "ring": {
            "now": nows,
            "tick_tenths": [tenths for tenths, _, _ in ticks],
            "tick_cents": [cents for _, cents, _ in ticks],
            "buckets": [_columns(_BUCKETS, [row[:_SUMS] for row in of]) for of in buckets],
            "details": [_details([row[_SUMS:] for row in of if row[_SUMS:]]) for of in buckets],
        },
    }


def _details(packed: Sequence[Any]) -> dict[str, Any]:
    """Return the details of buckets; these versions did not store the series of prices."""
    columns = _columns(
        ("cells", "first", "last", "latest_ms", "of", "top"),
        [(cells, points[0], points[-1], None, 0, top) for cells, points, top in packed],
    )
    return {**columns, "series": [_NO_SERIES]}


def _cascade(packed: Sequence[Any]) -> dict[str, Any]:
    cascade = _fields(_CASCADE, packed)
    peak = _fields(_MOMENT, cascade["peak"])
    peak["parts"] = _fields(_PARTS, peak["parts"])
    peak["surprise"] = _fields(_SURPRISE, peak["surprise"])
    return {
        **cascade,
        "peak": peak,
        "totals": _totals(cascade["totals"]),
        "pending": _totals(cascade["pending"]),
    }


def _totals(packed: Sequence[Any]) -> dict[str, Any]:
    totals = _fields(_TOTALS, packed)
    first, last = totals.pop("first"), totals.pop("last")
    spans = [] if first is None else [(_NO_SERIES, first, last, totals["cents"])]
    return {
        **totals,
        "groups": _columns(_GROUPS, totals["groups"]),
        "latest_ms": 0 if last is None else last[0],
        "prices": _columns(("series", "first", "last", "cents"), spans),
    }


def _fields(names: Sequence[str], packed: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(names, packed, strict=True))


def _columns(names: Sequence[str], packed: Any) -> dict[str, list[Any]]:
    """Convert rows to columns by name."""
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for row in packed:
        for name, value in zip(names, row, strict=True):
            columns[name].append(value)
    return columns
