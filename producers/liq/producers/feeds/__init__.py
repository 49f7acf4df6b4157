"""The feeds of each venue, declared in one module per venue.

This package exports the types and functions of declarations. Other packages also import:
- `registry`: the declared feeds by exchange (`FEEDS`, `ALL_FEEDS`, `producible_exchanges`);
- `settings`: the feeds' settings, and the `Target` that each feed connects to;
- `plan`: the connections of a feed, and the names of each;
- `record_key`: the Kafka key of a raw frame;
- `frames`: the largest frame, and gzip.
Only the registry imports the modules of all venues.
"""

from liq.producers.feeds.frames import gunzip
from liq.producers.feeds.limits import Limits, LimitScope
from liq.producers.feeds.spec import (
    CONTROL,
    DATA,
    FeedSpec,
    Heartbeat,
    Received,
    SymbolListing,
    compact,
    per_name,
    request,
)

__all__ = [
    "CONTROL",
    "DATA",
    "FeedSpec",
    "Heartbeat",
    "LimitScope",
    "Limits",
    "Received",
    "SymbolListing",
    "compact",
    "gunzip",
    "per_name",
    "request",
]
