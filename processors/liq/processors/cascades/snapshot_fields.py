"""The fields of the state that a snapshot stores. Derived sums are computed again on reading.

`snapshot_codec` explains how to add a field.
"""

from collections.abc import Mapping
from typing import Any, Final

from liq.processors.cascades.asset import AssetState
from liq.processors.cascades.baseline import Baseline
from liq.processors.cascades.beat import Beat, BeatBuilder
from liq.processors.cascades.cascade import LEVEL_SCORES, Assessment, OpenCascade
from liq.processors.cascades.excitation import Excitation
from liq.processors.cascades.lane import Lane
from liq.processors.cascades.market import KnownCascade, MarketState, RunningMarket
from liq.processors.cascades.ring import Bucket, Ring
from liq.processors.cascades.risk import Parts
from liq.processors.cascades.snapshot_codec import (
    BySide,
    Filled,
    Optional,
    Record,
    Table,
    Value,
)
from liq.processors.cascades.snapshot_values import (
    read_prices,
    read_slices,
    read_top,
    write_integer,
    write_prices,
    write_slices,
    write_top,
)
from liq.processors.cascades.surprise import Surprise
from liq.processors.cascades.totals import GroupTotal, Totals
from liq.schemas.codec import decode, encode
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import Side


def _write_groups(groups: Mapping[str, GroupTotal]) -> dict[str, Any]:
    return {"name": list(groups), **GROUP_TOTALS.write(groups.values())}


def _read_groups(stored: Mapping[str, Any]) -> dict[str, GroupTotal]:
    return dict(zip(stored["name"], GROUP_TOTALS.read(stored), strict=True))


INTEGER: Final = Value(write_integer, int)
SIDE: Final = Value(str, Side)
NAMES: Final = Value(sorted, set)
NAME_LIST: Final = Value(list, tuple)
TOP: Final = Value(write_top, read_top)
SLICES: Final = Value(write_slices, read_slices)
ALERT: Final = Optional(
    Value(
        lambda alert: encode(alert).decode(),
        lambda stored: decode(CascadeAlert, stored.encode()),
    )
)

SURPRISE: Final = Record(Surprise, ("nats", "window_seconds", "quick_nats", "expected_short"))
PARTS: Final = Record(Parts, ("speed", "volume", "imbalance", "concentration", "breadth"))
ASSESSMENT: Final = Record(
    Assessment,
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
        "prices": Value(write_prices, read_prices),
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
        "peak": ASSESSMENT,
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
    BeatBuilder,
    (),
    {
        "slices": Value(
            lambda slices: write_slices(sorted(slices.values())),
            lambda stored: {piece[0]: piece for piece in read_slices(stored)},
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
