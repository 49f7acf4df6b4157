"""The topics: names, keys, retention and compaction, in one list."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from liq.schemas.units import DAY_MS, HOUR_MS

DEFAULT_NAMESPACE: Final = "liquidations"
# Kafka compacts closed segments alone; by default it closes one after 1 GiB or seven days.
COMPACTED_SEGMENT_BYTES: Final = 8 * 1_048_576
COMPACTED_SEGMENT_MS: Final = HOUR_MS


class Cleanup(StrEnum):
    """What the broker does with old records."""

    DELETE = "delete"
    COMPACT = "compact"


class Compression(StrEnum):
    """How producers compress batches of records."""

    GZIP = "gzip"
    LZ4 = "lz4"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic is created, and how records are written to it.

    `partitions` is None where the deployment chooses the number. A public topic is read by programs
    that are not part of the engine. With `has_append_time`, the broker stamps records with the time
    at which it appends them.
    """

    name: str
    key: str
    description: str
    cleanup: Cleanup = Cleanup.DELETE
    retention_ms: int = 30 * DAY_MS
    partitions: int | None = None
    is_public: bool = False
    has_append_time: bool = False

    @property
    def compression(self) -> Compression:
        """The codec of its batches: every Kafka client reads gzip, and many no LZ4."""
        return Compression.GZIP if self.is_public else Compression.LZ4

    @property
    def configs(self) -> dict[str, str]:
        """Kafka's settings of the topic."""
        configs = {"cleanup.policy": self.cleanup.value, "retention.ms": str(self.retention_ms)}
        if self.is_public:
            # A cluster's default of another codec would make brokers compress the batches anew.
            configs["compression.type"] = "producer"
        if self.has_append_time:
            configs["message.timestamp.type"] = "LogAppendTime"
        if self.cleanup is Cleanup.COMPACT:
            configs["segment.bytes"] = str(COMPACTED_SEGMENT_BYTES)
            configs["segment.ms"] = str(COMPACTED_SEGMENT_MS)
        return configs


@dataclass(frozen=True, slots=True)
class Topics:
    """Topic names under one namespace; a second pipeline on a cluster takes another one."""

    namespace: str = DEFAULT_NAMESPACE

    def raw(self, exchange: str) -> str:
        """Verbatim frames of one exchange."""
        return f"{self.namespace}.raw.{exchange}"

    def raw_exchange(self, topic: str) -> str:
        """The exchange of a raw topic's name."""
        return topic.removeprefix(f"{self.namespace}.raw.")

    @property
    def feeds(self) -> str:
        """What happened to connections."""
        return f"{self.namespace}.feeds"

    @property
    def instruments(self) -> str:
        """Contract metadata, compacted."""
        return f"{self.namespace}.instruments"

    @property
    def parked(self) -> str:
        """Frames that wait for the metadata of a contract."""
        return f"{self.namespace}.parked"

    @property
    def rates(self) -> str:
        """Dollars of a unit of other currencies, compacted."""
        return f"{self.namespace}.rates"

    @property
    def events(self) -> str:
        """Normalized liquidations."""
        return f"{self.namespace}.events"

    @property
    def large(self) -> str:
        """Liquidations at or above the institutional threshold."""
        return f"{self.namespace}.large"

    @property
    def pulse(self) -> str:
        """What each second brought to each asset, and the alerts of single assets."""
        return f"{self.namespace}.pulse"

    @property
    def watch(self) -> str:
        """Early, weaker signs for machines."""
        return f"{self.namespace}.watch"

    @property
    def cascades(self) -> str:
        """Cascade alerts."""
        return f"{self.namespace}.cascades"

    @property
    def status(self) -> str:
        """Until when detection has decided, every five seconds."""
        return f"{self.namespace}.status"

    @property
    def rejected(self) -> str:
        """What could not be understood."""
        return f"{self.namespace}.rejected"

    @property
    def market_state(self) -> str:
        """Snapshots of the market-wide detector, compacted."""
        return f"{self.namespace}.market-state"

    @property
    def detector_state(self) -> str:
        """Snapshots of the detector, compacted; partition n belongs to events partition n."""
        return f"{self.namespace}.detector-state"

    @property
    def probe(self) -> str:
        """Records that `liq doctor` writes and reads; made by it, and outside of the pipeline."""
        return f"{self.namespace}.probe"

    def compression(self, name: str) -> Compression:
        """Return the codec of a topic's batches; cheap enough to ask for every record."""
        return _compressions(self.namespace).get(name, Compression.LZ4)

    def specs(self, exchanges: tuple[str, ...]) -> tuple[TopicSpec, ...]:
        """Every topic that a pipeline over these exchanges needs."""
        raw = tuple(
            TopicSpec(
                self.raw(exchange),
                key="native symbol",
                description=f"Frames of {exchange}, byte for byte, with headers.",
                retention_ms=14 * DAY_MS,
                has_append_time=True,
            )
            for exchange in exchanges
        )
        return (
            *raw,
            TopicSpec(
                self.feeds, "exchange", "Connected, lost, gap, stale, refused.", is_public=True
            ),
            TopicSpec(
                self.instruments,
                "exchange:symbol, and @valid_from_ms of later versions",
                "Contract metadata, the newest of each version of a contract.",
                cleanup=Cleanup.COMPACT,
                partitions=1,
            ),
            TopicSpec(
                self.parked,
                "exchange:symbol",
                "Frames that wait for the metadata of a contract, with their headers; internal.",
                retention_ms=14 * DAY_MS,
            ),
            TopicSpec(
                self.rates,
                "currency",
                "Dollars of a unit of other currencies, the newest per currency.",
                cleanup=Cleanup.COMPACT,
                partitions=1,
            ),
            TopicSpec(
                self.events,
                "base asset",
                "One liquidation a record; null value = heartbeat.",
                is_public=True,
                has_append_time=True,
            ),
            TopicSpec(
                self.large, "base asset", "Liquidations of institutional size.", is_public=True
            ),
            TopicSpec(
                self.pulse,
                "base asset",
                "What each second brought to each asset; read by the market-wide detector.",
                retention_ms=DAY_MS,
                partitions=1,
                has_append_time=True,
            ),
            TopicSpec(
                self.watch, "base asset", "Early signs of cascades, for machines.", is_public=True
            ),
            TopicSpec(
                self.cascades,
                "cascade id",
                "Cascade alerts.",
                retention_ms=365 * DAY_MS,
                is_public=True,
            ),
            TopicSpec(
                self.status,
                "worker slot",
                "Until when detection has decided, every five seconds.",
                retention_ms=DAY_MS,
                partitions=1,
                is_public=True,
            ),
            TopicSpec(self.rejected, "exchange", "Rejected frames with reason and original."),
            TopicSpec(
                self.market_state,
                "epoch and name",
                "Snapshots of the market-wide detector; internal.",
                cleanup=Cleanup.COMPACT,
                partitions=1,
            ),
            TopicSpec(
                self.detector_state,
                "epoch and asset",
                "Snapshots of the detector; internal.",
                cleanup=Cleanup.COMPACT,
            ),
        )


@cache
def _compressions(namespace: str) -> Mapping[str, Compression]:
    """Map the topics of a namespace to their codecs; those of single exchanges are left out."""
    return {spec.name: spec.compression for spec in Topics(namespace).specs(())}
