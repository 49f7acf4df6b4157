"""Local histories for tests: frames of the past, and the gap in which they were missed."""

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import orjson

from liq.devstack.exchange.dialect import START_MS, Dialect
from liq.devstack.exchange.past import Past
from liq.devstack.exchange.registry import dialect as find_dialect
from liq.processors.normalizers import (
    FrameMetadata,
    NormalizerConfig,
    load_snapshot,
    normalize,
)
from liq.producers.history.asker import Source
from liq.producers.history.settings import history_sources
from liq.producers.history.timing import HistoryTiming
from liq.runtime.retry import BackoffPolicy
from liq.schemas.records import Liquidation, Rejected
from liq.schemas.units import MILLISECOND_NS

#: Ten minutes after the frames' beginning, and one after the gap's end.
NOW_MS: Final = START_MS + 720_000
QUICK: Final = BackoffPolicy(first_seconds=0.01, longest_seconds=0.02)
TIMING: Final = HistoryTiming(
    attempts=3, backoff=QUICK, limited=QUICK, rounds=2, round_seconds=0.01, limit_scale=0.01
)
CONFIG: Final = NormalizerConfig(Decimal(100_000), Decimal(100))
BOOK: Final = load_snapshot()


class PastClock:
    """A clock whose time of day stands still in the past, while durations advance."""

    def __init__(self, time_ms: int = NOW_MS) -> None:
        self.time_ms = time_ms

    def monotonic(self) -> float:
        """Return seconds that never decrease."""
        return time.monotonic()

    def now_ns(self) -> int:
        """Return the time (UTC, ns since 1970)."""
        return self.time_ms * MILLISECOND_NS


def frames(dialect: Dialect, count: int, every_ms: int, first: int = 1) -> list[Any]:
    """Return live frames of a dialect, `every_ms` apart."""
    return [
        dialect.frame(dialect.symbol, number * every_ms) for number in range(first, first + count)
    ]


def answers(past: Past, count: int, every_ms: int, first: int = 1) -> list[Any]:
    """Return answers with one liquidation each of a polled feed, `every_ms` apart."""
    assert past.frame is not None
    return [past.frame(past.symbol, number * every_ms) for number in range(first, first + count)]


def live_frames(past: Past, count: int, every_ms: int) -> list[Any]:
    """Return what the live feed of a history brings: frames of its dialect, or answers of polls."""
    if past.frame is not None:
        return answers(past, count, every_ms)
    return frames(find_dialect(past.exchange, past.feed), count, every_ms)


def sources(exchange: str, feed: str, environment: dict[str, str]) -> list[Source]:
    """Return the histories of a feed with addresses from the environment."""
    return [
        each
        for each in history_sources([exchange], environment)
        if each.spec.feed == feed
        and (each.spec.listing is None or each.spec.listing.setting in environment)
    ]


def events_of(
    exchange: str, feed: str, frame: Any, subject: str = "", received_at_ms: int = NOW_MS
) -> list[Liquidation]:
    """Return the events of a frame without rejections."""
    data = frame if isinstance(frame, bytes) else orjson.dumps(frame)
    metadata = FrameMetadata(exchange, feed, received_at_ms, subject=subject)
    results: Sequence[Liquidation | Rejected] = normalize(data, metadata, BOOK, CONFIG)
    rejected = [each for each in results if isinstance(each, Rejected)]
    assert not rejected, rejected[0].detail
    return [each for each in results if isinstance(each, Liquidation)]
