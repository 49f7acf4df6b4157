"""Microseconds an event through the cascade detector beside the basic one; bytes of its state.

    python -m benchmarks.detector [--rounds 3] [--check]

Both get the same liquidations in the same process, by turns, and the best round of each counts,
in processor time: other processes are not our cost. `ours` is assets and market together. In
`recorded` five assets on three venues have cascade upon cascade; `day` is a synthetic day of 80
assets; in `storm` one asset is liquidated twenty times a second.

The codec is measured on the recorded liquidations: `decode` is what the detecting worker does with
each record, `encode` what the normalizing worker does with each event; `pulse out` and `pulse in`
are a beat to bytes and back, between the detecting and the market stage.

A lane's bytes are those of the snapshot that is written of its asset after a batch, divided among
the sides that hold anything. In a storm most of them are the ids by which repeats are known.

With `--check` the exit code is 1 when a limit is missed. Time is held against the basic detector's,
for machines differ; a compiled detector (`make wheel`) has tighter limits.
"""

import argparse
import gzip
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.detection.day import make_day
from liq.processors.cascades import (
    BasicDetector,
    CascadeEngine,
    DetectorConfig,
    PartitionDetector,
    decode_observation,
    lane,
)
from liq.processors.cascades.beat import Beat
from liq.processors.cascades.observation import CENTS_PER_DOLLAR, Observation
from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.processors.stages.pulses import beat_of, pulse_of
from liq.schemas.capture import parse_capture_line
from liq.schemas.codec import decode, encode
from liq.schemas.records import Liquidation, Pulse, Source
from liq.schemas.units import MILLISECOND_NS
from liq.schemas.vocabulary import Completeness

CAPTURE = (
    Path(__file__).parent.parent / "data/captures/2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
)
DAY_SEED = 5_000
STORM_EVENTS = 4_000
STORM_GAP_MS = 50
EVENTS_A_BATCH = 10
CONFIG = DetectorConfig()
MOST_BYTES_A_LANE = 4_096

Events = Sequence[Liquidation]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Log:
    """Liquidations in log order; how many times the basic detector's time ours may take on them.

    Compiled, it may take `most_ratio_compiled` times. `is_bounded` says whether the limit on a
    lane's bytes holds there, too.
    """

    name: str
    events: Events
    most_ratio: float
    most_ratio_compiled: float
    is_bounded: bool


@dataclass(frozen=True, slots=True)
class Conversion:
    """A step of the codec over its input; limits as those of a `Log`."""

    name: str
    items: Sequence[Any]
    convert: Callable[[Any], object]
    most_ratio: float
    most_ratio_compiled: float

    def work(self, items: Sequence[Any]) -> None:
        """Convert every item."""
        convert = self.convert
        for item in items:
            convert(item)


def conversions(events: Events) -> tuple[Conversion, ...]:
    """Return the codec's steps over what a worker would have of these events."""
    published = [
        replace(event, source=Source("liquidations.raw.bybit", 3, offset))
        for offset, event in enumerate(events)
    ]
    detector = PartitionDetector(CONFIG)
    beats = [
        made
        for offset, event in enumerate(events)
        for made in detector.apply(event, offset)
        if isinstance(made, Beat)
    ]
    pulses = [encode(pulse_of(beat)) for beat in beats]
    return (
        Conversion("decode", [encode(event) for event in published], decode_observation, 0.3, 0.27),
        Conversion("encode", published, encode, 0.2, 0.2),
        Conversion("pulse out", beats, lambda beat: encode(pulse_of(beat)), 0.4, 0.4),
        Conversion("pulse in", pulses, lambda data: beat_of(decode(Pulse, data)), 0.55, 0.55),
    )


def recorded() -> Events:
    book, config = load_snapshot(), NormalizerConfig(Decimal(100_000), Decimal(100))
    events = []
    with gzip.open(CAPTURE) as lines:
        for line in map(parse_capture_line, lines):
            metadata = FrameMetadata(
                line.exchange, line.feed, line.received_at_ns // MILLISECOND_NS
            )
            results = normalize(line.frame.encode(), metadata, book, config)
            events += [result for result in results if isinstance(result, Liquidation)]
    return events


def day(pattern: Liquidation) -> Events:
    def liquidation_of(seen: Observation) -> Liquidation:
        return replace(
            pattern,
            event_id=seen.event_id,
            base=seen.base,
            side=seen.side,
            exchange=seen.exchange,
            symbol=seen.symbol,
            timestamp_ms=seen.timestamp_ms,
            received_at_ms=seen.received_at_ms,
            value_usd=Decimal(seen.cents) / CENTS_PER_DOLLAR,
            price=seen.price,
            completeness=Completeness.COMPLETE if seen.is_complete else Completeness.SAMPLED,
        )

    return [liquidation_of(seen) for seen in make_day(DAY_SEED).observations]


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


def ours(events: Events) -> None:
    engine = CascadeEngine(CONFIG)
    for offset, event in enumerate(events):
        engine.apply(event, offset)
    engine.finish()


def basic(events: Events) -> None:
    detector = BasicDetector()
    for event in events:
        detector.apply(event)


def microseconds(work: Callable[[Sequence[Item]], None], items: Sequence[Item]) -> float:
    """Processor time of an item."""
    started = time.process_time()
    work(items)
    return (time.process_time() - started) / len(items) * 1e6


def bytes_a_lane(events: Events) -> list[float]:
    """Of every snapshot that is written, in order of size."""
    detector = PartitionDetector(CONFIG)
    sizes = []
    for offset, event in enumerate(events):
        detector.apply(event, offset)
        if offset % EVENTS_A_BATCH == 0:
            sizes += [
                len(state) / max(1, detector.active_lanes(asset))
                for asset, state in detector.touched().items()
                if state is not None
            ]
    return sorted(sizes)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3, help="per measurement")
    arguments.add_argument(
        "--check", action="store_true", help="exit with 1 when a limit is missed"
    )
    chosen = arguments.parse_args()
    tape = recorded()
    logs = (
        Log("recorded", tape, 1.5, 0.95, is_bounded=True),
        Log("day", day(tape[0]), 2.5, 1.3, is_bounded=True),
        Log("storm", storm(tape), 0.2, 0.1, is_bounded=False),
    )
    is_compiled = not str(lane.__file__).endswith(".py")
    print("compiled" if is_compiled else "pure Python")
    print(f"{'':<10}{'events':>8}{'ours us':>10}{'basic us':>10}{'ratio':>8}", end="")
    print(f"{'bytes a lane: median':>24}{'90 %':>8}{'max':>8}")
    missed = []
    for log in logs:
        rounds = [
            (microseconds(ours, log.events), microseconds(basic, log.events))
            for _ in range(chosen.rounds)
        ]
        own, simple = (min(times) for times in zip(*rounds, strict=True))
        sizes = bytes_a_lane(log.events)
        most = sizes[-1]
        print(f"{log.name:<10}{len(log.events):>8,}{own:>10.1f}{simple:>10.1f}", end="")
        print(f"{own / simple:>8.2f}{sizes[len(sizes) // 2]:>24,.0f}", end="")
        print(f"{sizes[len(sizes) * 9 // 10]:>8,.0f}{most:>8,.0f}", flush=True)
        if own / simple > (log.most_ratio_compiled if is_compiled else log.most_ratio):
            missed.append(f"{log.name}: {own / simple:.2f} times the basic detector's time")
        if log.is_bounded and most > MOST_BYTES_A_LANE:
            missed.append(f"{log.name}: a lane of {most:,.0f} bytes")
    for step in conversions(tape):
        rounds = [
            (microseconds(step.work, step.items), microseconds(basic, tape))
            for _ in range(chosen.rounds)
        ]
        own, simple = (min(times) for times in zip(*rounds, strict=True))
        print(f"{step.name:<10}{len(step.items):>8,}{own:>10.1f}{simple:>10.1f}", end="")
        print(f"{own / simple:>8.2f}", flush=True)
        if own / simple > (step.most_ratio_compiled if is_compiled else step.most_ratio):
            missed.append(f"{step.name}: {own / simple:.2f} times the basic detector's time")
    for sentence in missed:
        print(f"limit missed: {sentence}", file=sys.stderr)
    sys.exit(chosen.check and bool(missed))


if __name__ == "__main__":
    main()
