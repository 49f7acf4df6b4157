"""When the frame of a raw Kafka record was received, and when a record was written.

Every reader of raw records asks here: merge, stage, parking, sink, export. So all of them know the
same time of a record, whatever its headers are. A time outside `plausible_time` is in another unit
or damaged, and counts as absent; `liq_errors_total{kind="record_time"}` counts the readings.
"""

from typing import Any

from liq.runtime.metrics import ERRORS
from liq.schemas.headers import RECEIVED_AT_NS, integer_header
from liq.schemas.plausible_time import EARLIEST_STORED_MS, LATEST_MS
from liq.schemas.units import MILLISECOND_NS

EARLIEST_NS = EARLIEST_STORED_MS * MILLISECOND_NS
LATEST_NS = LATEST_MS * MILLISECOND_NS


def received_at_ns(record: Any) -> int:
    """When a raw record's frame was received; the record's own time where no header says."""
    stamped = stamped_at_ns(record)
    return written_at_ms(record) * MILLISECOND_NS if stamped is None else stamped


def stamped_at_ns(record: Any) -> int | None:
    """The time of receipt that a raw record's header says; None where that is no such time."""
    stamped = integer_header(record.headers, RECEIVED_AT_NS)
    if stamped is None or EARLIEST_NS <= stamped < LATEST_NS:
        return stamped
    ERRORS.labels("record_time").inc()
    return None


def written_at_ms(record: Any) -> int:
    """A record's own time in Kafka (UTC, ms), moved to the nearest one that is plausible."""
    return min(max(int(record.timestamp), EARLIEST_STORED_MS), LATEST_MS - 1)
