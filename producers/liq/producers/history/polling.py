"""Polling: requests a history regularly, from where the last poll ended.

A poll completes a live feed that publishes a sample, or is itself the feed of a venue that pushes
nothing. The end of the last poll is committed with the group's offset (`notes`). A live feed that
was not polled for long reports a gap instead of late events; the repair of gaps requests them. A
venue that does not answer is not polled during the pauses of a circuit breaker.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from liq.producers.history.asker import Asker, AwayError, Source
from liq.producers.history.log import Log
from liq.producers.history.paging import Progress
from liq.producers.history.published import PublishedRows
from liq.producers.history.repair import MAX_REFUSALS, Repair
from liq.producers.history.schedule import Schedule
from liq.producers.history.spec import HistorySpec, Poll
from liq.producers.history.timing import HistoryTiming
from liq.producers.live.clock import Clock, now_ms
from liq.producers.live.status import FeedReporter
from liq.runtime.logs import get_logger
from liq.runtime.metrics import FEED_BREAKER, FEED_CONNECTED, POLL_BEHIND
from liq.runtime.retry import show_breaker
from liq.schemas.units import HOUR_MS, SECOND_MS
from liq.schemas.vocabulary import FeedEvent

#: A live feed has a gap if it was not polled for this many intervals.
LATE_INTERVALS: Final = 3
#: The longest time that one poll of a completion requests; older times are not completed.
LONGEST_MS: Final = HOUR_MS

log = get_logger(__name__)


class PolledFeed(NamedTuple):
    """The names of a polled feed."""

    exchange: str
    name: str


class Poller:
    """Poller of the sources of one feed of one exchange."""

    def __init__(  # noqa: PLR0913 - what a poller consists of
        self,
        sources: Sequence[Source],
        poll: Poll,
        *,
        asker: Asker,
        timing: HistoryTiming,
        clock: Clock,
        log: Log,
        cursors: dict[str, int],
    ) -> None:
        """Create a poller; `cursors` map each feed to the end of its last poll (UTC, ms)."""
        self._sources = sources
        self._spec = sources[0].spec
        self._poll = poll
        self._asker = asker
        self._timing = timing
        self._clock = clock
        self._log = log
        self._feed = PolledFeed(self._spec.exchange, poll.feed)
        self._connection = log.connection(*self._feed)
        self._reporter = FeedReporter(log.deliver, clock)
        self._cursors = cursors
        self._published = PublishedRows()
        self._schedule = Schedule(poll.every_seconds * timing.delay_scale, timing.breaker, clock)
        self._is_lost = False
        self._is_begun = False
        self._refusal = ""

    @property
    def name(self) -> str:
        """Return exchange and feed."""
        return ".".join(self._feed)

    @property
    def is_due(self) -> bool:
        """Whether the next poll is due."""
        return self._schedule.is_due

    @property
    def feed(self) -> str:
        """The name of the feed."""
        return self._feed.name

    @property
    def is_live(self) -> bool:
        """Whether the poll is the feed itself, and does not complete another one."""
        return self._poll.is_live

    @property
    def is_blind(self) -> bool:
        """Whether the feed receives nothing.

        That is from a failed poll until the next answered one, and while the last answered poll is
        so long ago that the next one reports a gap.
        """
        since_ms = self._cursors.get(self.name)
        if since_ms is None or self._is_lost:
            return True
        return self._until_ms() - since_ms > self._longest_ms()

    async def step(self) -> None:
        """Poll once, unless the breaker is open.

        Raises:
            KafkaError: the brokers do not acknowledge a record.
        """
        if not self._schedule.begin():
            return
        until_ms = self._until_ms()
        since_ms = self._cursors.setdefault(self.name, until_ms)
        if not self._is_begun:
            await self._tell(FeedEvent.CONNECTED, "polling")
            self._is_begun = True
        begin_ms = self._begin_ms(since_ms, until_ms)
        POLL_BEHIND.labels(*self._feed).set((until_ms - since_ms) / SECOND_MS)
        if until_ms <= since_ms:
            return
        progress = Progress()
        try:
            verdict = await self._repair(begin_ms, until_ms, progress).run()
        except AwayError as error:
            await self._fail(str(error), since_ms, at_once=error.is_limited)
            return
        if verdict.event is FeedEvent.UNRECOVERABLE or progress.problems >= MAX_REFUSALS:
            await self._fail(verdict.detail, since_ms)
            return
        await self._succeed(progress, begin_ms, until_ms)
        if begin_ms > since_ms and self._poll.is_live:
            await self._gap(since_ms, "not polled for so long", begin_ms)
        self._cursors[self.name] = until_ms

    def _repair(self, begin_ms: int, until_ms: int, progress: Progress) -> Repair:
        from_ms = begin_ms + 1 - self._poll.overlap_ms
        self._published.forget_before(from_ms - self._spec.unit_ms)
        return Repair(
            self._sources,
            (from_ms, until_ms),
            asker=self._asker,
            publish=self._publish,
            progress=progress,
            clock=self._clock,
            published=self._published if self._poll.overlap_ms else None,
        )

    def _until_ms(self) -> int:
        """Return the time until which a poll of now requests."""
        return int(now_ms(self._clock) - self._poll.delay_ms * self._timing.delay_scale)

    def _longest_ms(self) -> int:
        """Return the longest time since the last poll that the next poll still requests."""
        every_ms = int(self._poll.every_seconds * SECOND_MS)
        return LATE_INTERVALS * every_ms if self._poll.is_live else LONGEST_MS

    def _begin_ms(self, since_ms: int, until_ms: int) -> int:
        """Return the time to poll from: the end of the last poll, or the newest interval."""
        if until_ms - since_ms <= self._longest_ms():
            return since_ms
        return until_ms - int(self._poll.every_seconds * SECOND_MS)

    async def _succeed(self, progress: Progress, begin_ms: int, until_ms: int) -> None:
        """Report a poll that the venue answered, except for a few refused subjects."""
        self._schedule.succeed()
        if self._is_lost:
            self._is_lost = False
            await self._tell(FeedEvent.CONNECTED, "answers again")
        self._show()
        if progress.problem == self._refusal:
            return
        self._refusal = progress.problem
        if progress.problem and self._poll.is_live:
            log.warning("poll_incomplete", feed=self.name, reason=progress.problem)
            await self._tell(FeedEvent.REFUSED, progress.problem, begin_ms)
            await self._gap(begin_ms, progress.problem, until_ms)

    async def _fail(self, reason: str, since_ms: int, *, at_once: bool = False) -> None:
        """Report a poll that the venue did not answer; several open the breaker."""
        log.warning("poll_failed", feed=self.name, reason=reason)
        if not self._is_lost:
            self._is_lost = True
            await self._tell(FeedEvent.LOST, reason, since_ms)
        wait = self._schedule.fail(at_once=at_once)
        if wait > 0:
            await self._tell(FeedEvent.STORM, f"{reason}; the next poll is in {wait:.0f} s")
        self._show()

    async def _gap(self, from_ms: int, detail: str, to_ms: int) -> None:
        await self._reporter.gap(self._feed, self._connection, from_ms, detail, to_ms)

    def _show(self) -> None:
        """Set the metrics of a live feed."""
        if self._poll.is_live:
            show_breaker(FEED_BREAKER, self._schedule.state, self._feed.exchange)
            FEED_CONNECTED.labels(*self._feed).set(int(not self._is_lost))

    async def _tell(self, event: FeedEvent, detail: str, from_ms: int | None = None) -> None:
        """Report an event of a live feed; a completion has no connection to report on."""
        if self._poll.is_live:
            await self._reporter.tell(self._feed, self._connection, event, detail, from_ms)

    async def _publish(self, spec: HistorySpec, subject: str, answer: bytes) -> None:
        await self._log.publish(spec, self._poll.feed, subject, answer, self._clock.now_ns())


def pollers_of(
    histories: Mapping[str, Sequence[Source] | str], new_poller: Callable[..., Poller]
) -> list[Poller]:
    """Return a poller for each feed whose history declares a poll."""
    return [
        new_poller(sources, sources[0].spec.poll)
        for sources in histories.values()
        if not isinstance(sources, str) and sources[0].spec.poll is not None
    ]
