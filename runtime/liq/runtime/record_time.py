"""When the frame of a raw Kafka record was received."""

from typing import Any

from liq.schemas.headers import RECEIVED_AT_NS, integer_header
from liq.schemas.units import MILLISECOND_NS


def received_at_ns(record: Any) -> int:
    """When a raw record's frame was received; the record's own time where no header says."""
    stamped = integer_header(record.headers, RECEIVED_AT_NS)
    if stamped is not None:
        return stamped
    return int(record.timestamp) * MILLISECOND_NS
