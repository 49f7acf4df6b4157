"""The market stage: pulses in, every cascade alert out, exact across crashes.

It reads the one partition of the pulse topic. What it publishes depends on what each events
partition said, not on how they interleave: a second is judged when all of them have passed it.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from liq.processors.cascades.market import MarketDetector
from liq.processors.cascades.snapshot import SnapshotError, market_from_bytes, market_to_bytes
from liq.processors.stages.detect import detector_config, measure
from liq.processors.stages.output import Output
from liq.processors.stages.pulses import beat_of
from liq.processors.stages.rejections import refused_record
from liq.processors.stages.state import DetectorStateStore
from liq.runtime.logs import get_logger
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.headers import (
    CASCADE,
    CLOCK_MS,
    RECORD,
    SOURCE_PARTITION,
    integer_header,
    text_header,
)
from liq.schemas.records import CascadeAlert, Pulse

MARKET = "market"
ONLY_PARTITION = 0
OFFSET = struct.Struct(">q")

log = get_logger(__name__)


@dataclass(slots=True)
class OwnedMarket:
    """The market's detector, its epoch in the state topic, and the last offset it has applied."""

    epoch: int
    detector: MarketDetector
    last_offset: int


class MarketStage:
    """Runs the `MarketDetector` while the pulse topic's partition is ours."""

    def __init__(
        self, settings: Settings, output: Output, is_assigned: Callable[[int], bool]
    ) -> None:
        """State lives in memory and, after every batch, in the market's state topic.

        `is_assigned` tells whether the consumer group gives us a pulse partition now.
        """
        self._topics = settings.topics
        self._config = detector_config(settings)
        self._output = output
        self._is_assigned = is_assigned
        self._store = DetectorStateStore(settings, output, settings.topics.market_state)
        self._owned: OwnedMarket | None = None

    def release(self) -> None:
        """Let go of the market: a rebalance may have given it to another worker meanwhile."""
        self._owned = None

    async def handle(self, messages: Sequence[Any]) -> None:
        """Judge a batch: alerts first, then the snapshot; offsets are committed after both."""
        if self._owned is None and self._is_assigned(ONLY_PARTITION):
            self._owned = await self._take_over()
        owned = self._owned
        if owned is None:
            # Read before a rebalance took the partition away; its new owner reads it again.
            log.info("batch_of_lost_partition", partition=ONLY_PARTITION, records=len(messages))
            return
        alerts: list[CascadeAlert] = []
        rejected: list[OutputRecord] = []
        for message in messages:
            if message.offset <= owned.last_offset:
                continue
            owned.last_offset = message.offset
            try:
                alerts += self._apply(owned.detector, message)
            except DecodeError as error:
                rejected.append(self._rejected(message, error))
        await self._output.deliver(
            [
                *(
                    OutputRecord(self._topics.cascades, alert.cascade_id.encode(), encode(alert))
                    for alert in alerts
                ),
                *rejected,
            ]
        )
        snapshot = OFFSET.pack(owned.last_offset) + market_to_bytes(owned.detector.state)
        await self._store.write(ONLY_PARTITION, owned.epoch, {MARKET: snapshot})
        for alert in alerts:
            measure(alert)

    async def _take_over(self) -> OwnedMarket:
        restored = await self._store.take_over(ONLY_PARTITION)
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
        return OwnedMarket(restored.epoch, detector, last_offset)

    def _apply(self, detector: MarketDetector, message: Any) -> list[CascadeAlert]:
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

    def _rejected(self, message: Any, error: DecodeError) -> OutputRecord:
        return refused_record(self._topics.rejected, "market", message, f"not a pulse: {error}")
