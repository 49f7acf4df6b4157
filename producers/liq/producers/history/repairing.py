"""The repairs and polls of one exchange, one after the other."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from liq.producers.history.asker import Asker, AwayError, Source
from liq.producers.history.gaps import GapBook, Span
from liq.producers.history.log import Log
from liq.producers.history.notes import Note
from liq.producers.history.paging import Progress
from liq.producers.history.polling import Poller, pollers_of
from liq.producers.history.positions import PositionPoller, PositionSource
from liq.producers.history.repair import Repair, Verdict
from liq.producers.history.spec import HistorySpec
from liq.producers.history.timing import HistoryTiming
from liq.producers.live.clock import Clock, now_ms
from liq.producers.live.liveness import blind_names
from liq.runtime.beating import BEAT_SECONDS
from liq.runtime.logs import get_logger
from liq.schemas.vocabulary import FeedEvent

#: The sources of a feed, or why it has none.
Histories = tuple[Source, ...] | str
LOOK_SECONDS: Final = 0.5

log = get_logger(__name__)


class ExchangeRepairs:
    """Tasks that repair the gaps of one exchange, the oldest first, poll its feeds, and beat."""

    def __init__(  # noqa: PLR0913 - what all exchanges share, and what is its own
        self,
        exchange: str,
        histories: Mapping[str, Histories],
        *,
        asker: Asker,
        timing: HistoryTiming,
        clock: Clock,
        log: Log,
        book: GapBook,
        note: Note,
        owns: Callable[[str], bool],
        positions: Sequence[PositionSource] = (),
    ) -> None:
        """Create the task; `histories` are each feed's sources, or the reason why it has none.

        `owns` returns whether this worker is assigned the partition of an exchange.
        """
        self._exchange = exchange
        self._histories = histories
        self._asker = asker
        self._timing = timing
        self._clock = clock
        self._log = log
        self._book = book
        self._progress = note.progress
        self._owns = owns
        pollers = pollers_of(
            histories,
            partial(Poller, asker=asker, timing=timing, clock=clock, log=log, cursors=note.cursors),
        )
        self._live = [poller for poller in pollers if poller.is_live]
        self._pollers: list[Poller | PositionPoller] = [
            *pollers,
            *(
                PositionPoller(source, asker=asker, timing=timing, clock=clock, log=log)
                for source in positions
            ),
        ]
        self._not_before: dict[str, float] = {}

    @property
    def feeds(self) -> tuple[tuple[str, str], ...]:
        """Return the feeds whose gaps it repairs, as exchange and name."""
        return tuple((self._exchange, feed) for feed in self._histories)

    async def run(self) -> None:
        """Repair due gaps and poll, until cancelled.

        Raises:
            KafkaError: the brokers do not acknowledge a record.
        """
        while True:
            for feed, histories in self._histories.items():
                span = self._due(feed, histories)
                if span is not None:
                    await self._repair(span, histories)
            for poller in self._pollers:
                if poller.is_due and self._owns(self._exchange):
                    await poller.step()
            await asyncio.sleep(LOOK_SECONDS)

    async def beat(self) -> None:
        """Send heartbeats once a second until cancelled, for feeds that this task polls.

        Raises:
            KafkaError: the brokers do not acknowledge a heartbeat.
        """
        while self._live:
            if self._owns(self._exchange):
                blind = blind_names({poller.feed: poller.is_blind for poller in self._live})
                await self._log.heartbeat(self._exchange, blind, self._clock.now_ns())
            await asyncio.sleep(BEAT_SECONDS)

    def _due(self, feed: str, histories: Histories) -> Span | None:
        delay_ms = 0.0
        if not isinstance(histories, str):
            longest_ms = max(source.spec.delay_ms for source in histories)
            delay_ms = longest_ms * self._timing.delay_scale
        span = self._book.due(self._exchange, feed, int(now_ms(self._clock) - delay_ms))
        if span is None or self._not_before.get(span.name, 0.0) > self._clock.monotonic():
            return None
        return span

    async def _repair(self, span: Span, histories: Histories) -> None:
        self._forget_others(span)
        progress = self._progress.setdefault(span.name, Progress())
        if isinstance(histories, str):
            verdict = Verdict(FeedEvent.UNRECOVERABLE, histories, 0, 0)
        else:
            repair = Repair(
                histories,
                (span.from_ms, span.to_ms),
                asker=self._asker,
                publish=self._publish,
                progress=progress,
                clock=self._clock,
            )
            try:
                verdict = await repair.run()
            except AwayError as error:
                progress.rounds += 1
                if progress.rounds < self._timing.rounds:
                    self._postpone(span, progress.rounds, str(error))
                    return
                verdict = repair.given_up(str(error))
        await self._log.end(span, verdict, now_ms(self._clock))
        self._book.close(span.gaps)
        self._progress.pop(span.name, None)
        self._not_before.pop(span.name, None)

    def _forget_others(self, span: Span) -> None:
        """Remove the progress of the same feed's repairs of other times, which do not continue."""
        feed = span.name.partition(":")[0]
        for name in [name for name in self._progress if name.partition(":")[0] == feed]:
            if name != span.name:
                del self._progress[name]

    async def _publish(self, spec: HistorySpec, subject: str, answer: bytes) -> None:
        await self._log.publish(spec, spec.name, subject, answer, self._clock.now_ns())

    def _postpone(self, span: Span, rounds: int, reason: str) -> None:
        seconds = self._timing.round_seconds * 2 ** (rounds - 1)
        self._not_before[span.name] = self._clock.monotonic() + seconds
        log.warning("repair_postponed", span=span.name, seconds=seconds, reason=reason)
