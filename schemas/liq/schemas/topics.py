"""The topics: names, keys, retention and compaction, in one list."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from liq.schemas.units import DAY_MS

DEFAULT_NAMESPACE: Final = "liquidations"


class Cleanup(StrEnum):
    """What the broker does with old records."""

    DELETE = "delete"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic is created. `partitions` is None where the deployment chooses the number."""

    name: str
    key: str
    description: str
    cleanup: Cleanup = Cleanup.DELETE
    retention_ms: int = 30 * DAY_MS
    partitions: int | None = None


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

    def specs(self, exchanges: tuple[str, ...]) -> tuple[TopicSpec, ...]:
        """Every topic that a pipeline over these exchanges needs."""
        raw = tuple(
            TopicSpec(
                self.raw(exchange),
                key="native symbol",
                description=f"Frames of {exchange}, byte for byte, with headers.",
                retention_ms=14 * DAY_MS,
            )
            for exchange in exchanges
        )
        return (
            *raw,
            TopicSpec(self.feeds, "exchange", "Connected, lost, gap, stale, refused."),
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
                self.events, "base asset", "One liquidation a record; null value = heartbeat."
            ),
            TopicSpec(self.large, "base asset", "Liquidations of institutional size."),
            TopicSpec(
                self.pulse,
                "base asset",
                "What each second brought to each asset; read by the market-wide detector.",
                retention_ms=DAY_MS,
                partitions=1,
            ),
            TopicSpec(self.watch, "base asset", "Early signs of cascades, for machines."),
            TopicSpec(self.cascades, "cascade id", "Cascade alerts.", retention_ms=365 * DAY_MS),
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
