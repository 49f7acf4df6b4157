"""The detecting stage: liquidations in; pulses, watches and alerts of single assets out.

Alerts and watches are published as soon as they are decided. Pulses, and the alerts once more, go
to the market stage by way of the pulse topic: the market stage links cascades to the market's.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from liq.processors.cascades.decoding import decode_observation
from liq.processors.cascades.partition import Made, PartitionDetector
from liq.processors.stages.output import Output
from liq.processors.stages.owned import BatchResult, Group, OwnedPartition, OwnedStage
from liq.processors.stages.pulses import pulse_of
from liq.processors.stages.rejections import refused_record
from liq.processors.stages.state import RestoredState
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ASSET_LABEL, BRANCHING_RATIO
from liq.runtime.sending import OutputRecord, partition_of
from liq.runtime.settings import Settings
from liq.schemas.cloud_events import alert_headers
from liq.schemas.codec import DecodeError, encode
from liq.schemas.headers import (
    CASCADE,
    CLOCK_MS,
    HEARTBEAT_KEY,
    PULSE,
    integer_header,
    pulse_headers,
    pulse_heartbeat_headers,
    replaced_headers,
)
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Scope, Side

#: The clock of a partition is committed with its offset: in a log that is out of order, the records
#: behind that offset do not tell it.
CLOCK_NOTE: Final = "clock_ms="
CLOCK: Final = re.compile(r"[0-9]{1,15}")

log = get_logger(__name__)


class DetectStage(OwnedStage[PartitionDetector]):
    """Runs one `PartitionDetector` per assigned events partition."""

    def __init__(self, settings: Settings, output: Output, group: Group) -> None:
        """Store the state of assets in the topic of detector states."""
        topics = settings.topics
        super().__init__(settings, output, group, topics.events, topics.detector_state)

    def _note(self, state: PartitionDetector) -> str:
        return f"{CLOCK_NOTE}{state.clock_ms}"

    async def _restore(self, restored: RestoredState, note: str) -> PartitionDetector:
        detector = PartitionDetector(self._config)
        detector.restore(restored.snapshots, _clock_of(note))
        log.info(
            "partition_taken_over",
            partition=restored.partition,
            epoch=restored.epoch,
            assets=len(restored.snapshots),
            clock_ms=detector.clock_ms,
        )
        return detector

    def _clock_ms(self, state: PartitionDetector) -> int:
        return state.clock_ms

    def _go_on(self, state: PartitionDetector, published: Mapping[str, int]) -> set[str]:
        return state.go_on(published)

    async def _is_own(self, alert: CascadeAlert, partition: int) -> bool:
        partitions = await self._output.partitions(self._topics.events)
        is_asset = alert.scope is Scope.ASSET
        return is_asset and partition_of(alert.asset.encode(), partitions) == partition

    def _end_records(self, partition: int, ended: Sequence[CascadeAlert]) -> list[OutputRecord]:
        return [
            record
            for alert in ended
            for record in self._records(partition, alert.timestamp_ms, alert)
        ]

    def _log_records(self, partition: int, log_name: str) -> list[OutputRecord]:
        headers = replaced_headers(partition, log_name)
        return [OutputRecord(self._topics.pulse, HEARTBEAT_KEY, None, headers)]

    def _apply(self, owned: OwnedPartition[PartitionDetector], batch: Sequence[Any]) -> BatchResult:
        detector = owned.state
        before, clock_ms = _left_out(detector), detector.clock_ms
        result = BatchResult()
        for message in batch:
            before_ms = detector.clock_ms
            if message.value is None:
                reached_ms = integer_header(message.headers, CLOCK_MS) or 0
                made = detector.heartbeat(reached_ms, message.offset)
            else:
                try:
                    view = decode_observation(message.value)
                except DecodeError as error:
                    result.records.append(self._rejected(message, error))
                    continue
                made = detector.apply_view(view, message.offset)
            for item in made:
                result.records += self._records(owned.partition, before_ms, item)
                if isinstance(item, CascadeAlert):
                    result.alerts.append(item)
        if detector.clock_ms > clock_ms:
            result.records.append(
                OutputRecord(
                    self._topics.pulse,
                    HEARTBEAT_KEY,
                    None,
                    pulse_heartbeat_headers(owned.partition, detector.clock_ms),
                )
            )
        result.left_out = {
            reason: count - before[reason] for reason, count in _left_out(detector).items()
        }
        return result

    def _changes(self, state: PartitionDetector) -> Mapping[str, bytes | None]:
        return state.touched()

    def _gauge(self, state: PartitionDetector, keys: Iterable[str]) -> None:
        for asset in keys:
            for side in Side:
                ratio = state.branching(asset, side)
                if ratio is not None:
                    BRANCHING_RATIO.labels(ASSET_LABEL.value(asset), side).set(ratio)

    def _records(self, partition: int, before_ms: int, item: Made) -> list[OutputRecord]:
        if not isinstance(item, CascadeAlert):
            pulse = encode(pulse_of(item))
            headers = pulse_headers(partition, PULSE, before_ms)
            return [OutputRecord(self._topics.pulse, item.base.encode(), pulse, headers)]
        asset, value = item.asset.encode(), encode(item)
        if item.type is AlertType.WATCH:
            return [OutputRecord(self._topics.watch, asset, value, alert_headers(item))]
        headers = pulse_headers(partition, CASCADE, before_ms)
        return [
            OutputRecord(
                self._topics.cascades, item.cascade_id.encode(), value, alert_headers(item)
            ),
            OutputRecord(self._topics.pulse, asset, value, headers),
        ]

    def _rejected(self, message: Any, error: DecodeError) -> OutputRecord:
        return refused_record(
            self._topics.rejected, "detect", message, f"not a liquidation record: {error}"
        )


def _clock_of(note: str) -> int:
    """Return the clock in a note of `DetectStage`; 0 where somebody else has committed."""
    digits = note.removeprefix(CLOCK_NOTE)
    return int(digits) if CLOCK.fullmatch(digits) else 0


def _left_out(detector: PartitionDetector) -> dict[str, int]:
    left_out = detector.left_out
    return {
        "duplicate": left_out.duplicates,
        "late": left_out.late,
        "implausible": left_out.implausible,
        "future": left_out.future,
        "history": left_out.history,
    }
