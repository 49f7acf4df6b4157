"""Listening to venues: the live producer's own connections, with a listener instead of Kafka."""

import asyncio
from collections.abc import Sequence
from typing import Final

import orjson

from liq.cli.doctor.capture import CaptureWriter
from liq.cli.doctor.observations import ConnectionSeen, FeedSeen
from liq.processors.normalizers import (
    FrameMetadata,
    InstrumentBook,
    NormalizerConfig,
    normalize,
)
from liq.producers.feeds import FeedSpec, Received
from liq.producers.feeds.settings import Target
from liq.producers.live import LiveRun, RateHeaders, Session, SystemClock, Timing
from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.schemas.headers import FrameHeaders
from liq.schemas.plausible_time import EARLIEST_VENUE_MS, LATEST_MS
from liq.schemas.records import FeedStatus
from liq.schemas.units import MILLISECOND_NS

# A frame with a larger offset has a time in another unit, or is of the past.
MAX_OFFSET_MS: Final = 86_400_000


class Listener:
    """The publisher and observer of a live run: it normalizes and counts frames, without a store.

    `rates` value the frames. Counting ends with `end`, so that the doctor's own closing of
    connections does not count as a loss.
    """

    def __init__(
        self,
        feeds: Sequence[FeedSpec],
        book: InstrumentBook,
        config: NormalizerConfig,
        rates: RateHeaders,
        capture: CaptureWriter | None = None,
    ) -> None:
        self.feeds = {feed.label: FeedSeen(feed) for feed in feeds}
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._sessions: dict[str, Session] = {}
        self._book = book
        self._config = config
        self.rates = rates
        self._capture = capture
        self._clock = SystemClock()
        self._is_over = False

    def end(self) -> None:
        """Record the state of each connection, and ignore later events."""
        self._is_over = True
        for connection, session in self._sessions.items():
            self._note_answers(session, self.feeds[session.feed.label].connections[connection])

    def opened(self, session: Session) -> None:
        """Count a handshake."""
        if not self._is_over:
            seen = ConnectionSeen(self._clock.monotonic(), session.names)
            self.feeds[session.feed.label].connections[session.connection] = seen
            self._sessions[session.connection] = session

    def received(
        self, session: Session, frame: bytes, received_at_ns: int, received: Received
    ) -> None:
        """Write a frame to the capture, also a control frame."""
        if self._is_over:
            return
        self.feeds[session.feed.label].control_frames += not received.is_data
        if self._capture is not None:
            feed = session.feed
            rates = self.rates.header(feed.needs_rates, received_at_ns) if received.is_data else b""
            self._capture.write(feed.exchange, feed.name, received_at_ns, frame, rates.decode())

    async def frame(self, _key: bytes, value: bytes, headers: FrameHeaders) -> None:
        """Normalize a data frame and count the results."""
        if self._is_over:
            return
        seen = self.feeds[f"{headers.exchange}.{headers.feed}"]
        seen.frames += 1
        received_at_ms = headers.received_at_ns // MILLISECOND_NS
        rates = self.rates.header(seen.feed.needs_rates, headers.received_at_ns).decode()
        metadata = FrameMetadata(headers.exchange, headers.feed, received_at_ms, rates=rates)
        for result in normalize(value, metadata, self._book, self._config):
            seen.note_result(result)
        offset_ms = _offset_ms(seen.feed, value, received_at_ms)
        if offset_ms is not None:
            seen.offsets_ms.append(offset_ms)

    async def status(self, record: FeedStatus) -> None:
        """Count an event of a connection."""
        if self._is_over:
            return
        seen = self.feeds[f"{record.exchange}.{record.feed}"]
        seen.note_status(record, self._clock.monotonic())
        connection = seen.connections.get(record.connection)
        session = self._sessions.get(record.connection)
        if connection is not None and session is not None and not connection.is_up:
            self._note_answers(session, connection)
            del self._sessions[record.connection]

    async def heartbeat(self, exchange: str, blind: tuple[str, ...] = (), cursor: str = "") -> None:
        """Do nothing: there is no log that needs a clock."""

    async def drain(self) -> None:
        """Do nothing: no record is in flight."""

    @staticmethod
    def _note_answers(session: Session, connection: ConnectionSeen) -> None:
        subscriptions = session.subscriptions
        connection.accepted = frozenset(subscriptions.accepted)
        connection.refused = dict(subscriptions.refused)
        connection.unanswered = frozenset(subscriptions.never_answered)


async def listen(  # noqa: PLR0913 - what one session consists of
    settings: Settings,
    targets: tuple[Target, ...],
    listener: Listener,
    *,
    seconds: float,
    timing: Timing,
    stop: asyncio.Event,
) -> None:
    """Connect to every target for some seconds, or until `stop` is set."""
    run = LiveRun(
        settings,
        targets,
        health=Health(),
        clock=SystemClock(),
        timing=timing,
        publisher=listener,
        covered={},
        rates=listener.rates,
        observer=listener,
    )
    is_over = asyncio.Event()
    running = asyncio.create_task(run.until(is_over))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait(
            {running, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        listener.end()
        stopping.cancel()
        is_over.set()
        await running


def _offset_ms(feed: FeedSpec, frame: bytes, received_at_ms: int) -> int | None:
    """Return time of receipt minus time of sending (ms), or None without a time of sending."""
    if feed.sent_at_ms is None:
        return None
    try:
        sent_at_ms = feed.sent_at_ms(orjson.loads(frame))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    if type(sent_at_ms) is not int or not EARLIEST_VENUE_MS <= sent_at_ms < LATEST_MS:
        return None
    offset_ms = received_at_ms - sent_at_ms
    return offset_ms if abs(offset_ms) <= MAX_OFFSET_MS else None
