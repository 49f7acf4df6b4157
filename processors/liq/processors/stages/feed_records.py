"""Records of `liquidations.feeds` that stages publish together with their other records."""

from liq.runtime.metrics import FEED_EVENTS
from liq.runtime.sending import OutputRecord
from liq.schemas.cloud_events import feed_headers
from liq.schemas.codec import encode
from liq.schemas.records import FeedStatus


def feed_record(topic: str, status: FeedStatus) -> OutputRecord:
    """Return the record of a feed's event, and count the event."""
    FEED_EVENTS.labels(status.exchange, status.feed, status.event.value).inc()
    value = encode(status)
    return OutputRecord(topic, status.exchange.encode(), value, feed_headers(status, value))
