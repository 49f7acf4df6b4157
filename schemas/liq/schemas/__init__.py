"""The contract: record types, topics and their JSON form.

Everything another service needs in order to read our topics is here, and nothing here imports
the rest of the project.
"""

from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.json_schema import schema_of
from liq.schemas.records import (
    CascadeAlert,
    DetectionStatus,
    FeedStatus,
    Instrument,
    Liquidation,
    Rate,
    Rejected,
    RejectedEntry,
    Source,
)
from liq.schemas.topics import Topics

__all__ = [
    "CascadeAlert",
    "DecodeError",
    "DetectionStatus",
    "FeedStatus",
    "Instrument",
    "Liquidation",
    "Rate",
    "Rejected",
    "RejectedEntry",
    "Source",
    "Topics",
    "decode",
    "encode",
    "schema_of",
]
