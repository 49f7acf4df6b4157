"""Frames a second through the normalizers, per venue and feed, and for parsing the JSON alone.

    python benchmarks/normalizers.py [--seconds 2] [--check]

Frames are those of the recorded captures; of a feed without one, the golden messages that give
nothing but events. Nothing is cached between frames but symbols. Times are processor times, and
what is compared is measured in alternating rounds.

`--check` compares with a reference instead of a clock, so that a slow or busy machine changes
nothing: the work that no event can be had without (parsing a recorded frame, two decimals and their
product, one hash). It fails when a feed falls below its share of the reference's rate. The shares
are those of 150,000 frames a second for Binance, Bybit and OKX and of 80,000 for every feed, on a
machine where the reference makes REFERENCE_PER_SECOND, less a tenth for noise. A frame
of several events counts as as many frames of one.
"""

import argparse
import gzip
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

import orjson

from liq.processors.normalizers import (
    FrameMetadata,
    NormalizerConfig,
    known_exchanges,
    known_feeds,
    load_snapshot,
    normalize,
)
from liq.processors.normalizers.numbers import EXACT
from liq.processors.normalizers.registry import LATE_FEEDS
from liq.schemas.capture import parse_capture_line
from liq.schemas.units import MILLISECOND_NS
from tests.support.venue_fixtures import fixture_paths

ROOT = Path(__file__).parent.parent
CAPTURES = ROOT / "data" / "captures"
ROUNDS = 5
GOLDEN_REPEATS = 100
CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))

# The reference's rate for CPython 3.11 without profile-guided optimization, where limits were met.
REFERENCE_PER_SECOND = 590_000
NOISE = 0.9
LIMIT_PER_SECOND = 80_000
LIMITS_PER_SECOND = {"binance": 150_000, "bybit": 150_000, "okx": 150_000}
REFERENCE_FEED = "binance usdm"
PRICE, SIZE, ROW = "97345.12", "0.125", b"binance|BTCUSDT|SELL|97345.12|0.125|1783591834503|0"

Frames = list[tuple[bytes, FrameMetadata]]
Work = Callable[[Frames], None]


def read_frames() -> dict[str, Frames]:
    frames: dict[str, Frames] = defaultdict(list)
    for path in sorted(CAPTURES.glob("*.jsonl.gz")):
        with gzip.open(path) as lines:
            for line in map(parse_capture_line, lines):
                metadata = FrameMetadata(
                    line.exchange, line.feed, line.received_at_ns // MILLISECOND_NS
                )
                frames[f"{line.exchange} {line.feed}"].append((line.frame.encode(), metadata))
    for name, golden in golden_frames().items():
        frames.setdefault(name, golden)
    return frames


def golden_frames() -> dict[str, Frames]:
    """Return golden messages of every feed, repeated to make the loop's overhead negligible.

    Messages that give only events count where a feed has any; otherwise those that give some.
    """
    pure: dict[str, Frames] = defaultdict(list)
    mixed: dict[str, Frames] = defaultdict(list)
    for path in fixture_paths():
        fixture = orjson.loads(path.read_bytes())
        if fixture["event_ids"]:
            metadata = FrameMetadata(
                fixture["exchange"], fixture["feed"], fixture["received_at_ms"]
            )
            is_pure = len(fixture["event_ids"]) == len(fixture["expected"])
            frame = (orjson.dumps(fixture["frame"]), metadata)
            (pure if is_pure else mixed)[f"{metadata.exchange} {metadata.feed}"] += [
                frame
            ] * GOLDEN_REPEATS
    return {**mixed, **pure}


def rates(works: list[tuple[Work, Frames]], seconds: float) -> list[float]:
    """Return the frames a second of each work: the best of a few rounds, in turns."""
    best = [0.0] * len(works)
    for _ in range(ROUNDS):
        for position, (work, frames) in enumerate(works):
            passes, started = 0, time.process_time()
            while (elapsed := time.process_time() - started) < seconds / ROUNDS:
                work(frames)
                passes += 1
            best[position] = max(best[position], passes * len(frames) / elapsed)
    return best


def parse_only(frames: Frames) -> None:
    for frame, _ in frames:
        orjson.loads(frame)


def reference(frames: Frames) -> None:
    for frame, _ in frames:
        orjson.loads(frame)
        EXACT.multiply(Decimal(PRICE), Decimal(SIZE))
        blake2b(ROW, digest_size=16).hexdigest()


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--seconds", type=float, default=2.0, help="per measurement")
    arguments.add_argument("--check", action="store_true", help="fail under the limits")
    options = arguments.parse_args()
    instruments = load_snapshot()

    def normalize_all(frames: Frames) -> None:
        for frame, metadata in frames:
            normalize(frame, metadata, instruments, CONFIG)

    print(f"{'venue and feed':<24}{'events/frame':>13}{'frames/s':>12}{'events/s':>12}", end="")
    print(f"{'parse only':>13}{'times parsing':>15}{'of reference':>14}{'limit':>7}")
    every_feed = read_frames()
    too_slow = []
    every_name = ((one, feed) for one in known_exchanges() for feed in known_feeds(one))
    for exchange, feed in every_name:
        if (exchange, feed) in LATE_FEEDS:  # a history is asked a few times a minute
            continue
        name = f"{exchange} {feed}"
        frames = every_feed[name]
        per_frame = sum(len(normalize(*frame, instruments, CONFIG)) for frame in frames) / len(
            frames
        )
        normalized, parsed, referred = rates(
            [
                (normalize_all, frames),
                (parse_only, frames),
                (reference, every_feed[REFERENCE_FEED]),
            ],
            options.seconds,
        )
        share = normalized * max(1, per_frame) / referred
        limit = LIMITS_PER_SECOND.get(exchange, LIMIT_PER_SECOND) / REFERENCE_PER_SECOND * NOISE
        if share < limit:
            too_slow.append(f"{name} makes {share:.3f} of the reference, less than {limit:.3f}.")
        print(
            f"{name:<24}{per_frame:>13.2f}{normalized:>12,.0f}{normalized * per_frame:>12,.0f}"
            f"{parsed:>13,.0f}{parsed / normalized:>15.1f}{share:>14.3f}{limit:>7.3f}"
        )
    if options.check and too_slow:
        sys.exit("\n".join(too_slow))


if __name__ == "__main__":
    main()
