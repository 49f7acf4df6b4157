"""The detecting stage: liquidations in; pulses, watches and alerts of single assets out.

Pulses and alerts go to the market stage by way of the pulse topic, which publishes the alerts
with their parents. Watches, which have none, are published at once.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from liq.processors.cascades.config import DetectorConfig
from liq.processors.cascades.partition import Made, PartitionDetector
from liq.processors.stages.output import Output
from liq.processors.stages.pulses import pulse_of
from liq.processors.stages.rejections import refused_record
from liq.processors.stages.state import DetectorStateStore
from liq.runtime.logs import get_logger
from liq.runtime.metrics import (
    ALERTS,
    ASSET_LABEL,
    BRANCHING_RATIO,
    CASCADE_RISK,
    EXCHANGE_TO_ALERT,
    LEFT_OUT,
    RECEIVED_TO_ALERT,
)
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.headers import (
    CASCADE,
    CLOCK_MS,
    HEARTBEAT_KEY,
    PULSE,
    integer_header,
    pulse_headers,
    pulse_heartbeat_headers,
)
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType, Side

log = get_logger(__name__)


def detector_config(settings: Settings) -> DetectorConfig:
    """The detector's part of the settings."""
    return DetectorConfig(
        window_seconds=settings.cascade_window_seconds,
        min_events=settings.cascade_min_events,
        min_value_usd=settings.cascade_min_value_usd,
        min_value_usd_by_asset=settings.cascade_min_value_usd_by_asset,
        start_nats=settings.cascade_start_nats,
        score_gate=settings.cascade_score_gate,
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
        self._store = DetectorStateStore(settings, output, settings.topics.detector_state)
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
        watched: list[CascadeAlert] = []
        for message in batch:
            before_ms = detector.clock_ms
            if message.value is None:
                clock_ms = integer_header(message.headers, CLOCK_MS) or 0
                made = detector.heartbeat(clock_ms, message.offset)
            else:
                try:
                    event = decode(Liquidation, message.value)
                except DecodeError as error:
                    records.append(self._rejected(message, error))
                    continue
                made = detector.apply(event, message.offset)
            for item in made:
                records.append(self._record(partition, before_ms, item))
                if isinstance(item, CascadeAlert) and item.type is AlertType.WATCH:
                    watched.append(item)
        records.append(
            OutputRecord(
                self._topics.pulse,
                HEARTBEAT_KEY,
                None,
                pulse_heartbeat_headers(partition, detector.clock_ms),
            )
        )
        await self._output.deliver(records)
        touched = detector.touched()
        await self._store.write(partition, owned.epoch, touched)
        for reason, count in _left_out(detector).items():
            LEFT_OUT.labels(reason).inc(count - before[reason])
        for alert in watched:
            measure(alert)
        _gauge(detector, touched)

    def _record(self, partition: int, before_ms: int, item: Made) -> OutputRecord:
        if isinstance(item, CascadeAlert):
            if item.type is AlertType.WATCH:
                return OutputRecord(self._topics.watch, item.asset.encode(), encode(item))
            return OutputRecord(
                self._topics.pulse,
                item.asset.encode(),
                encode(item),
                pulse_headers(partition, CASCADE, before_ms),
            )
        return OutputRecord(
            self._topics.pulse,
            item.base.encode(),
            encode(pulse_of(item)),
            pulse_headers(partition, PULSE, before_ms),
        )

    def _rejected(self, message: Any, error: DecodeError) -> OutputRecord:
        return refused_record(
            self._topics.rejected, "detect", message, f"not a liquidation record: {error}"
        )


def _left_out(detector: PartitionDetector) -> dict[str, int]:
    left_out = detector.left_out
    return {
        "duplicate": left_out.duplicates,
        "late": left_out.late,
        "implausible": left_out.implausible,
        "future": left_out.future,
    }


def _gauge(detector: PartitionDetector, assets: Iterable[str]) -> None:
    for asset in assets:
        for side in Side:
            ratio = detector.branching(asset, side)
            if ratio is not None:
                BRANCHING_RATIO.labels(ASSET_LABEL.value(asset), side).set(ratio)


def measure(alert: CascadeAlert) -> None:
    """Count an alert that was published, and how long it took since the second it decides on."""
    ALERTS.labels(alert.type).inc()
    if alert.type is AlertType.WATCH:
        return
    asset = ASSET_LABEL.value(alert.asset or alert.scope)
    CASCADE_RISK.labels(asset, alert.side).set(
        0 if alert.type is AlertType.ENDED else alert.risk_score
    )
    if alert.type is not AlertType.ENDED and alert.analysis is not None:
        now_ms = time.time() * 1000
        EXCHANGE_TO_ALERT.observe(max(0.0, now_ms - alert.analysis.last_event_ms) / 1000)
        RECEIVED_TO_ALERT.observe(max(0.0, now_ms - alert.timestamp_ms) / 1000)
    log.info("cascade", type=alert.type, cascade_id=alert.cascade_id, text=alert.explanation)
