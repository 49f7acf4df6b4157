"""The market stage: from pulses to alerts of the market and links, exact across crashes.

It reads the single partition of the pulse topic. Its output depends on the records of each events
partition, but not on their interleaving: it evaluates a second when all partitions have passed it.
"""

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liq.processors.cascades.market import MarketDetector
from liq.processors.cascades.snapshot import (
    MARKET,
    market_changes,
    market_from_parts,
    publishes_alerts_of_assets,
)
from liq.processors.cascades.snapshot_frame import SnapshotError
from liq.processors.stages.feed_records import feed_record
from liq.processors.stages.hooks import BatchResult, OwnedPartition
from liq.processors.stages.output import Output
from liq.processors.stages.owned import Group, OwnedStage
from liq.processors.stages.pulses import beat_of, checked_alert
from liq.processors.stages.rejections import refused_record
from liq.processors.stages.state import RestoredState
from liq.processors.stages.status import MarketView
from liq.processors.stages.waiting import WaitingSources, waiting_status
from liq.runtime.log_gaps import EVERY_EXCHANGE
from liq.runtime.logs import get_logger
from liq.runtime.metrics import MARKET_HELD
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.cloud_events import alert_headers
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.headers import (
    CASCADE,
    GROWN,
    LOG,
    PARTITIONS,
    PUBLISHED,
    RECORD,
    REPLACED,
    SOURCE_PARTITION,
    integer_header,
    text_header,
)
from liq.schemas.records import CascadeAlert, Pulse
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import Scope

OFFSET: Final = struct.Struct(">q")

log = get_logger(__name__)


@dataclass(slots=True)
class MarketProgress:
    """The market's detector, and the offset of the last pulse that it has applied.

    `is_changed` stays False while only clocks have advanced since the last snapshot, because
    sources report them again every second. `unpublished` are alerts of assets from a release in
    which the market's stage published them.
    """

    detector: MarketDetector
    last_offset: int
    waiting: WaitingSources
    is_changed: bool = False
    events_log: str = ""
    unpublished: tuple[CascadeAlert, ...] = ()


class MarketStage(OwnedStage[MarketProgress]):
    """The stage that runs the `MarketDetector` of the pulse topic's single partition."""

    def __init__(self, settings: Settings, output: Output, group: Group) -> None:
        """Configure the stage to store its state in the topic of the market's state."""
        topics = settings.topics
        super().__init__(settings, output, group, topics.pulse, topics.market_state)
        self._connection = f"{settings.worker_slot}:{MARKET}"

    async def view(self) -> MarketView | None:
        """Return the progress of the market's detection; None without the pulse topic's partition.

        Raises:
            KafkaError: the brokers do not answer.
        """
        await self.own()
        for partition in self._group.assigned():
            owned = self._owned.get(partition)
            if owned is not None:
                state = owned.state.detector.state
                return MarketView(dict(state.sources), state.decided, owned.state.waiting.waiting)
        return None

    async def _restore(self, restored: RestoredState, note: str) -> MarketProgress:  # noqa: ARG002 - it commits none
        sources = await self._output.sources()
        progress = MarketProgress(
            MarketDetector(self._config, sources), -1, WaitingSources(sources)
        )

        parts: dict[str, bytes] = {}

        def restore(snapshots: Mapping[str, bytes]) -> Mapping[str, str]:
            parts.update(snapshots)
            data = snapshots.get(MARKET)
            if data is None:
                return {}
            try:
                (last_offset,) = OFFSET.unpack_from(data)
                parts[MARKET] = data[OFFSET.size :]
                state = market_from_parts(parts, self._config, sources)
            except (struct.error, SnapshotError) as error:
                return {MARKET: str(error)}
            progress.detector.state, progress.last_offset = state, last_offset
            if publishes_alerts_of_assets(parts[MARKET]):
                progress.unpublished = tuple(
                    alert for _, alerts in state.held.values() for alert in alerts
                )
            return {}

        restored.restore(restore)
        is_new = MARKET not in restored.snapshots
        log.info("market_taken_over", epoch=restored.epoch, is_new=is_new)
        return progress

    def _apply(self, owned: OwnedPartition[MarketProgress], batch: Sequence[Any]) -> BatchResult:
        progress = owned.state
        alerts: list[CascadeAlert] = []
        rejected: list[OutputRecord] = []
        waiting: list[OutputRecord] = []
        for message in batch:
            if message.offset <= progress.last_offset:
                continue
            progress.last_offset = message.offset
            state = progress.detector.state
            if message.value is not None or state.held or state.packed or state.running:
                progress.is_changed = True
            try:
                kind = text_header(message.headers, RECORD)
                if kind == REPLACED:
                    alerts += _start_over(progress, message)
                elif kind == GROWN:
                    _grow(progress, message, self._output.most_sources)
                else:
                    alerts += self._apply_pulse(progress.detector, message)
            except DecodeError as error:
                rejected.append(self._rejected(message, error))
                continue
            waiting += self._waiting(progress, message)
        ours = self._end_records(owned.partition, alerts)
        records = [*ours, *rejected, *waiting, *self._feed_records()]
        return BatchResult(records, alerts)

    def _apply_pulse(self, detector: MarketDetector, message: Any) -> list[CascadeAlert]:
        clock_ms = self._bounds.clock_ms(message) or 0
        source = integer_header(message.headers, SOURCE_PARTITION)
        if source is not None and source not in detector.state.sources:
            # The market waits for every source, so an invented one would stop it.
            raise DecodeError(f"source_partition: the events topic has no partition {source}")
        if message.value is None:
            return [] if source is None else detector.heartbeat(clock_ms, source)
        if source is None:
            raise DecodeError("no header says which partition it is about")
        if text_header(message.headers, RECORD) == CASCADE:
            alert = checked_alert(decode(CascadeAlert, message.value))
            self._bounds.check(message, alert)
            detector.add(alert, clock_ms, source)
            if not text_header(message.headers, PUBLISHED):
                return [alert]
        else:
            pulse = decode(Pulse, message.value)
            self._bounds.check(message, pulse)
            detector.add(beat_of(pulse), clock_ms, source)
        return []

    def _waiting(self, progress: MarketProgress, message: Any) -> list[OutputRecord]:
        """Return the feed records of partitions for which the market now waits."""
        source = integer_header(message.headers, SOURCE_PARTITION)
        clocks = progress.detector.state.sources
        if source not in clocks:
            return []
        records = []
        for partition in progress.waiting.note(source, message.timestamp, clocks):
            status = waiting_status(
                partition,
                clocks,
                topic=self._topics.events,
                exchange=EVERY_EXCHANGE,
                connection=self._connection,
            )
            log.warning("detection_waits", partition=partition, detail=status.detail)
            records.append(feed_record(self._topics.feeds, status))
        return records

    def _last_offset(self, state: MarketProgress) -> int:
        return state.last_offset

    def _clock_ms(self, state: MarketProgress) -> int:
        return state.detector.state.decided * SECOND_MS

    def _go_on(self, state: MarketProgress, published: Mapping[str, int]) -> set[str]:
        state.is_changed = True
        return state.detector.go_on(published)

    def _adopt(
        self,
        state: MarketProgress,
        rebuilt: MarketProgress,
        lost: Collection[str] | None,  # noqa: ARG002 - there is one state
    ) -> MarketProgress:
        # Waiting in the past must not be reported again.
        rebuilt.waiting = state.waiting
        return rebuilt

    async def _is_own(self, alert: CascadeAlert, partition: int) -> bool:  # noqa: ARG002 - there is one
        return alert.scope is Scope.MARKET

    def _end_records(self, partition: int, ended: Sequence[CascadeAlert]) -> list[OutputRecord]:  # noqa: ARG002
        return [
            OutputRecord(
                self._topics.cascades,
                alert.cascade_id.encode(),
                encode(alert),
                alert_headers(alert),
            )
            for alert in ended
        ]

    def _left_records(self, partition: int, state: MarketProgress) -> list[OutputRecord]:
        left, state.unpublished = state.unpublished, ()
        return self._end_records(partition, left)

    def _newest_ms(self, state: MarketProgress) -> int:
        return state.detector.newest_ms()

    def _heal(self, owned: OwnedPartition[MarketProgress], bound_ms: int) -> list[OutputRecord]:
        owned.state.is_changed = True
        return self._end_records(owned.partition, owned.state.detector.heal(bound_ms))

    def _changes(self, state: MarketProgress) -> Mapping[str, bytes | None]:
        if not state.is_changed:
            return {}
        state.is_changed = False
        detector = state.detector.state
        changes = market_changes(detector)
        changes[MARKET] = OFFSET.pack(state.last_offset) + changes[MARKET]
        return {**changes, **dict.fromkeys(detector.held_parts.take_stale())}

    def _gauge(self, state: MarketProgress, keys: Iterable[str]) -> None:  # noqa: ARG002 - one state
        MARKET_HELD.set(state.detector.state.held_items)

    def _rejected(self, message: Any, error: DecodeError) -> OutputRecord:
        return refused_record(self._topics.rejected, "market", message, f"not a pulse: {error}")


def _grow(progress: MarketProgress, message: Any, most: int) -> None:
    """Wait for more sources from now on; the records of further sources repeat the first one.

    Raises:
        DecodeError: the record names more sources than the announced `most`, for which the market
            would wait for ever.
    """
    count = integer_header(message.headers, PARTITIONS)
    source = integer_header(message.headers, SOURCE_PARTITION)
    if count is None or source is None or not source < count <= most:
        raise DecodeError("partitions: not a number of partitions that the events topic grows to")
    if progress.detector.grow(count):
        progress.is_changed = True
        log.warning("market_grows", partitions=count)


def _start_over(progress: MarketProgress, message: Any) -> list[CascadeAlert]:
    """Reset the market at the first source that reads another log; return the resulting ends.

    Other sources may still send what they had read of the previous log.

    Raises:
        DecodeError: the record names no log, or a partition that the events topic does not have.
    """
    sources = progress.detector.state.sources
    source = integer_header(message.headers, SOURCE_PARTITION)
    log_name = text_header(message.headers, LOG)
    if source not in sources or not log_name:
        raise DecodeError("a log that begins anew, without its name or a partition of the events")
    ended: list[CascadeAlert] = []
    if log_name != progress.events_log:
        progress.events_log, progress.is_changed = log_name, True
        ended = progress.detector.start_over()
        log.warning("market_begins_anew", log=log_name, ended=len(ended))
    progress.detector.state.sources[source] = 0
    return ended
