"""The public contract: record types, topics and their JSON form.

This package has everything that another service needs to read the topics, and imports no other
package of the project.
"""

from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.json_schema import schema_of
from liq.schemas.records import (
    CascadeAlert,
    DetectionStatus,
    FeedStatus,
    Instrument,
    Liquidation,
    OpenPosition,
    Rate,
    Rejected,
    RejectedEntry,
    Source,
    Undelivered,
)
from liq.schemas.topics import Topics

__all__ = [
    "CascadeAlert",
    "DecodeError",
    "DetectionStatus",
    "FeedStatus",
    "Instrument",
    "Liquidation",
    "OpenPosition",
    "Rate",
    "Rejected",
    "RejectedEntry",
    "Source",
    "Topics",
    "Undelivered",
    "decode",
    "encode",
    "schema_of",
]
