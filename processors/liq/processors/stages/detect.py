"""The detecting stage: it reads liquidations and writes pulses, watches and alerts of assets.

Alerts and watches are published as soon as they are decided. The pulse topic carries pulses and
copies of the alerts to the market stage, which links cascades of assets to market cascades.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition

from liq.processors.cascades.blind_venues import BlindVenues
from liq.processors.cascades.decoding import decode_observation
from liq.processors.cascades.partition import Made, PartitionDetector
from liq.processors.cascades.share import Share
from liq.processors.cascades.venue_clocks import VenueClocks
from liq.processors.stages.detect_note import DetectNote
from liq.processors.stages.growth import (
    growth_step,
    is_about_growth,
    is_misplaced,
    new_share,
    resumed_growth,
)
from liq.processors.stages.hooks import BatchResult, OwnedPartition
from liq.processors.stages.output import Output
from liq.processors.stages.owned import Group, OwnedStage
from liq.processors.stages.pulses import pulse_of
from liq.processors.stages.rebuilding import RELEARN_MS, read_before, read_left_alerts
from liq.processors.stages.rejections import refused_record
from liq.processors.stages.state import RestoredState
from liq.runtime.garbage import collecting_no_garbage
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ASSET_LABEL, BRANCHING_RATIO, ERRORS
from liq.runtime.sending import OutputRecord, partition_of
from liq.runtime.settings import Settings
from liq.schemas.cloud_events import alert_headers
from liq.schemas.codec import DecodeError, encode
from liq.schemas.headers import (
    BLIND_RUNS,
    CASCADE,
    HEARTBEAT_KEY,
    PULSE,
    VENUES,
    blind_header,
    grown_headers,
    pulse_headers,
    pulse_heartbeat_headers,
    replaced_headers,
    text_header,
)
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Scope, Side

log = get_logger(__name__)


class DetectStage(OwnedStage[PartitionDetector]):
    """The stage with one `PartitionDetector` for each assigned events partition."""

    def __init__(self, settings: Settings, output: Output, group: Group) -> None:
        """Store the state of assets in the topic of detector states."""
        topics = settings.topics
        super().__init__(settings, output, group, topics.events, topics.detector_state)

    def _note(self, state: PartitionDetector) -> str:
        return DetectNote(
            clock_ms=state.clock_ms,
            jumped_from_ms=state.jumped_from_ms,
            venues=state.venue_clocks.to_text(),
            blind=state.blind_venues.to_text(),
        ).to_text()

    async def _restore(self, restored: RestoredState, note: str) -> PartitionDetector:
        detector = PartitionDetector(self._config)
        share = detector.share = new_share(restored.partition)
        share.restore(restored.share)
        known = DetectNote.from_text(note)
        clocks = known.clock_ms, known.jumped_from_ms
        # Restore the clock also for a partition without assets.
        detector.restore({}, *clocks)
        with collecting_no_garbage():
            restored.restore(lambda snapshots: detector.restore(snapshots, *clocks))
        for asset in detector.hand_over(share.is_own):
            restored.snapshots.pop(asset, None)  # written late by a previous owner; it has moved
        detector.venue_clocks = VenueClocks.from_text(known.venues)
        detector.blind_venues = BlindVenues.from_text(known.blind)
        log.info(
            "partition_taken_over",
            partition=restored.partition,
            epoch=restored.epoch,
            assets=len(restored.snapshots),
            clock_ms=detector.clock_ms,
        )
        return detector

    async def _relearn(self, state: PartitionDetector, partition: int, until: int) -> None:
        owned = OwnedPartition(partition, 0, PartitionDetector(self._config))
        place = TopicPartition(self._topics.events, partition)
        count = await read_before(
            self._settings, place, until, RELEARN_MS, lambda batch: self._apply(owned, batch)
        )
        learned = owned.state
        state.learn(learned.venue_clocks.to_text(), learned.blind_venues.to_text())
        log.info("venues_relearned", partition=partition, records=count)

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

    async def _left_alerts(self) -> list[CascadeAlert]:
        return await read_left_alerts(self._settings)

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
        share = detector.share
        for message in batch:
            before_ms = detector.clock_ms
            if message.value is None:
                clock_ms = self._bounds.clock_ms(message)
                if share is not None and is_about_growth(message):
                    records, made = self._follow_growth(owned, share, message, clock_ms or 0)
                    result.records += records
                else:
                    made = []
                    if clock_ms is not None:
                        blind = blind_header(message.headers)
                        made = detector.heartbeat(clock_ms, message.offset, blind)
            else:
                try:
                    view = self._bounds.view(message, decode_observation(message.value))
                except DecodeError as error:
                    result.records.append(self._rejected(message, error))
                    continue
                if share is not None and share.count and is_misplaced(share, view):
                    detector.left_out.misplaced += 1
                    continue
                made = detector.apply_view(view, message.offset)
            for item in made:
                result.records += self._records(owned.partition, before_ms, item)
                if isinstance(item, CascadeAlert):
                    result.alerts.append(item)
        result.records += self._feed_records()
        if detector.clock_ms > began_ms:
            headers = pulse_heartbeat_headers(owned.partition, detector.clock_ms)
            result.records.append(OutputRecord(self._topics.pulse, HEARTBEAT_KEY, None, headers))
        result.left_out = {
            reason: count - before[reason] for reason, count in _left_out(detector).items()
        }
        return result

    async def _prepare(
        self, batches: Sequence[tuple[OwnedPartition[PartitionDetector], Sequence[Any]]]
    ) -> None:
        growths = {
            owned.partition: growth
            for owned, batch in batches
            if (growth := resumed_growth(owned.state.share, batch))
        }
        if growths:
            moved = await self._store.read_moved(growths)
            for owned, _ in batches:
                if owned.state.share is not None and owned.partition in moved:
                    owned.state.share.arrived = moved[owned.partition]

    def _follow_growth(
        self,
        owned: OwnedPartition[PartitionDetector],
        share: Share,
        message: Any,
        clock_ms: int,
    ) -> tuple[list[OutputRecord], list[Made]]:
        """Hand over assets at a handoff, and add arriving assets at a resumption."""
        detector, offset = owned.state, message.offset
        step = growth_step(message)
        if step.is_handoff:
            made, leaving = detector.hand_off(step.growth, step.partitions, clock_ms, offset)
            if leaving:
                share.leaving = leaving
                log.info("assets_leave", partition=owned.partition, assets=len(leaving))
            return [], made
        made = detector.heartbeat(clock_ms, offset) if clock_ms else []
        if not share.resume(step.growth, step.partitions):
            return [], made
        arrived, share.arrived = share.arrived, {}
        unreadable = detector.take_in(arrived, offset)
        if unreadable:
            ERRORS.labels("moved_state").inc(len(unreadable))
            log.error("moved_state_unreadable", partition=owned.partition, assets=unreadable)
        detector.learn(
            text_header(message.headers, VENUES), text_header(message.headers, BLIND_RUNS)
        )
        share.taken = tuple(arrived)
        log.info("assets_arrive", partition=owned.partition, assets=len(arrived))
        grown = grown_headers(owned.partition, step.partitions)
        grows = OutputRecord(self._topics.pulse, HEARTBEAT_KEY, None, grown)
        return [grows], made

    def _passed_on(self, owned: OwnedPartition[PartitionDetector]) -> list[OutputRecord]:
        share = owned.state.share
        if share is None or not share.leaving:
            return []
        leaving, share.leaving = share.leaving, {}
        return [
            self._store.moved_record(partition, share.growth, asset, data)
            for asset, (partition, data) in leaving.items()
        ]

    def _share_records(self, owned: OwnedPartition[PartitionDetector]) -> list[OutputRecord]:
        share = owned.state.share
        if share is None or not share.is_changed:
            return []
        share.is_changed = False
        taken, share.taken = share.taken, ()
        return [
            self._store.share_record(owned.partition, owned.epoch, share.to_bytes()),
            *(
                self._store.moved_record(owned.partition, share.growth, asset, None)
                for asset in taken
            ),
        ]

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
        detail = f"not a liquidation record: {error}"
        return refused_record(self._topics.rejected, "detect", message, detail)


def _left_out(detector: PartitionDetector) -> dict[str, int]:
    left_out = detector.left_out
    return {
        "duplicate": left_out.duplicates,
        "late": left_out.late,
        "implausible": left_out.implausible,
        "future": left_out.future,
        "history": left_out.history,
        "misplaced": left_out.misplaced,
    }
