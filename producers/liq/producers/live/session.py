"""One websocket connection from opening to closing, the same for every exchange."""

import asyncio
from dataclasses import dataclass
from typing import Final

import orjson
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from liq.producers.feeds import DATA, FeedSpec, Received
from liq.producers.feeds.frames import MAX_FRAME_BYTES, FrameTooLargeError
from liq.producers.feeds.record_key import message_key
from liq.producers.live.budget import MessageBudget
from liq.producers.live.clock import Clock, now_ms
from liq.producers.live.interfaces import FramePublisher, SessionObserver
from liq.producers.live.liveness import Activity, ConnectionActivity, PingSchedule
from liq.producers.live.pacing import Pacer, Step
from liq.producers.live.rates import RateStamp
from liq.producers.live.redirects import ConnectToHost
from liq.producers.live.session_end import (
    TOO_LARGE,
    SessionEnd,
    closed,
    describe_error,
    describe_refusals,
    refused_handshake,
)
from liq.producers.live.subscriptions import Subscriptions
from liq.producers.live.timing import Timing
from liq.runtime.logs import get_logger
from liq.runtime.metrics import FEED_HELD, FEED_UNANSWERED
from liq.schemas.headers import FrameHeaders
from liq.schemas.units import MILLISECOND_NS, SECOND_NS

USER_AGENT: Final = "liquidation-engine"
OPEN_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
TICK_SECONDS: Final = 0.25
MAX_QUEUED_FRAMES: Final = 64

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SessionContext:
    """Objects that the connections of a process share."""

    publisher: FramePublisher
    activity: Activity
    clock: Clock
    timing: Timing
    rates: RateStamp
    observer: SessionObserver | None = None


class Session:
    """A connection of one feed, for some of its names.

    `answered` is set once every subscription has an answer and at least one was accepted.
    `is_closing` is set when the venue announces that it will close the connection, `has_data` by
    the first data after `answered`. `last_sign_ms` is the time of the latest message or pong,
    `last_data_ms` that of the latest data (UTC).

    `budget` counts messages against a limit that the connections of a process share. `part` counts
    the connection's data over all its sessions.
    """

    def __init__(  # noqa: PLR0913 - what a connection consists of
        self,
        feed: FeedSpec,
        address: str,
        names: tuple[str, ...],
        connection: str,
        context: SessionContext,
        *,
        budget: MessageBudget | None = None,
        part: ConnectionActivity | None = None,
    ) -> None:
        now = context.clock.monotonic()
        self.feed = feed
        self.connection = connection
        self.names = names
        self.subscriptions = Subscriptions(feed, names, context.timing.acknowledge)
        self.answered = asyncio.Event()
        self.is_closing = asyncio.Event()
        self.has_data = asyncio.Event()
        self.last_sign_ms = now_ms(context.clock)
        self.last_data_ms: int | None = None
        self._address = address
        self._context = context
        self._clock = context.clock
        self._schedule = PingSchedule(feed.heartbeat, last_ping=now)
        self._budget = budget or MessageBudget(feed.limits)
        self._pacer = Pacer(connection, self.subscriptions, self._schedule, self._budget)
        self._part = part
        self._is_held = False
        self._sequence = 0
        self._end: SessionEnd | None = None
        self._fault: Exception | None = None

    async def run(self) -> SessionEnd:
        """Connect, subscribe and forward frames; return when the connection has ended."""
        try:
            async with ConnectToHost(
                self._address,
                # Without compression there are no compression bombs; frames are small anyway.
                compression=None,
                max_size=self.feed.max_frame_bytes,
                # At most 64 MiB wait to be read.
                max_queue=max(1, MAX_QUEUED_FRAMES * MAX_FRAME_BYTES // self.feed.max_frame_bytes),
                open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS,
                # The schedule of each venue's own pings replaces the library's.
                ping_interval=None,
                additional_headers=self.feed.headers,
                user_agent_header=USER_AGENT,
            ) as websocket:
                end = await self._forward(websocket)
        except InvalidStatus as error:
            return refused_handshake(error)
        except (OSError, TimeoutError, WebSocketException) as error:
            return self._end or SessionEnd(f"cannot connect: {describe_error(error)}")
        return end

    async def _forward(self, websocket: ClientConnection) -> SessionEnd:
        if self._context.observer is not None:
            self._context.observer.opened(self)
        keeper = asyncio.create_task(self._keep(websocket), name=f"{self.connection} keeper")
        try:
            for text in self.feed.on_open:
                await self._send(websocket, text)
            while True:
                await self._take(websocket, await websocket.recv(decode=False))
        except ConnectionClosed as error:
            return self._end or closed(error, self.feed.max_frame_bytes)
        except FrameTooLargeError as error:
            await websocket.close(TOO_LARGE)
            return SessionEnd(str(error))
        finally:
            keeper.cancel()
            await asyncio.wait({keeper})
            self._pacer.end()
            if self._fault is not None:
                raise self._fault

    async def _take(self, websocket: ClientConnection, frame: bytes) -> None:
        received_at_ns = self._clock.now_ns()
        self._schedule.note_sign()
        self.last_sign_ms = received_at_ns // MILLISECOND_NS
        received, key, frame, is_closing = self._read(frame)
        if is_closing:
            self.is_closing.set()
        if self._context.observer is not None:
            self._context.observer.received(self, frame, received_at_ns, received)
        if received.is_data:
            await self._publish(key, frame, received_at_ns)
            self._note_data()
        if received is not DATA:
            is_news = self.subscriptions.take(received)
            self._check_answers(self._clock.monotonic())
            if is_news:
                log.warning(
                    "exchange_error", connection=self.connection, detail=received.refusal[:500]
                )
            self._pacer.note_answers()
            for reply in received.replies:
                await self._send(websocket, reply)

    async def _publish(self, key: bytes, frame: bytes, received_at_ns: int) -> None:
        """Publish a frame; one that exceeds the limit of a record is divided first."""
        rates = self._context.rates.header(self.feed.needs_rates, received_at_ns)
        split = self.feed.split
        is_long = len(frame) > MAX_FRAME_BYTES
        for part in [frame] if split is None or not is_long else split(frame, MAX_FRAME_BYTES):
            headers = FrameHeaders(
                self.feed.exchange,
                self.feed.name,
                received_at_ns,
                self.connection,
                self._sequence,
                rates,
            )
            self._sequence += 1
            await self._context.publisher.frame(key, part, headers)

    def _note_data(self) -> None:
        self.last_data_ms = self.last_sign_ms
        if self.answered.is_set():
            self.has_data.set()
        activity = self._context.activity
        activity.note_data(self.feed.label, self._clock.monotonic(), self._part)

    def exchange(self, old: str | None, new: str | None) -> None:
        """Follow `new` instead of `old`, over this connection; the other names stay subscribed."""
        self.subscriptions.exchange(old, new)
        self.names = self.subscriptions.names

    async def _send(self, websocket: ClientConnection, text: str) -> None:
        self._budget.note_message(self._clock.monotonic())
        await websocket.send(text)

    def _read(self, frame: bytes) -> tuple[Received, bytes, bytes, bool]:
        """Return a frame's meaning, record key, unpacked bytes, and whether it announces the end.

        An unreadable frame counts as data: the normalizer rejects it, with its bytes.
        """
        feed = self.feed
        key = feed.exchange.encode()
        try:
            if feed.unpack is not None:
                frame = feed.unpack(frame)
            if frame in feed.texts:
                return feed.texts[frame], key, frame, False
            message = orjson.loads(frame)
            received = feed.read(message)
            is_closing = not received.is_data and feed.renew_on(message)
        except (ValueError, LookupError, TypeError, AttributeError):
            return DATA, key, frame, False
        if received.is_data:
            key = message_key(feed.exchange, feed.symbol_of, message)
        return received, key, frame, is_closing

    async def _keep(self, websocket: ClientConnection) -> None:
        """Subscribe at the venue's pace, ping, and detect a dead connection, until it ends."""
        try:
            while self._end is None:
                now = self._clock.monotonic()
                step = self._pacer.step(now)
                self._show(step)
                if step.text is not None:
                    await websocket.send(step.text)
                self._check_answers(now)
                if self._schedule.is_dead(now):
                    self._end = SessionEnd("half-open: no sign of life after a ping")
                elif step.is_ping_due:
                    await self._ping(websocket)
                pause = TICK_SECONDS if step.text is None else self.feed.request_interval_seconds
                await asyncio.sleep(pause)
        except ConnectionClosed:
            return
        except Exception as error:  # noqa: BLE001 - the reader raises it
            self._fault = error
        finally:
            # The end of this task has to wake the reader, whatever its cause.
            await websocket.close()

    def _show(self, step: Step) -> None:
        """Update metrics: how often a limit began to delay subscriptions, and unanswered ones."""
        if step.is_held and not self._is_held:
            FEED_HELD.labels(self.feed.exchange, "messages").inc()
        self._is_held = step.is_held
        if self.feed.limits.unanswered_requests is not None:
            FEED_UNANSWERED.labels(self.feed.exchange).set(self._budget.unanswered)

    async def _ping(self, websocket: ClientConnection) -> None:
        text = self.feed.heartbeat.text
        if text is not None:
            await websocket.send(
                text if isinstance(text, str) else text(self._clock.now_ns() // SECOND_NS)
            )
            return
        pong = asyncio.ensure_future(await websocket.ping())
        pong.add_done_callback(self._note_pong)

    def _note_pong(self, pong: "asyncio.Future[float]") -> None:
        if not pong.cancelled() and pong.exception() is None:
            self._schedule.note_sign()
            self.last_sign_ms = now_ms(self._clock)

    def _check_answers(self, now: float) -> None:
        self.subscriptions.end_overdue(now)
        overdue = self.subscriptions.overdue(now)
        if overdue and not self.feed.acknowledges:
            self.subscriptions.accept(overdue)
        elif overdue:
            limit = self.subscriptions.acknowledge_seconds
            self.subscriptions.give_up(overdue, f"not acknowledged within {limit:g} s")
        if overdue:
            self._pacer.note_answers()
        if self.answered.is_set():
            return
        if self.subscriptions.is_complete:
            self.answered.set()
        elif self.subscriptions.is_refused:
            self._end = SessionEnd(describe_refusals(self.subscriptions.refused), is_refused=True)
