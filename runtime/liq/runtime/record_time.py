"""The time of receipt of a raw Kafka record.

Every reader of raw records (merge, stage, parking, sink, export) uses this function. So all of them
agree on a record's time, whatever its headers are. A time outside `plausible_time` has another unit
or is damaged, and counts as absent (`believed_time`).
"""

from typing import Any

from liq.runtime.believed_time import receipt


def received_at_ns(record: Any) -> int:
    """Return the time of receipt (UTC, ns) of a raw record, bounded by its append time."""
    return receipt(record).received_at_ns
