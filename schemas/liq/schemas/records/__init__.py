"""The records on our topics, as immutable values.

Prices, quantities and dollars are `Decimal`. Times are integer milliseconds, UTC. Optional fields
come last and have defaults, so that records written by an older version keep parsing.
"""

from liq.schemas.records.cascades import (
    CascadeAlert,
    CascadeAnalysis,
    CascadeEstimate,
    CascadeEvents,
    CascadePrice,
    CascadeShare,
    ScoreParts,
)
from liq.schemas.records.liquidations import (
    Instrument,
    Liquidation,
    OpenPosition,
    Rate,
    Rejected,
    RejectedEntry,
)
from liq.schemas.records.pipeline import DetectionStatus, FeedStatus, Pulse, PulseSlice, Undelivered
from liq.schemas.records.source import SCHEMA_VERSION, Source

__all__ = [
    "SCHEMA_VERSION",
    "CascadeAlert",
    "CascadeAnalysis",
    "CascadeEstimate",
    "CascadeEvents",
    "CascadePrice",
    "CascadeShare",
    "DetectionStatus",
    "FeedStatus",
    "Instrument",
    "Liquidation",
    "OpenPosition",
    "Pulse",
    "PulseSlice",
    "Rate",
    "Rejected",
    "RejectedEntry",
    "ScoreParts",
    "Source",
    "Undelivered",
]
