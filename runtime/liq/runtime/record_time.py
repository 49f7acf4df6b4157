"""When the frame of a raw Kafka record was received."""

from typing import Any

from liq.runtime.believed_time import receipt


def received_at_ns(record: Any) -> int:
    """When a raw record's frame was received, as far as the log believes it (`believed_time`)."""
    return receipt(record).received_at_ns
