"""Recorded frames of Binance, Bybit and OKX with other assets and times. Pure but for the file."""

import gzip
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from liq.processors.normalizers import InstrumentBook
from liq.schemas.capture import CaptureLine, parse_capture_line
from liq.schemas.units import MILLISECOND_NS, SECOND_MS

CAPTURE: Final = (
    Path(__file__).parents[2] / "data/captures/2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
)
EXCHANGES: Final = ("binance", "bybit", "okx")
ASSETS: Final = 50
SEED: Final = 20_260_708
# OKX counts in contracts, so with larger contracts a recorded order would be worth billions.
LARGEST_CONTRACT: Final = Decimal(10)

_TIME = re.compile(r"(17\d{11})")
_BASE = re.compile(r"[A-Z0-9]+(?=-?USDT)")
_ASSET = "\0"


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame in the form that a producer receives."""

    exchange: str
    feed: str
    received_at_ms: int
    value: bytes


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """A recorded frame in pieces; every second piece is a time in milliseconds."""

    exchange: str
    feed: str
    received_at_ms: int
    pieces: tuple[str, ...]

    def at(self, received_at_ms: int, asset: str) -> Frame:
        """Return the frame for another asset, with all times shifted equally."""
        shift = received_at_ms - self.received_at_ms
        text = "".join(
            str(int(piece) + shift) if place % 2 else piece
            for place, piece in enumerate(self.pieces)
        )
        value = text.replace(_ASSET, asset).encode()
        return Frame(self.exchange, self.feed, received_at_ms, value)


def recorded_frame(line: CaptureLine) -> RecordedFrame:
    """Split a recorded frame at its times."""
    text = _BASE.sub(_ASSET, line.frame)
    received_at_ms = line.received_at_ns // MILLISECOND_NS
    return RecordedFrame(line.exchange, line.feed, received_at_ms, tuple(_TIME.split(text)))


def read_recorded() -> list[RecordedFrame]:
    """Return the frames of the recording in a fixed random order."""
    with gzip.open(CAPTURE) as lines:
        frames = [recorded_frame(parse_capture_line(line)) for line in lines]
    random.Random(SEED).shuffle(frames)  # noqa: S311 - an order, not a secret
    return frames


def assets_of(book: InstrumentBook) -> list[str]:
    """Return assets that all three venues list, by name."""
    found = {
        one.base
        for one in book.all()
        if one.native_symbol == f"{one.base}-USDT-SWAP"
        and one.exchange == "okx"
        and one.contract_size <= LARGEST_CONTRACT
    }
    return sorted(found)[:ASSETS]


def repeat(
    frames: Sequence[RecordedFrame],
    assets: Sequence[str],
    *,
    count: int,
    start_ms: int,
    per_second: int,
) -> Iterator[Frame]:
    """Repeat recorded frames at a steady rate of the log's time, over all assets in turn."""
    for number in range(count):
        received_at_ms = start_ms + number * SECOND_MS // per_second
        yield frames[number % len(frames)].at(received_at_ms, assets[number % len(assets)])
