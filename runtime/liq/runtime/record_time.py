"""When the frame of a raw Kafka record was received, and when a record was written.

Every reader of raw records asks here: merge, stage, parking, sink, export. So all of them know the
same time of a record, whatever its headers are. A time outside `plausible_time` is in another unit
or damaged, and counts as absent (`believed_time`).
"""

from typing import Any

from liq.runtime import believed_time


def received_at_ns(record: Any) -> int:
    """When a raw record's frame was received, as far as the log believes it (`believed_time`)."""
    return believed_time.receipt(record).received_at_ns


def written_at_ms(record: Any) -> int:
    """A record's own time in Kafka (UTC, ms), moved to the nearest one that is plausible."""
    return believed_time.written_at_ms(record)
