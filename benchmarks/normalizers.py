"""Frames a second through the normalizers, per venue, beside parsing the JSON alone.

    python benchmarks/normalizers.py [--seconds 2]

Frames are those of the recorded captures; of a feed without one, the golden messages that give
nothing but events. Nothing is cached between frames but symbols.
"""

import argparse
import gzip
import time
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import orjson

from processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from schemas.capture import parse_capture_line

ROOT = Path(__file__).parent.parent
CAPTURES = ROOT / "data" / "captures"
FIXTURES = ROOT / "tests" / "golden" / "fixtures"
ROUNDS = 5
GOLDEN_REPEATS = 100
CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))

Frames = list[tuple[bytes, FrameMetadata]]


def read_frames() -> dict[str, Frames]:
    frames: dict[str, Frames] = defaultdict(list)
    for path in sorted(CAPTURES.glob("*.jsonl.gz")):
        with gzip.open(path) as lines:
            for line in map(parse_capture_line, lines):
                metadata = FrameMetadata(line.exchange, line.feed, line.received_at_ns // 1_000_000)
                frames[f"{line.exchange} {line.feed}"].append((line.frame.encode(), metadata))
    for name, golden in golden_frames().items():
        frames.setdefault(name, golden)
    return frames


def golden_frames() -> dict[str, Frames]:
    """Golden messages of every feed, often enough that the loop over them does not count."""
    frames: dict[str, Frames] = defaultdict(list)
    for path in sorted(FIXTURES.glob("*/*.json")):
        fixture = orjson.loads(path.read_bytes())
        if fixture["event_ids"] and len(fixture["event_ids"]) == len(fixture["expected"]):
            metadata = FrameMetadata(
                fixture["exchange"], fixture["feed"], fixture["received_at_ms"]
            )
            frame = (orjson.dumps(fixture["frame"]), metadata)
            frames[f"{metadata.exchange} {metadata.feed}"].extend([frame] * GOLDEN_REPEATS)
    return frames


def frames_per_second(frames: Frames, pass_over: Callable[[Frames], None], seconds: float) -> float:
    """The best of a few rounds, in processor time: other processes are not our cost."""
    best = 0.0
    for _ in range(ROUNDS):
        passes, started = 0, time.process_time()
        while (elapsed := time.process_time() - started) < seconds / ROUNDS:
            pass_over(frames)
            passes += 1
        best = max(best, passes * len(frames) / elapsed)
    return best


def parse_only(frames: Frames) -> None:
    for frame, _ in frames:
        orjson.loads(frame)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=2.0, help="per measurement")
    seconds = arguments.parse_args().seconds
    instruments = load_snapshot()

    def normalize_all(frames: Frames) -> None:
        for frame, metadata in frames:
            normalize(frame, metadata, instruments, CONFIG)

    print(f"{'venue and feed':<24}{'events/frame':>13}{'frames/s':>12}{'events/s':>12}", end="")
    print(f"{'parse only':>13}{'times parsing':>15}")
    for name, frames in sorted(read_frames().items()):
        events = sum(len(normalize(*frame, instruments, CONFIG)) for frame in frames)
        normalized = frames_per_second(frames, normalize_all, seconds)
        parsed = frames_per_second(frames, parse_only, seconds)
        per_frame = events / len(frames)
        print(
            f"{name:<24}{per_frame:>13.2f}{normalized:>12,.0f}{normalized * per_frame:>12,.0f}",
            end="",
        )
        print(f"{parsed:>13,.0f}{parsed / normalized:>15.1f}")


if __name__ == "__main__":
    main()
