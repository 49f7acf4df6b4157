"""When the frame of a raw Kafka record was received.

Every reader of raw records asks here: merge, stage, parking, sink, export. So all of them know the
same time of a record, whatever its headers are. A time outside `plausible_time` is in another unit
or damaged, and counts as absent (`believed_time`).
"""

from typing import Any

from liq.runtime.believed_time import receipt


def received_at_ns(record: Any) -> int:
    """When a raw record's frame was received, as far as the log believes it (`believed_time`)."""
    return receipt(record).received_at_ns
