"""The market stage: pulses in; alerts of the market and links to it out, exact across crashes.

It reads the one partition of the pulse topic. What it publishes depends on what each events
partition said, not on how they interleave: a second is judged when all of them have passed it.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liq.processors.cascades.market import MarketDetector
from liq.processors.cascades.snapshot import SnapshotError, market_from_bytes, market_to_bytes
from liq.processors.stages.output import Output
from liq.processors.stages.owned import BatchResult, Group, OwnedPartition, OwnedStage
from liq.processors.stages.pulses import beat_of
from liq.processors.stages.rejections import refused_record
from liq.processors.stages.state import RestoredState
from liq.runtime.logs import get_logger
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.cloud_events import alert_headers
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.headers import (
    CASCADE,
    CLOCK_MS,
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

MARKET: Final = "market"
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
    is_changed: bool = False
    events_log: str = ""


class MarketStage(OwnedStage[MarketProgress]):
    """Runs the `MarketDetector` while the pulse topic's only partition is ours."""

    def __init__(self, settings: Settings, output: Output, group: Group) -> None:
        """Store the market's state in a topic of its own."""
        topics = settings.topics
        super().__init__(settings, output, group, topics.pulse, topics.market_state)

    async def _restore(self, restored: RestoredState, note: str) -> MarketProgress:  # noqa: ARG002 - it commits none
        sources = await self._output.partitions(self._topics.events)
        detector, last_offset = MarketDetector(self._config, sources), -1
        data = restored.snapshots.get(MARKET)
        if data is not None:
            try:
                (last_offset,) = OFFSET.unpack_from(data)
            except struct.error as error:
                raise SnapshotError(f"snapshot of the market: {error}") from error
            detector.state = market_from_bytes(data[OFFSET.size :], self._config, sources)
        log.info("market_taken_over", epoch=restored.epoch, is_new=data is None)
        return MarketProgress(detector, last_offset)

    def _apply(self, owned: OwnedPartition[MarketProgress], batch: Sequence[Any]) -> BatchResult:
        progress = owned.state
        alerts: list[CascadeAlert] = []
        rejected: list[OutputRecord] = []
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
                    alerts += _apply_pulse(progress.detector, message)
            except DecodeError as error:
                rejected.append(self._rejected(message, error))
        records = self._end_records(owned.partition, alerts)
        return BatchResult([*records, *rejected], alerts)

    def _clock_ms(self, state: MarketProgress) -> int:
        return state.detector.state.decided * SECOND_MS

    def _go_on(self, state: MarketProgress, published: Mapping[str, int]) -> set[str]:
        state.is_changed = True
        return state.detector.go_on(published)

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

    def _changes(self, state: MarketProgress) -> Mapping[str, bytes | None]:
        if not state.is_changed:
            return {}
        state.is_changed = False
        snapshot = OFFSET.pack(state.last_offset) + market_to_bytes(state.detector.state)
        return {MARKET: snapshot}

    def _rejected(self, message: Any, error: DecodeError) -> OutputRecord:
        return refused_record(self._topics.rejected, "market", message, f"not a pulse: {error}")


def _start_over(progress: MarketProgress, message: Any) -> list[CascadeAlert]:
    """Begin anew at the first source that goes on with another log; return what that ends.

    What other sources still say of the log before is no more than they had read of it.
    """
    source = integer_header(message.headers, SOURCE_PARTITION)
    log_name = text_header(message.headers, LOG)
    ended: list[CascadeAlert] = []
    if log_name != progress.events_log:
        progress.events_log, progress.is_changed = log_name, True
        ended = progress.detector.start_over()
        log.warning("market_begins_anew", log=log_name, ended=len(ended))
    sources = progress.detector.state.sources
    if source in sources:
        sources[source] = 0
    return ended


def _apply_pulse(detector: MarketDetector, message: Any) -> list[CascadeAlert]:
    clock_ms = integer_header(message.headers, CLOCK_MS) or 0
    source = integer_header(message.headers, SOURCE_PARTITION)
    if message.value is None:
        return [] if source is None else detector.heartbeat(clock_ms, source)
    if source is None:
        raise DecodeError("no header says which partition it is about")
    if text_header(message.headers, RECORD) == CASCADE:
        detector.add(decode(CascadeAlert, message.value), clock_ms, source)
    else:
        detector.add(beat_of(decode(Pulse, message.value)), clock_ms, source)
    return []
