"""Replay of a capture: publishes each frame's exact bytes to the raw topic of its exchange.

The headers have the recorded receive times, so everything downstream runs on the recording's
clock. Kafka's own record time is the time of the replay, as otherwise retention would delete an old
recording at once.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from aiokafka.errors import KafkaError

from liq.producers.feeds.record_key import record_key
from liq.producers.recorded.capture_file import (
    MAX_LINE_BYTES,
    CaptureDamagedError,
    CaptureFile,
    Line,
)
from liq.producers.recorded.capture_line import checked_capture_line
from liq.producers.recorded.ordered_sender import OrderedSender, Ordering
from liq.producers.recorded.pace import Pace, heartbeat_times
from liq.runtime.errors import DependencyError
from liq.runtime.kafka import LINGER_MS, new_producer
from liq.runtime.kafka_refusal import why_refused
from liq.runtime.metrics import CAPTURE_ERRORS, FRAMES, HANDLED
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.capture import CaptureLine
from liq.schemas.codec import DecodeError
from liq.schemas.headers import HEARTBEAT_FEED, HEARTBEAT_KEY, FrameHeaders
from liq.schemas.units import SECOND_NS

CLIENT_ID: Final = "replay"
END_SILENCE_SECONDS: Final = 300
EXIT_BROKEN_LINES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """Options of a replay.

    Frames of `exchanges` are published, those of other `known_exchanges` are skipped, and any
    other exchange makes a line broken. `speed` is a factor of the recorded pace; None is as fast
    as the order allows. A heartbeat `end_silence_seconds` after the last frame shows readers that
    no frame followed; 0 omits it.
    """

    known_exchanges: tuple[str, ...]
    exchanges: tuple[str, ...]
    speed: float | None = None
    ordering: Ordering = Ordering.STRICT
    end_silence_seconds: int = END_SILENCE_SECONDS


@dataclass(slots=True)
class ReplayResult:
    """Counts of a replay, so far or in total. `total_lines` is None if it cannot be known."""

    total_lines: int | None = None
    lines: int = 0
    frames: int = 0
    frame_bytes: int = 0
    skipped: int = 0
    broken: int = 0
    heartbeats: int = 0
    elapsed_seconds: float = 0.0
    is_stopped: bool = False

    @property
    def exit_code(self) -> int:
        """2 if lines were broken, else 0."""
        return EXIT_BROKEN_LINES if self.broken else 0


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line of a capture that gave no record."""

    capture: str
    number: int
    reason: str


def report_broken_line(broken: BrokenLine) -> None:
    """Write the place of a broken line and the reason to standard error."""
    sys.stderr.write(f"{broken.capture}:{broken.number}: {broken.reason}\n")


def ignore_progress(_result: ReplayResult) -> None:
    """Do nothing, for callers without a progress bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayCallbacks:
    """Callbacks of a replay: `progress` after every line, `broken` for each broken line."""

    progress: Callable[[ReplayResult], None] = ignore_progress
    broken: Callable[[BrokenLine], None] = report_broken_line


async def replay_capture(
    settings: Settings,
    path: str,
    options: ReplayOptions,
    *,
    stop: asyncio.Event | None = None,
    callbacks: ReplayCallbacks | None = None,
) -> ReplayResult:
    """Create missing topics and publish a capture (`-`: standard input).

    When `stop` is set, wait for acknowledgements and end without the last heartbeat.

    Raises:
        ConfigurationError: the capture cannot be read, or a topic is not as wanted.
        DependencyError: Kafka did not acknowledge a record.
    """
    started = time.monotonic()
    capture = CaptureFile(path)
    try:
        await ensure_topics(settings, options.exchanges)
        linger_ms = 0 if options.ordering is Ordering.STRICT else LINGER_MS
        producer = new_producer(settings, CLIENT_ID, linger_ms=linger_ms)
        try:
            await producer.start()
            run = _Run(
                settings=settings,
                options=options,
                capture=capture,
                sender=OrderedSender(producer, options.ordering),
                stop=stop or asyncio.Event(),
                callbacks=callbacks or ReplayCallbacks(),
            )
            await run.play()
        finally:
            await producer.stop()
    except KafkaError as error:
        raise why_refused(settings, error) or DependencyError(
            f"Kafka at {settings.kafka_bootstrap_servers} did not acknowledge a record ({error}); "
            "start the replay again when it answers."
        ) from error
    finally:
        capture.close()
    run.result.elapsed_seconds = time.monotonic() - started
    return run.result


@dataclass(slots=True, kw_only=True)
class _Run:
    """One running replay."""

    settings: Settings
    options: ReplayOptions
    capture: CaptureFile
    sender: OrderedSender
    stop: asyncio.Event
    callbacks: ReplayCallbacks
    result: ReplayResult = field(default_factory=ReplayResult)
    last_ns: int = 0
    seen: dict[str, None] = field(default_factory=dict)

    async def play(self) -> None:
        pace = None if self.options.speed is None else Pace(self.options.speed)
        self.result.total_lines = await self.capture.count_lines()
        try:
            async for line in self.capture.lines(self.stop):
                self.result.lines = line.number
                frame = self._parse(line)
                if frame is not None:
                    await self._wait(pace, frame.received_at_ns)
                    if self.stop.is_set():
                        break
                    await self._send(frame, line.number)
                self.callbacks.progress(self.result)
        except CaptureDamagedError as error:
            self._report(self.result.lines + 1, str(error))
        self.result.is_stopped = self.stop.is_set()
        if self.last_ns and self.options.end_silence_seconds and not self.result.is_stopped:
            await self._heartbeat(self.last_ns + self.options.end_silence_seconds * SECOND_NS)
        await self.sender.drain()

    def _parse(self, line: Line) -> CaptureLine | None:
        """Return the line's frame, or None if there is nothing to publish."""
        if line.is_too_long:
            self._report(line.number, f"longer than {MAX_LINE_BYTES} bytes")
            return None
        if not line.content.strip():
            return None
        try:
            frame = checked_capture_line(line.content, self.options.known_exchanges)
        except DecodeError as error:
            self._report(line.number, str(error))
            return None
        if frame.exchange not in self.options.exchanges:
            self.result.skipped += 1
            return None
        return frame

    async def _wait(self, pace: Pace | None, until_ns: int) -> None:
        """At a recorded pace, wait until a frame's time, and send heartbeats meanwhile."""
        if pace is None or self.options.speed is None:
            return
        if self.last_ns:
            for clock_ns in heartbeat_times(self.last_ns, until_ns, self.options.speed):
                await pace.wait_until(clock_ns, self.stop)
                if self.stop.is_set():
                    return
                await self._heartbeat(clock_ns)
        await pace.wait_until(until_ns, self.stop)

    async def _send(self, frame: CaptureLine, number: int) -> None:
        value = frame.frame.encode()
        headers = replace(
            self._headers(frame.exchange, frame.feed, frame.received_at_ns, number),
            rates=frame.rates.encode(),
            subject=frame.subject,
        )
        record = OutputRecord(
            self.settings.topics.raw(frame.exchange),
            record_key(frame.exchange, value),
            value,
            headers.encode(),
        )
        await self.sender.send(record, frame.received_at_ns)
        FRAMES.labels(frame.exchange, frame.feed).inc()
        HANDLED.add(1)
        self.seen[frame.exchange] = None
        self.last_ns = max(self.last_ns, frame.received_at_ns)
        self.result.frames += 1
        self.result.frame_bytes += len(value)

    async def _heartbeat(self, clock_ns: int) -> None:
        """Send a heartbeat with this clock (ns) for every exchange in the capture so far."""
        for exchange in self.seen:
            headers = self._headers(exchange, HEARTBEAT_FEED, clock_ns, self.result.lines)
            topic = self.settings.topics.raw(exchange)
            record = OutputRecord(topic, HEARTBEAT_KEY, None, headers.encode())
            await self.sender.send(record, clock_ns)
            self.result.heartbeats += 1

    def _headers(
        self, exchange: str, feed: str, received_at_ns: int, sequence: int
    ) -> FrameHeaders:
        connection = f"replay:{self.capture.name}"
        return FrameHeaders(exchange, feed, received_at_ns, connection, sequence)

    def _report(self, number: int, reason: str) -> None:
        self.result.broken += 1
        CAPTURE_ERRORS.inc()
        self.callbacks.broken(BrokenLine(self.capture.name, number, reason))
