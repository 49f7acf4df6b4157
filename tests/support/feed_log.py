"""The records of a live producer in Kafka: frames, heartbeats and feed records."""

from dataclasses import dataclass
from typing import Any

from liq.runtime.settings import Settings
from liq.schemas.codec import decode
from liq.schemas.headers import FEED, HEARTBEAT_KEY, text_header
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent
from tests.support.pipeline_log import read_topic, values


@dataclass(frozen=True)
class FeedLog:
    """The raw topics and the feeds topic of some settings."""

    settings: Settings

    def statuses(self, exchange: str = "", feed: str = "") -> list[FeedStatus]:
        """Return feed records in order, optionally of one exchange or feed."""
        topic = self.settings.topics.feeds
        found = [decode(FeedStatus, value) for value in values(self.settings, topic)]
        return [
            record
            for record in found
            if exchange in {"", record.exchange} and feed in {"", record.feed}
        ]

    def events(self, exchange: str = "", feed: str = "") -> list[FeedEvent]:
        """Return the events of feed records."""
        return [record.event for record in self.statuses(exchange, feed)]

    def all_of(self, event: FeedEvent) -> list[FeedStatus]:
        """Return the feed records with an event."""
        return [record for record in self.statuses() if record.event is event]

    def has(self, event: FeedEvent, word: str = "") -> bool:
        """Return whether there is a feed record with an event and a word in its detail."""
        return any(word in record.detail for record in self.all_of(event))

    def records(self, exchange: str, feed: str = "") -> list[Any]:
        """Return frames as Kafka records, partition by partition."""
        return [
            record
            for records in read_topic(self.settings, self.settings.topics.raw(exchange)).values()
            for record in records
            if record.value is not None and feed in {"", text_header(record.headers, FEED)}
        ]

    def frames(self, exchange: str, feed: str = "") -> list[bytes]:
        """Return frames as bytes."""
        return [record.value for record in self.records(exchange, feed)]

    def heartbeats(self, exchange: str) -> dict[int, list[Any]]:
        """Return heartbeats as Kafka records, by partition."""
        log = read_topic(self.settings, self.settings.topics.raw(exchange))
        found = {
            partition: [each for each in records if each.key == HEARTBEAT_KEY]
            for partition, records in log.items()
        }
        return {partition: records for partition, records in found.items() if records}
