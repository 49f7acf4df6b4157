"""The detecting stage: liquidations in; pulses, watches and alerts of single assets out.

Alerts and watches are published as soon as they are decided. Pulses, and the alerts once more, go
to the market stage by way of the pulse topic: the market stage links cascades to the market's.
"""

import gc
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from liq.processors.cascades.decoding import decode_observation
from liq.processors.cascades.partition import Made, PartitionDetector
from liq.processors.cascades.venue_clocks import VenueClocks
from liq.processors.stages.log_identity import split_note
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
    HEARTBEAT_KEY,
    PULSE,
    pulse_headers,
    pulse_heartbeat_headers,
    replaced_headers,
)
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Scope, Side

#: The clock of a partition is committed with its offset: in a log that is out of order, the records
#: behind that offset do not tell it.
CLOCK_NOTE: Final = "clock_ms="
#: So are the lags of venues, which are learned from the records up to that offset.
VENUES_NOTE: Final = " venues="
CLOCK: Final = re.compile(r"clock_ms=([0-9]{1,15})(?:<([0-9]{1,15}))?")
JUMPED_FROM: Final = "<"

log = get_logger(__name__)


class DetectStage(OwnedStage[PartitionDetector]):
    """Runs one `PartitionDetector` per assigned events partition."""

    def __init__(self, settings: Settings, output: Output, group: Group) -> None:
        """Store the state of assets in the topic of detector states."""
        topics = settings.topics
        super().__init__(settings, output, group, topics.events, topics.detector_state)

    def _note(self, state: PartitionDetector) -> str:
        clock = f"{CLOCK_NOTE}{state.clock_ms}"
        if state.jumped_from_ms is not None:
            clock = f"{clock}{JUMPED_FROM}{state.jumped_from_ms}"
        venues = state.venue_clocks.to_text()
        return f"{clock}{VENUES_NOTE}{venues}" if venues else clock

    async def _restore(self, restored: RestoredState, note: str) -> PartitionDetector:
        detector = PartitionDetector(self._config)
        clock_note, _, venues_note = note.partition(VENUES_NOTE)
        clocks = _clocks_of(clock_note)
        # The clock is known of a partition without any asset, too.
        detector.restore({}, *clocks)
        with _collecting_no_garbage():
            restored.restore(lambda snapshots: detector.restore(snapshots, *clocks))
        detector.venue_clocks = VenueClocks.from_text(venues_note)
        log.info(
            "partition_taken_over",
            partition=restored.partition,
            epoch=restored.epoch,
            assets=len(restored.snapshots),
            clock_ms=detector.clock_ms,
        )
        return detector

    def _last_offset(self, state: PartitionDetector) -> int:
        return state.last_offset

    def _clock_ms(self, state: PartitionDetector) -> int:
        return state.clock_ms

    def _go_on(self, state: PartitionDetector, published: Mapping[str, int]) -> set[str]:
        return state.go_on(published)

    def _adopt(
        self, state: PartitionDetector, rebuilt: PartitionDetector, lost: Collection[str] | None
    ) -> PartitionDetector:
        state.adopt(rebuilt, lost)
        return state

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
        before, began_ms = _left_out(detector), detector.clock_ms
        result = BatchResult()
        for message in batch:
            before_ms = detector.clock_ms
            if message.value is None:
                clock_ms = self._bounds.clock_ms(message)
                made = [] if clock_ms is None else detector.heartbeat(clock_ms, message.offset)
            else:
                try:
                    view = self._bounds.view(message, decode_observation(message.value))
                except DecodeError as error:
                    result.records.append(self._rejected(message, error))
                    continue
                made = detector.apply_view(view, message.offset)
            for item in made:
                result.records += self._records(owned.partition, before_ms, item)
                if isinstance(item, CascadeAlert):
                    result.alerts.append(item)
        result.records += self._feed_records()
        if detector.clock_ms > began_ms:
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

    def _newest_ms(self, state: PartitionDetector) -> int:
        return state.newest_ms()

    def _heal(self, owned: OwnedPartition[PartitionDetector], bound_ms: int) -> list[OutputRecord]:
        made = owned.state.heal(bound_ms)
        return [each for item in made for each in self._records(owned.partition, bound_ms, item)]

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


@contextmanager
def _collecting_no_garbage() -> Iterator[None]:
    """Pause the collector: of 50,000 assets that are made and kept, it took half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def clock_of_note(note: str) -> int:
    """Return the clock in what `DetectStage` has committed; 0 where somebody else has."""
    own_note, _ = split_note(note)
    return _clocks_of(own_note.partition(VENUES_NOTE)[0])[0]


def _clocks_of(note: str) -> tuple[int, int | None]:
    """Return the clock in a note of `DetectStage`, and the one before an unconfirmed jump.

    The clock is 0 where somebody else has committed.
    """
    found = CLOCK.fullmatch(note)
    if found is None:
        return 0, None
    clock_ms, jumped_from_ms = found.groups()
    return int(clock_ms), None if jumped_from_ms is None else int(jumped_from_ms)


def _left_out(detector: PartitionDetector) -> dict[str, int]:
    left_out = detector.left_out
    return {
        "duplicate": left_out.duplicates,
        "late": left_out.late,
        "implausible": left_out.implausible,
        "future": left_out.future,
        "history": left_out.history,
    }
