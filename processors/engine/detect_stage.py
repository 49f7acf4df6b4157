"""The detecting stage: liquidations in, cascade alerts out, exact across crashes."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from processors.cascades.config import DetectorConfig
from processors.cascades.partition import PartitionDetector
from processors.engine.detector_state import DetectorStateStore
from processors.engine.output import Output, OutputRecord
from runtime.logs import get_logger
from runtime.metrics import (
    ALERTS,
    CASCADE_RISK,
    EXCHANGE_TO_ALERT,
    LEFT_OUT,
    RECEIVED_TO_ALERT,
    REJECTED,
)
from runtime.settings import Settings
from schemas.codec import DecodeError, decode, encode
from schemas.headers import CLOCK_MS, integer_header
from schemas.records import CascadeAlert, Liquidation, Rejected, Source
from schemas.vocabulary import AlertType, RejectReason

log = get_logger(__name__)


def detector_config(settings: Settings) -> DetectorConfig:
    """The detector's part of the settings."""
    return DetectorConfig(
        window_seconds=settings.cascade_window_seconds,
        min_events=settings.cascade_min_events,
        min_value_usd=settings.cascade_min_value_usd,
    )


@dataclass(slots=True)
class OwnedPartition:
    """An events partition that this worker detects on, and its epoch in the state topic."""

    epoch: int
    detector: PartitionDetector


class DetectStage:
    """Runs one `PartitionDetector` per assigned events partition."""

    def __init__(
        self, settings: Settings, output: Output, is_assigned: Callable[[int], bool]
    ) -> None:
        """State lives in memory and, after every batch, in the state topic.

        `is_assigned` tells whether the consumer group gives us an events partition now.
        """
        self._topics = settings.topics
        self._config = detector_config(settings)
        self._output = output
        self._is_assigned = is_assigned
        self._store = DetectorStateStore(settings, output)
        self._owned: dict[int, OwnedPartition] = {}

    def release(self) -> None:
        """Let go of every partition: a rebalance may have given them to others meanwhile."""
        self._owned.clear()

    async def handle(self, messages: Sequence[Any]) -> None:
        """Detect on a batch: alerts first, then snapshots; offsets are committed after both."""
        by_partition: dict[int, list[Any]] = defaultdict(list)
        for message in messages:
            by_partition[message.partition].append(message)
        for partition, batch in by_partition.items():
            # Faust may hand out records before it has announced their partition, so a partition
            # is taken over when its first record comes.
            owned = self._owned.get(partition)
            if owned is None and self._is_assigned(partition):
                owned = await self._take_over(partition)
            if owned is None:
                # Read before a rebalance took the partition away; its new owner reads it again.
                log.info("batch_of_lost_partition", partition=partition, records=len(batch))
                continue
            await self._detect(partition, owned, batch)

    async def _take_over(self, partition: int) -> OwnedPartition:
        restored = await self._store.take_over(partition)
        detector = PartitionDetector(self._config)
        detector.restore(restored.snapshots)
        owned = self._owned[partition] = OwnedPartition(restored.epoch, detector)
        log.info(
            "partition_taken_over",
            partition=partition,
            epoch=restored.epoch,
            assets=len(restored.snapshots),
        )
        return owned

    async def _detect(self, partition: int, owned: OwnedPartition, batch: Sequence[Any]) -> None:
        detector = owned.detector
        before = _left_out(detector)
        records: list[OutputRecord] = []
        decided: list[tuple[CascadeAlert, Liquidation | None]] = []
        for message in batch:
            if message.value is None:
                clock_ms = integer_header(message.headers, CLOCK_MS) or 0
                alerts, event = detector.heartbeat(clock_ms, message.offset), None
            else:
                try:
                    event = decode(Liquidation, message.value)
                except DecodeError as error:
                    records.append(self._rejected(message, error))
                    continue
                alerts = detector.apply(event, message.offset)
            decided.extend((alert, event) for alert in alerts)
        records.extend(
            OutputRecord(self._topics.cascades, alert.cascade_id.encode(), encode(alert))
            for alert, _ in decided
        )
        await self._output.deliver(records)
        await self._store.write(partition, owned.epoch, detector.touched())
        for reason, count in _left_out(detector).items():
            LEFT_OUT.labels(reason).inc(count - before[reason])
        for alert, event in decided:
            _measure(alert, event)

    def _rejected(self, message: Any, error: DecodeError) -> OutputRecord:
        rejected = Rejected(
            reason=RejectReason.UNKNOWN_MESSAGE,
            detail=f"not a liquidation record: {error}"[:300],
            exchange="",
            feed="",
            received_at_ms=int(message.timestamp * 1000),
            payload=message.value,
            stage="detect",
            source=Source(message.topic, message.partition, message.offset),
        )
        REJECTED.labels("", rejected.reason).inc()
        return OutputRecord(self._topics.rejected, b"detect", encode(rejected))


def _left_out(detector: PartitionDetector) -> dict[str, int]:
    return {
        "duplicate": detector.duplicates,
        "late": detector.late,
        "implausible": detector.implausible,
        "future": detector.future,
    }


def _measure(alert: CascadeAlert, event: Liquidation | None) -> None:
    ALERTS.labels(alert.type).inc()
    if alert.type is AlertType.ENDED:
        CASCADE_RISK.labels(alert.asset, alert.side).set(0)
    else:
        CASCADE_RISK.labels(alert.asset, alert.side).set(alert.risk_score)
    if event is not None and alert.type is not AlertType.ENDED:
        now_ms = time.time() * 1000
        EXCHANGE_TO_ALERT.observe(max(0.0, now_ms - event.timestamp_ms) / 1000)
        RECEIVED_TO_ALERT.observe(max(0.0, now_ms - event.received_at_ms) / 1000)
    log.info(
        "cascade",
        type=alert.type,
        asset=alert.asset,
        side=alert.side,
        risk_score=alert.risk_score,
        value_usd=str(alert.total_value_usd),
        cascade_id=alert.cascade_id,
    )
