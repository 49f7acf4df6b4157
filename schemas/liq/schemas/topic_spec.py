"""The specification of a topic: key, clean-up, retention, compression, and its configuration."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from liq.schemas.units import DAY_MS, HOUR_MS

# Kafka compacts closed segments only; by default, a segment closes after 1 GiB or seven days.
COMPACTED_SEGMENT_BYTES: Final = 2 * 1_048_576
COMPACTED_SEGMENT_MS: Final = HOUR_MS
SEGMENTS_OF_SHORT_LOGS: Final = 6


class Cleanup(StrEnum):
    """The broker's clean-up policy for old records."""

    DELETE = "delete"
    COMPACT = "compact"


class Compression(StrEnum):
    """The codec with which producers compress batches of records."""

    GZIP = "gzip"
    LZ4 = "lz4"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """The specification of a topic: its creation, and how records are written to it.

    `partitions` is None if the deployment chooses the number. If the topic `grows`, `liq topics
    grow` adds partitions. Programs outside of the engine read public topics. With
    `has_append_time`, the broker sets the timestamp of records to the time of their append.
    """

    name: str
    key: str
    description: str
    cleanup: Cleanup = Cleanup.DELETE
    retention_ms: int = 30 * DAY_MS
    partitions: int | None = None
    is_public: bool = False
    has_append_time: bool = False
    grows: bool = False

    @property
    def compression(self) -> Compression:
        """The codec of its batches: gzip for public topics, as many clients cannot read LZ4."""
        return Compression.GZIP if self.is_public else Compression.LZ4

    @property
    def configs(self) -> dict[str, str]:
        """The configuration of the topic in Kafka."""
        configs = {"cleanup.policy": self.cleanup.value, "retention.ms": str(self.retention_ms)}
        if self.is_public:
            # With another codec as the cluster's default, brokers would recompress the batches.
            configs["compression.type"] = "producer"
        if self.has_append_time:
            configs["message.timestamp.type"] = "LogAppendTime"
        if self.cleanup is Cleanup.DELETE and self.retention_ms <= HOUR_MS:
            # Kafka deletes closed segments only.
            configs["segment.ms"] = str(self.retention_ms // SEGMENTS_OF_SHORT_LOGS)
        if self.cleanup is Cleanup.COMPACT:
            configs["segment.bytes"] = str(COMPACTED_SEGMENT_BYTES)
            configs["segment.ms"] = str(COMPACTED_SEGMENT_MS)
        return configs
