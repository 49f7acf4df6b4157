"""Backlogs for normalize and detect: the log of a run, and the expected outputs. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from benchmarks.workers.logs import Log, LogRecord, Partitioner, grouped
from benchmarks.workers.recorded import Frame, assets_of, read_recorded, repeat
from liq.processors.cascades import DetectorConfig, MarketDetector, PartitionDetector
from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.producers.feeds.record_key import record_key
from liq.schemas.codec import encode
from liq.schemas.headers import HEARTBEAT_KEY, FrameHeaders, heartbeat_headers
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.units import MILLISECOND_NS, SECOND_MS
from liq.schemas.vocabulary import AlertType

START_MS: Final = 1_790_000_000_000
PER_SECOND: Final = 1_000
#: Silence after a part of the log, in which every cascade ends.
SILENCE_MS: Final = 600_000
CONFIG: Final = NormalizerConfig(Decimal(100_000), Decimal(100))


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a backlog; `count` is the number of its events, `outputs` that of its outputs."""

    log: Log
    count: int
    outputs: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """A warm-up for every partition of a worker, and the part that is measured.

    `first` is the topic and partition count of the worker's first output, `last` of the counted
    one.
    """

    stage: str
    warm: Part
    measured: Part
    exchanges: tuple[str, ...]
    first: tuple[str, int]
    last: tuple[str, int]


class Logs:
    """A generator of the backlogs of both stages, from the same frames."""

    def __init__(self, *, partitions: int, assets: Sequence[str] | None = None) -> None:
        self._partitions = partitions
        self._partition_of = Partitioner(partitions)
        self._book = load_snapshot()
        self._recorded = read_recorded()
        self._assets = assets or assets_of(self._book)

    def frames(self, count: int, start_ms: int) -> Iterator[Frame]:
        """Return recorded frames with times from `start_ms` on, over all assets."""
        return repeat(
            self._recorded, self._assets, count=count, start_ms=start_ms, per_second=PER_SECOND
        )

    def raw(self, frames: Iterable[Frame]) -> Part:
        """Return frames in the form of their producers, with the number of their events."""
        rows, events = [], 0
        for number, frame in enumerate(frames):
            key = record_key(frame.exchange, frame.value)
            received_ns = frame.received_at_ms * MILLISECOND_NS
            headers = FrameHeaders(frame.exchange, frame.feed, received_ns, "benchmark", number)
            record = LogRecord(key, frame.value, headers.encode())
            rows.append((f"raw.{frame.exchange}", self._partition_of(key), record))
            events += len(self._events(frame))
        return Part(grouped(rows), events, events)

    def normalize(self, warm: int, measured: int) -> Backlog:
        """Return a backlog of frames, with a second between the two parts."""
        later_ms = START_MS + warm * SECOND_MS // PER_SECOND + SECOND_MS
        return Backlog(
            "normalize",
            self.raw(self.frames(warm, START_MS)),
            self.raw(self.frames(measured, later_ms)),
            ("binance", "bybit", "okx"),
            ("events", self._partitions),
            ("events", self._partitions),
        )

    def detect(self, warm: int, measured: int) -> Backlog:
        """Return a backlog of the frames' liquidations in two parts."""
        first, second = self.liquidations(warm, measured)
        return Backlog("detect", first, second, (), ("pulse", 1), ("cascades", self._partitions))

    def liquidations(self, *counts: int) -> list[Part]:
        """Return one part per count of frames, with a heartbeat a second in every partition.

        Silence ends each part, so that its last alerts show that all of it was handled.
        """
        expected = ExpectedAlerts(self._partitions)
        parts, start_ms = [], START_MS
        for count in counts:
            parts.append(self._liquidations(self.frames(count, start_ms), expected))
            start_ms += 2 * SILENCE_MS + count * SECOND_MS // PER_SECOND
        return parts

    def _liquidations(self, frames: Iterable[Frame], expected: "ExpectedAlerts") -> Part:
        rows: list[tuple[str, int, LogRecord]] = []
        count = clock_ms = alerts = 0
        for frame in frames:
            if frame.received_at_ms // SECOND_MS > clock_ms // SECOND_MS:
                clock_ms = frame.received_at_ms
                alerts += self._beat(rows, clock_ms, expected)
            for event in self._events(frame):
                key = event.base.encode()
                partition = self._partition_of(key)
                rows.append(("events", partition, LogRecord(key, encode(event))))
                alerts += expected.event(partition, event)
                count += 1
        alerts += self._beat(rows, clock_ms + SILENCE_MS, expected)
        return Part(grouped(rows), count, alerts)

    def _beat(
        self, rows: list[tuple[str, int, LogRecord]], clock_ms: int, expected: "ExpectedAlerts"
    ) -> int:
        record = LogRecord(HEARTBEAT_KEY, None, heartbeat_headers(clock_ms))
        alerts = 0
        for partition in range(self._partitions):
            rows.append(("events", partition, record))
            alerts += expected.heartbeat(partition, clock_ms)
        return alerts

    def _events(self, frame: Frame) -> list[Liquidation]:
        metadata = FrameMetadata(frame.exchange, frame.feed, frame.received_at_ms)
        results = normalize(frame.value, metadata, self._book, CONFIG)
        return [result for result in results if isinstance(result, Liquidation)]


class ExpectedAlerts:
    """A counter of a log's cascade alerts, by the pure detectors."""

    def __init__(self, partitions: int) -> None:
        config = DetectorConfig()
        self._detectors = [PartitionDetector(config) for _ in range(partitions)]
        self._offsets = [0] * partitions
        self._market = MarketDetector(config, range(partitions))

    def event(self, partition: int, event: Liquidation) -> int:
        """Return the number of alerts from a liquidation, links included."""
        detector = self._detectors[partition]
        before_ms = detector.clock_ms
        return self._judge(partition, before_ms, detector.apply(event, self._next(partition)))

    def heartbeat(self, partition: int, clock_ms: int) -> int:
        """Return the number of alerts from a heartbeat, links included."""
        detector = self._detectors[partition]
        before_ms = detector.clock_ms
        return self._judge(
            partition, before_ms, detector.heartbeat(clock_ms, self._next(partition))
        )

    def _next(self, partition: int) -> int:
        self._offsets[partition] += 1
        return self._offsets[partition] - 1

    def _judge(self, partition: int, before_ms: int, decided: Iterable[object]) -> int:
        count = 0
        for item in decided:
            if isinstance(item, CascadeAlert):
                if item.type is AlertType.WATCH:
                    continue
                count += 1
            self._market.add(item, before_ms, partition)  # type: ignore[arg-type]
        clock_ms = self._detectors[partition].clock_ms
        if clock_ms > before_ms:
            count += len(self._market.heartbeat(clock_ms, partition))
        return count
