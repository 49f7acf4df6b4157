"""A feed's connection: it reconnects, is replaced before it expires, and records its gaps.

A new connection subscribes before the one that it replaces closes. Frames that both receive get the
same event ids, by which readers deduplicate them. A connection is also replaced when the venue
announces its end.

A silent address is compared with the feed's documented alternatives. Each in turn is subscribed
beside it; of the two, the connection that receives data first is kept.
"""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Final

from liq.producers.feeds.settings import Target
from liq.producers.live.addresses import first_to_talk, other_addresses
from liq.producers.live.clock import now_ms
from liq.producers.live.context import ConnectionContext
from liq.producers.live.liveness import ConnectionActivity
from liq.producers.live.renewal import Renewal
from liq.producers.live.session import Session
from liq.producers.live.session_end import SessionEnd, describe_refusals
from liq.runtime.metrics import FEED_BREAKER, FEED_CONNECTED, FEED_CONNECTIONS, FEED_HELD
from liq.runtime.retry import show_breaker
from liq.schemas.vocabulary import FeedEvent

ADMISSION_POLL_SECONDS: Final = 0.5


@dataclass(slots=True)
class _Live:
    session: Session
    task: "asyncio.Task[SessionEnd]"
    since: float


class Connection:
    """One of a feed's connections, for as long as the process runs.

    `covered_until_ms` is the last time data was known to arrive (UTC): a gap starts there, if set.
    """

    def __init__(
        self,
        target: Target,
        names: tuple[str, ...],
        context: ConnectionContext,
        covered_until_ms: int | None = None,
    ) -> None:
        self.part = ConnectionActivity(names)
        self._activity = context.session.activity.feeds[target.feed.label]
        self._activity.parts.append(self.part)
        self._address = target.address
        self._target = target
        self._feed = target.feed
        self._context = context
        self._clock = context.session.clock
        self._timing = context.session.timing
        self._covered_until_ms = covered_until_ms
        self._failures = 0
        self._is_connected = False
        self._renewal = Renewal(target.feed, context)
        self._sessions: set[asyncio.Task[SessionEnd]] = set()
        self._session: Session | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it subscribes to."""
        return self.part.names

    @property
    def room(self) -> int:
        """How many more names it can subscribe to."""
        return self._feed.names_a_connection - len(self.names)

    def add(self, names: tuple[str, ...]) -> None:
        """Subscribe to more names, by replacing the connection soon."""
        self.part.names += names
        self._renewal.request()

    def renew(self, *, is_silent: bool = False) -> None:
        """Request a replacement; a silent connection may move to another address."""
        self._renewal.request(is_silent=is_silent)

    async def exchange(self, old: str | None, new: str | None, detail: str) -> bool:
        """Follow `new` instead of `old` without a new connection, and report that.

        Return False, and change nothing, unless exactly one connection is open and subscribed.
        """
        session = self._session
        if session is None or not self._is_connected or len(self._sessions) != 1:
            return False
        session.exchange(old, new)
        self.part.names = session.names
        await self._context.reporter.tell(
            self._feed, session.connection, FeedEvent.CONNECTED, detail
        )
        return True

    @property
    def refused(self) -> frozenset[str]:
        """The names that the venue refuses on the present connection."""
        return frozenset(self._session.subscriptions.refused if self._session is not None else ())

    async def run(self) -> None:
        """Stay connected until cancelled."""
        try:
            live = await self._establish()
            while True:
                age_seconds = self._clock.monotonic() - live.since
                if await self._renewal.wait(live.session, live.task, age_seconds):
                    live = await self._renewed(live)
                else:
                    await self._note_end(live.session, live.task.result(), live.since)
                    await asyncio.sleep(self._backoff())
                    live = await self._establish()
        finally:
            self._set_connected(connected=False)
            await _end(*self._sessions)
            await self._close_gap(
                f"{self._context.slot}:{self._feed.label}", "not connected at the end"
            )

    async def _establish(self) -> _Live:
        """Open connections until one is subscribed, and return it."""
        while True:
            await self._wait_for_admission()
            live = await self._open()
            if isinstance(live, _Live):
                return live
            await asyncio.sleep(self._backoff())

    async def _open(self, *, opens_gap: bool = True, address: str = "") -> _Live | None:
        """Open one connection and subscribe; on failure, record it and return None."""
        self._renewal.begin()
        started_ms = now_ms(self._clock)
        await self._wait_for_room()
        session = Session(
            self._feed,
            self._target.with_key(address or self._address),
            self.names,
            f"{self._context.slot}:{self._feed.label}:{secrets.token_hex(4)}",
            self._context.session,
            budget=self._context.messages,
            part=self.part,
        )
        task = asyncio.create_task(session.run(), name=session.connection)
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)
        answered = asyncio.create_task(session.answered.wait())
        try:
            await asyncio.wait({task, answered}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            answered.cancel()
        if task.done():
            if opens_gap:
                self._covered_until_ms = self._covered_until_ms or started_ms
            await self._note_end(session, task.result(), None)
            return None
        self._session = session
        await self._note_subscribed(session, address)
        return _Live(session, task, self._clock.monotonic())

    async def _wait_for_admission(self) -> None:
        breaker = self._context.breaker
        while (wait := breaker.wait_seconds(self._clock.monotonic())) > 0:  # noqa: ASYNC110 - time opens it too
            await asyncio.sleep(min(wait, ADMISSION_POLL_SECONDS))
        self._show_breaker()

    async def _wait_for_room(self) -> None:
        """Wait until the venue's limit of new connections a minute admits one, and count it."""
        budget = self._context.connections
        if not budget.admits_connection(self._clock.monotonic()):
            FEED_HELD.labels(self._feed.exchange, "connections").inc()
            while not budget.admits_connection(self._clock.monotonic()):  # noqa: ASYNC110 - time admits it
                await asyncio.sleep(ADMISSION_POLL_SECONDS)
        budget.note_connection(self._clock.monotonic())

    async def _renewed(self, old: _Live) -> _Live:
        """Return the connection to keep: a new one, or the old one if it receives data again."""
        if self._renewal.take_silent() and self._target.alternatives:
            return await self._compare_addresses(old)
        return await self._replace(old)

    async def _replace(self, old: _Live) -> _Live:
        """Subscribe a new connection, close the old one after an overlap, and return the new."""
        while True:
            has_turn = await self._wait_for_turn(old)
            try:
                new = await self._open_beside(old)
                if new is not None:
                    await asyncio.wait({old.task}, timeout=self._timing.overlap)
                    await _end(old.task)
                    return new
            finally:
                if has_turn:
                    self._context.connections.end_replacement()
            if old.task.done():
                return await self._start_again(old)
            await asyncio.wait({old.task}, timeout=self._backoff())

    async def _wait_for_turn(self, old: _Live) -> bool:
        """Wait for the venue's one replacement at a time; False if the old connection ended."""
        while not old.task.done():
            if self._context.connections.take_replacement():
                return True
            await asyncio.wait({old.task}, timeout=ADMISSION_POLL_SECONDS)
        return False

    async def _start_again(self, old: _Live) -> _Live:
        await self._note_end(old.session, old.task.result(), old.since)
        return await self._establish()

    async def _compare_addresses(self, old: _Live) -> _Live:
        """Subscribe at the feed's other addresses in turn, and return what receives data first."""
        silent_seconds = self.part.silence.seconds(self._clock.monotonic())
        from_ms = now_ms(self._clock) - int(silent_seconds * 1_000)
        old.session.has_data.clear()
        for address in other_addresses(self._target, self._address):
            new = await self._open_beside(old, address)
            if new is not None:
                talks = await first_to_talk(
                    old.session, new.session, {old.task, new.task}, self._feed.silence_seconds
                )
                if talks is new.session:
                    await self._move(old, new, address, from_ms)
                    return new
                await _end(new.task)
                if talks is old.session:
                    return old
            if old.task.done():
                return await self._start_again(old)
            await asyncio.wait({old.task}, timeout=self._backoff())
        return old

    async def _move(self, old: _Live, new: _Live, address: str, from_ms: int) -> None:
        """Move to another address, and report the silence of the former one as a gap."""
        detail = f"from {self._address}, which stayed silent, to {address}"
        self._address = address
        connection, reporter = new.session.connection, self._context.reporter
        await reporter.tell(self._feed, connection, FeedEvent.MOVED, detail, from_ms)
        await reporter.gap(self._feed, connection, from_ms, "silent at the former address")
        await _end(old.task)

    async def _open_beside(self, old: _Live, address: str = "") -> _Live | None:
        new = await self._open(opens_gap=False, address=address)
        if new is not None and old.task.done():
            name, from_ms = new.session.connection, old.session.last_sign_ms
            await self._context.reporter.gap(
                self._feed, name, from_ms, "lost while replaced", may_be_covered=True
            )
        return new

    async def _note_subscribed(self, session: Session, address: str) -> None:
        self._context.breaker.close()
        self._show_breaker()
        self._set_connected(connected=True)
        FEED_CONNECTIONS.labels(self._feed.exchange, self._feed.name, "subscribed").inc()
        reporter, refused = self._context.reporter, session.subscriptions.refused
        accepted = len(session.subscriptions.accepted)
        detail = f"{accepted} subscriptions" + (f" at {address}" if address else "")
        self.part.connection = session.connection
        await reporter.tell(self._feed, session.connection, FeedEvent.CONNECTED, detail)
        if refused:
            await reporter.tell(
                self._feed, session.connection, FeedEvent.REFUSED, describe_refusals(refused)
            )
        await self._close_gap(session.connection, "not connected", may_be_covered=True)

    async def _close_gap(
        self, connection: str, detail: str, *, may_be_covered: bool = False
    ) -> None:
        """Report the open gap as ending now, if there is one."""
        from_ms, self._covered_until_ms = self._covered_until_ms, None
        if from_ms is not None:
            await self._context.reporter.gap(
                self._feed, connection, from_ms, detail, may_be_covered=may_be_covered
            )

    async def _note_end(self, session: Session, end: SessionEnd, since: float | None) -> None:
        """Record a connection's end; `since` is when it subscribed (monotonic), None if never."""
        now = self._clock.monotonic()
        was_stable = since is not None and now - since >= self._timing.stable
        self._failures = 1 if was_stable else self._failures + 1
        if since is not None:
            self._set_connected(connected=False)
            self._covered_until_ms = session.last_sign_ms
        event = FeedEvent.REFUSED if end.is_refused else FeedEvent.LOST
        FEED_CONNECTIONS.labels(self._feed.exchange, self._feed.name, event.value).inc()
        reporter, breaker = self._context.reporter, self._context.breaker
        opened = breaker.fail(
            now, self._failures, at_once=end.is_limited, pause_seconds=end.pause_seconds
        )
        self._show_breaker()
        await reporter.tell(
            self._feed, session.connection, event, end.reason, self._covered_until_ms
        )
        if opened:
            await reporter.tell(
                self._feed,
                session.connection,
                FeedEvent.STORM,
                f"{self._failures} failures in a row, the latest: {end.reason}; "
                f"next attempt in {breaker.wait_seconds(now):.0f} s",
            )

    def _backoff(self) -> float:
        return self._timing.backoff.wait_seconds(
            max(1, self._failures), self._context.random_source
        )

    def _set_connected(self, *, connected: bool) -> None:
        if connected is self._is_connected:
            return
        self._is_connected = connected
        now = self._clock.monotonic()
        self._activity.set_connected(self.part, connected=connected, now=now)
        connections = self._activity.connections
        FEED_CONNECTED.labels(self._feed.exchange, self._feed.name).set(connections)

    def _show_breaker(self) -> None:
        show_breaker(FEED_BREAKER, self._context.breaker.state, self._feed.service)


async def _end(*tasks: "asyncio.Task[SessionEnd]") -> None:
    """Cancel tasks and wait for their end; only a cancellation of the caller raises."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
