"""The market stage: pulses in; alerts of the market and links to it out, exact across crashes.

It reads the one partition of the pulse topic. What it publishes depends on what each events
partition said, not on how they interleave: a second is judged when all of them have passed it.
"""

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liq.processors.cascades.market import MarketDetector
from liq.processors.cascades.snapshot import (
    MARKET,
    SnapshotError,
    market_changes,
    market_from_parts,
)
from liq.processors.stages.feed_records import feed_record
from liq.processors.stages.output import Output
from liq.processors.stages.owned import BatchResult, Group, OwnedPartition, OwnedStage
from liq.processors.stages.pulses import beat_of, checked_alert
from liq.processors.stages.rejections import refused_record
from liq.processors.stages.state import RestoredState
from liq.processors.stages.status import MarketView
from liq.processors.stages.waiting import WaitingSources, waiting_status
from liq.runtime.log_gaps import EVERY_EXCHANGE
from liq.runtime.logs import get_logger
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.cloud_events import alert_headers
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.headers import (
    CASCADE,
    LOG,
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

    `is_changed` is False where only clocks have moved since the last snapshot: sources report
    them again every second.
    """

    detector: MarketDetector
    last_offset: int
    waiting: WaitingSources
    is_changed: bool = False
    events_log: str = ""


class MarketStage(OwnedStage[MarketProgress]):
    """Runs the `MarketDetector` while the pulse topic's only partition is ours."""

    def __init__(self, settings: Settings, output: Output, group: Group) -> None:
        """Store the market's state in a topic of its own."""
        topics = settings.topics
        super().__init__(settings, output, group, topics.pulse, topics.market_state)
        self._connection = f"{settings.worker_slot}:{MARKET}"

    async def view(self) -> MarketView | None:
        """Return what the market's detection knows; None while the pulse topic is not ours.

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
        sources = await self._output.partitions(self._topics.events)
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
            if message.value is not None or state.held or state.running:
                progress.is_changed = True
            try:
                if text_header(message.headers, RECORD) == REPLACED:
                    alerts += _start_over(progress, message)
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
            # The market waits for every source: a made-up one would stop it.
            raise DecodeError(f"source_partition: the events topic has no partition {source}")
        if message.value is None:
            return [] if source is None else detector.heartbeat(clock_ms, source)
        if source is None:
            raise DecodeError("no header says which partition it is about")
        if text_header(message.headers, RECORD) == CASCADE:
            alert = checked_alert(decode(CascadeAlert, message.value))
            self._bounds.check(message, alert)
            detector.add(alert, clock_ms, source)
        else:
            pulse = decode(Pulse, message.value)
            self._bounds.check(message, pulse)
            detector.add(beat_of(pulse), clock_ms, source)
        return []

    def _waiting(self, progress: MarketProgress, message: Any) -> list[OutputRecord]:
        """Return the feed records of partitions that are waited for from this record on."""
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
        # What was waited for in the past is not told again.
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

    def _newest_ms(self, state: MarketProgress) -> int:
        return state.detector.newest_ms()

    def _heal(self, owned: OwnedPartition[MarketProgress], bound_ms: int) -> list[OutputRecord]:
        owned.state.is_changed = True
        return self._end_records(owned.partition, owned.state.detector.heal(bound_ms))

    def _changes(self, state: MarketProgress) -> Mapping[str, bytes | None]:
        if not state.is_changed:
            return {}
        state.is_changed = False
        changes = market_changes(state.detector.state)
        changes[MARKET] = OFFSET.pack(state.last_offset) + changes[MARKET]
        return changes

    def _rejected(self, message: Any, error: DecodeError) -> OutputRecord:
        return refused_record(self._topics.rejected, "market", message, f"not a pulse: {error}")


def _start_over(progress: MarketProgress, message: Any) -> list[CascadeAlert]:
    """Begin anew at the first source that goes on with another log; return what that ends.

    What other sources still say of the log before is no more than they had read of it.

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
