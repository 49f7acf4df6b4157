"""A capture through the live producers: local exchanges send its frames over real websockets.

The producers use the recording's clock. It advances to a frame's time only when Kafka has
acknowledged every earlier frame, so the raw topics contain what a plain replay writes, and their
readers compute the same results.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import groupby
from typing import Final

from liq.devstack.exchange.registry import DIALECTS
from liq.devstack.exchange.server import LocalExchange
from liq.producers.feeds.record_key import record_key
from liq.producers.feeds.registry import producible_exchanges
from liq.producers.feeds.settings import Target, choose_targets
from liq.producers.live import DEFAULT_TIMING, LiveRun, Publisher, open_publisher
from liq.producers.recorded import (
    END_SILENCE_SECONDS,
    CaptureDamagedError,
    CaptureFile,
    Pace,
    checked_capture_line,
)
from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.capture import CaptureLine
from liq.schemas.codec import DecodeError
from liq.schemas.units import SECOND_NS

WAIT_SECONDS: Final = 30.0
SUBSCRIBERS_LOOK_SECONDS: Final = 0.05
FRAMES_LOOK_SECONDS: Final = 0.0005


class RecordedClock:
    """The clock of a playing recording, at a pace or as fast as possible.

    At a pace it advances between frames, up to the next frame.
    """

    def __init__(self, start_ns: int, speed: float | None) -> None:
        self._speed = speed
        self._reached_ns = self._next_ns = start_ns
        self._reached_at = time.monotonic()

    def monotonic(self) -> float:
        """Return this machine's monotonic clock in seconds."""
        return time.monotonic()

    def now_ns(self) -> int:
        """Return the recording's time (UTC, ns)."""
        if self._speed is None:
            return self._reached_ns
        passed_ns = (time.monotonic() - self._reached_at) * self._speed * SECOND_NS
        return min(self._next_ns, self._reached_ns + int(passed_ns))

    def run_towards(self, next_ns: int) -> None:
        """Set the time of the next frame (UTC, ns), up to which the clock may advance."""
        self._next_ns = next_ns

    def reach(self, time_ns: int) -> None:
        """Set the clock (UTC, ns)."""
        self._reached_ns = self._next_ns = time_ns
        self._reached_at = time.monotonic()


class RecordedRates:
    """The rates in the headers of the recording's current frames."""

    def __init__(self) -> None:
        self.text = ""

    def header(self, needs: tuple[str, ...], received_at_ns: int) -> bytes:  # noqa: ARG002 - as recorded
        """Return the recorded rates, whatever rates the feed needs."""
        return self.text.encode()


async def rehearse(
    settings: Settings, path: str, speed: float | None, health: Health, stop: asyncio.Event
) -> int:
    """Play a capture at a multiple of its pace, or as fast as possible if None; return its frames.

    The whole capture is held in memory.

    Raises:
        ConfigurationError: the capture cannot be read, or no local exchange speaks a feed of it.
        DependencyError: Kafka does not answer, or a frame did not arrive.
    """
    lines = await read_capture(path)
    clock = RecordedClock(lines[0].received_at_ns - SECOND_NS, speed)
    rates = RecordedRates()
    with ExitStack() as stack:
        exchanges = {
            (dialect.exchange, dialect.feed): stack.enter_context(LocalExchange(dialect))
            for dialect in DIALECTS
            if dialect.exchange in {line.exchange for line in lines}
        }
        targets = _connected(exchanges, lines)
        await ensure_topics(settings, tuple({line.exchange for line in lines}))
        async with open_publisher(settings, clock, linger_ms=0) as publisher:
            health.set("kafka", holds=True, reason="connected")
            run = LiveRun(
                settings,
                targets,
                health=health,
                clock=clock,
                timing=DEFAULT_TIMING,
                publisher=publisher,
                covered={},
                rates=rates,
            )
            receiving = asyncio.create_task(run.until(stop))
            playing = asyncio.create_task(_play(lines, exchanges, publisher, clock, rates, speed))
            await asyncio.wait({receiving, playing}, return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            playing.cancel()
            await asyncio.wait({receiving, playing})
            receiving.result()
            return 0 if playing.cancelled() else playing.result()


async def read_capture(path: str) -> list[CaptureLine]:
    """Return every frame of a capture, in order.

    Raises:
        ConfigurationError: the capture cannot be read, is empty, or has a malformed line.
    """
    capture = CaptureFile(path)
    try:
        lines = [
            checked_capture_line(line.content, producible_exchanges())
            async for line in capture.lines(asyncio.Event())
            if line.content.strip()
        ]
    except (CaptureDamagedError, DecodeError) as error:
        raise ConfigurationError(f"{capture.name} is damaged: {error}") from error
    finally:
        capture.close()
    if not lines:
        raise ConfigurationError(f"{capture.name} has no frames; give another capture.")
    return lines


def _connected(
    exchanges: dict[tuple[str, str], LocalExchange], lines: Sequence[CaptureLine]
) -> tuple[Target, ...]:
    """Return the feeds with the addresses of local exchanges, which list the capture's symbols.

    Raises:
        ConfigurationError: no local exchange speaks a feed of the capture.
    """
    unspoken = sorted({(line.exchange, line.feed) for line in lines} - exchanges.keys())
    if unspoken:
        names = ", ".join(".".join(each) for each in unspoken)
        raise ConfigurationError(f"No local exchange speaks {names}; use `liq replay` instead.")
    environment: dict[str, str] = {}
    for (name, feed), exchange in exchanges.items():
        environment |= exchange.environment
        keys = {
            record_key(name, line.frame.encode()).decode()
            for line in lines
            if (line.exchange, line.feed) == (name, feed)
        }
        exchange.list_markets(*sorted(keys | {exchange.dialect.symbol}))
    return choose_targets(tuple(dict.fromkeys(name for name, _ in exchanges)), environment)


async def _play(  # noqa: PLR0913, PLR0917 - the parts of a rehearsal
    lines: Sequence[CaptureLine],
    exchanges: dict[tuple[str, str], LocalExchange],
    publisher: Publisher,
    clock: RecordedClock,
    rates: RecordedRates,
    speed: float | None,
) -> int:
    await _wait_for_subscribers(exchanges)
    # The dialect, not the capture, sends frames together with an acknowledgement.
    before = publisher.frames
    pace = None if speed is None else Pace(speed)
    sent = 0
    for (time_ns, text), moment in groupby(
        lines, key=lambda line: (line.received_at_ns, line.rates)
    ):
        rates.text = text
        if pace is not None:
            clock.run_towards(time_ns)
            await pace.wait_until(time_ns, asyncio.Event())
        clock.reach(time_ns)
        for line in moment:
            exchange = exchanges[line.exchange, line.feed]
            await asyncio.wrap_future(exchange.publish(line.frame))
            sent += 1
        await _wait_for_frames(publisher, before + sent)
        await publisher.drain()
    clock.reach(lines[-1].received_at_ns + END_SILENCE_SECONDS * SECOND_NS)
    for name in dict.fromkeys(name for name, _ in exchanges):
        await publisher.heartbeat(name)
    await publisher.drain()
    return sent


async def _wait_for_subscribers(exchanges: dict[tuple[str, str], LocalExchange]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not all(exchange.subscribers for exchange in exchanges.values()):
        if time.monotonic() > deadline:
            raise DependencyError("The producers did not subscribe to every local exchange.")
        await asyncio.sleep(SUBSCRIBERS_LOOK_SECONDS)


async def _wait_for_frames(publisher: Publisher, count: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while publisher.frames < count:
        if time.monotonic() > deadline:
            raise DependencyError("A frame that was sent did not arrive.")
        await asyncio.sleep(FRAMES_LOOK_SECONDS)
