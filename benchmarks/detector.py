"""Microseconds an event through the cascade detector, beside looking at the whole window again.

    python benchmarks/detector.py [--seconds 2]

`recorded` is a real recording of five assets on three venues. In `storm` one asset is liquidated
a hundred times a second, so that its window is always full and every event is scored. `rescan`
makes only the decision (thresholds met or not), by summing the window anew for every event.
"""

import argparse
import gzip
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from processors.cascades import DetectorConfig, PartitionDetector
from processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from schemas.capture import parse_capture_line
from schemas.records import Liquidation
from schemas.vocabulary import Side

CAPTURE = (
    Path(__file__).parent.parent / "data/captures/2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
)
ROUNDS = 5
STORM_EVENTS = 20_000
STORM_GAP_MS = 10
CONFIG = DetectorConfig()

Events = Sequence[Liquidation]


def recorded() -> Events:
    book, config = load_snapshot(), NormalizerConfig(Decimal(100_000), Decimal(100))
    events = []
    with gzip.open(CAPTURE) as lines:
        for line in map(parse_capture_line, lines):
            metadata = FrameMetadata(line.exchange, line.feed, line.received_at_ns // 1_000_000)
            results = normalize(line.frame.encode(), metadata, book, config)
            events += [result for result in results if isinstance(result, Liquidation)]
    return events


def storm(events: Events) -> Events:
    start_ms = events[0].received_at_ms
    return [
        replace(
            events[index % len(events)],
            event_id=f"{index:032x}",
            base="BTC",
            timestamp_ms=start_ms + index * STORM_GAP_MS,
            received_at_ms=start_ms + index * STORM_GAP_MS + 100,
        )
        for index in range(STORM_EVENTS)
    ]


def detect(events: Events) -> PartitionDetector:
    detector = PartitionDetector(CONFIG)
    for offset, event in enumerate(events):
        detector.apply(event, offset)
    return detector


def rescan(events: Events) -> int:
    windows: dict[tuple[str, Side], deque[Liquidation]] = defaultdict(deque)
    hot = 0
    for event in events:
        window = windows[event.base, event.side]
        window.append(event)
        while window[0].timestamp_ms <= event.timestamp_ms - CONFIG.window_seconds * 1_000:
            window.popleft()
        value_usd = sum(one.value_usd for one in window)
        hot += len(window) >= CONFIG.min_events and value_usd >= CONFIG.min_value_usd
    return hot


def microseconds_per_event(
    events: Events, work: Callable[[Events], object], seconds: float
) -> float:
    """The best of a few rounds, in processor time: other processes are not our cost."""
    best = float("inf")
    for _ in range(ROUNDS):
        passes, started = 0, time.process_time()
        while (elapsed := time.process_time() - started) < seconds / ROUNDS:
            work(events)
            passes += 1
        best = min(best, elapsed / passes / len(events) * 1e6)
    return best


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=2.0, help="per measurement")
    seconds = arguments.parse_args().seconds
    tape = recorded()
    print(f"{'log':<10}{'events':>8}{'hot':>7}{'detector us':>13}{'rescan us':>11}", end="")
    print(f"{'ratio':>7}{'snapshot us':>13}{'bytes an asset':>16}")
    for name, events in (("recorded", tape), ("storm", storm(tape))):
        detector = microseconds_per_event(events, detect, seconds)
        naive = microseconds_per_event(events, rescan, seconds)
        end = detect(events)
        started = time.process_time()
        snapshots = [data for data in end.touched().values() if data is not None]
        snapshot = (time.process_time() - started) / len(snapshots) * 1e6
        size = sum(map(len, snapshots)) / len(snapshots)
        hot = rescan(events) / len(events)
        print(f"{name:<10}{len(events):>8,}{hot:>7.0%}{detector:>13.1f}{naive:>11.1f}", end="")
        print(f"{detector / naive:>7.2f}{snapshot:>13,.0f}{size:>16,.0f}")


if __name__ == "__main__":
    main()
