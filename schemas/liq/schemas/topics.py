"""The topics: names, keys, retention and compaction, in one list."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from liq.schemas.units import DAY_MS, HOUR_MS

DEFAULT_NAMESPACE: Final = "liquidations"
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


#: The name of feeds with every trade, and the exchanges with such a feed.
TAPE: Final = "tape"
TAPED: Final = frozenset({"hyperliquid"})


@dataclass(frozen=True, slots=True)
class Topics:
    """The topic names under one namespace; each pipeline on a cluster has its own namespace."""

    namespace: str = DEFAULT_NAMESPACE

    def raw(self, exchange: str) -> str:
        """Return the topic of verbatim frames of one exchange."""
        return f"{self.namespace}.raw.{exchange}"

    def frames(self, exchange: str, feed: str) -> str:
        """Return the topic of a feed's frames: the raw topic, or a topic without a normalizer."""
        return self.tape(exchange) if feed == TAPE else self.raw(exchange)

    def tape(self, exchange: str) -> str:
        """Return the topic of every trade of an exchange, kept only to join them with frames."""
        return f"{self.namespace}.raw.{exchange}-trades"

    def raw_exchange(self, topic: str) -> str:
        """Return the exchange of a raw topic's name."""
        return topic.removeprefix(f"{self.namespace}.raw.")

    @property
    def feeds(self) -> str:
        """Events of feeds and connections, such as gaps."""
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
        """Rates of other currencies in dollars, compacted."""
        return f"{self.namespace}.rates"

    @property
    def positions(self) -> str:
        """Open positions of accounts, with their liquidation prices."""
        return f"{self.namespace}.positions"

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
        """Sums of each second of each asset, and the alerts of single assets."""
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
        """The time up to which detection has decided, every five seconds."""
        return f"{self.namespace}.status"

    @property
    def rejected(self) -> str:
        """Records that no worker could read."""
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
    def layout(self) -> str:
        """The number of partitions of events, and the answers of workers during a growth."""
        return f"{self.namespace}.layout"

    @property
    def probe(self) -> str:
        """Records that `liq doctor` writes and reads; it also creates this topic."""
        return f"{self.namespace}.probe"

    @property
    def notify_ledger(self) -> str:
        """The accepted and completed notifications, compacted."""
        return f"{self.namespace}.notify-ledger"

    @property
    def undelivered(self) -> str:
        """Notifications that could not be delivered."""
        return f"{self.namespace}.undelivered"

    def compression(self, name: str) -> Compression:
        """Return the codec of a topic's batches; cheap enough to call for every record."""
        return _compressions(self.namespace).get(name, Compression.LZ4)

    def specs(self, exchanges: tuple[str, ...]) -> tuple[TopicSpec, ...]:
        """Return every topic that a pipeline over these exchanges needs."""
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
        tapes = tuple(
            TopicSpec(
                self.tape(exchange),
                key="native symbol",
                description=f"Every trade of {exchange}, byte for byte, if asked for; internal.",
                retention_ms=HOUR_MS,
            )
            for exchange in exchanges
            if exchange in TAPED
        )
        return (
            *raw,
            *tapes,
            TopicSpec(
                self.feeds, "exchange", "Connected, lost, gap, filled, stale.", is_public=True
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
                self.positions,
                "exchange",
                "Open positions of accounts, with the prices at which they are liquidated.",
                retention_ms=2 * DAY_MS,
                partitions=1,
            ),
            TopicSpec(
                self.events,
                "base asset",
                "One liquidation a record; null value = heartbeat.",
                is_public=True,
                has_append_time=True,
                grows=True,
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
                grows=True,
            ),
            TopicSpec(
                self.layout,
                "what it is about",
                "How many partitions events are spread over, and how growing goes; internal.",
                cleanup=Cleanup.COMPACT,
                partitions=1,
            ),
            TopicSpec(
                self.notify_ledger,
                "notice, message, receiver or claim",
                "What notifications have taken and settled; internal.",
                cleanup=Cleanup.COMPACT,
                partitions=1,
            ),
            TopicSpec(
                self.undelivered,
                "receiver",
                "Notifications that were given up, with the reason and what was to be sent.",
                partitions=1,
            ),
        )


@cache
def _compressions(namespace: str) -> Mapping[str, Compression]:
    """Map the topics of a namespace to their codecs, without those of single exchanges."""
    return {spec.name: spec.compression for spec in Topics(namespace).specs(())}
