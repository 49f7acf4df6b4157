"""A run of live producers: every feed of some exchanges into Kafka, from one process.

Each feed has tasks of its own, which record and retry their failures; only Kafka's failure, or a
signal, ends the process.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka.errors import KafkaError

from liq.producers.feeds import FeedSpec, LimitScope
from liq.producers.feeds.registry import producible_exchanges
from liq.producers.feeds.settings import Target
from liq.producers.live.budget import ConnectionBudget, MessageBudget
from liq.producers.live.clock import Clock, SystemClock, now_ms
from liq.producers.live.context import ConnectionContext
from liq.producers.live.coverage import covered_until_ms
from liq.producers.live.feed_runner import FeedRunner
from liq.producers.live.interfaces import FramePublisher, SessionObserver
from liq.producers.live.liveness import Activity, FeedActivity
from liq.producers.live.peers import PeerWatch
from liq.producers.live.publisher import Producers, Publisher
from liq.producers.live.rates import RateStamp, followed_rates
from liq.producers.live.session import SessionContext, describe_error
from liq.producers.live.status import FeedReporter, list_names
from liq.producers.live.timing import DEFAULT_TIMING, Timing
from liq.runtime.beating import BEAT_SECONDS, beating
from liq.runtime.errors import DependencyError
from liq.runtime.health import Health
from liq.runtime.kafka import LINGER_MS, new_producer
from liq.runtime.logs import get_logger
from liq.runtime.metrics import FEED_SILENCE, FEED_STALE, FEED_STALE_CONNECTIONS
from liq.runtime.retry import CircuitBreaker
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.vocabulary import FeedEvent

CLIENT_ID: Final = "produce"
END_SECONDS: Final = 5.0
FLUSH_SECONDS: Final = 20.0
CLOSE_SECONDS: Final = 2.0

log = get_logger(__name__)


async def produce(
    settings: Settings,
    chosen: tuple[Target, ...],
    health: Health,
    stop: asyncio.Event,
    timing: Timing = DEFAULT_TIMING,
) -> None:
    """Receive until `stop` is set, then flush.

    Raises:
        ConfigurationError: a topic is not as wanted.
        DependencyError: Kafka does not answer, or did not acknowledge a record.
    """
    async with beating(health):
        await _produce(settings, chosen, health, stop, timing)


async def _produce(
    settings: Settings,
    chosen: tuple[Target, ...],
    health: Health,
    stop: asyncio.Event,
    timing: Timing,
) -> None:
    clock = SystemClock()
    exchanges = exchanges_of(chosen)
    health.require("kafka")
    health.require("feeds", "no feed is subscribed yet")
    await ensure_topics(settings, exchanges)
    covered = await covered_until_ms(
        settings, [target.feed for target in chosen], settings.worker_slot, now_ms(clock)
    )
    async with (
        followed_rates(settings, lambda: now_ms(clock)) as rates,
        open_publisher(settings, clock) as publisher,
    ):
        health.set("kafka", holds=True, reason="connected")
        run = LiveRun(
            settings,
            chosen,
            health=health,
            clock=clock,
            timing=timing,
            publisher=publisher,
            covered=covered,
            rates=rates,
        )
        peers = PeerWatch(settings, exchanges, producible_exchanges())
        watching = asyncio.create_task(peers.run(run.note_others, timing.peers), name="peers")
        try:
            await run.until(stop)
        finally:
            watching.cancel()
            await asyncio.wait({watching}, timeout=CLOSE_SECONDS)


@asynccontextmanager
async def open_publisher(
    settings: Settings, clock: Clock, *, linger_ms: int = LINGER_MS
) -> AsyncIterator[Publisher]:
    """A publisher while Kafka acknowledges.

    Raises:
        DependencyError: Kafka does not answer, or did not acknowledge a record.
    """
    name = f"{CLIENT_ID}-{settings.worker_slot}"
    topics = settings.topics
    producers = Producers(
        frames=new_producer(settings, name, linger_ms=linger_ms),
        feeds=new_producer(
            settings,
            f"{name}-feeds",
            linger_ms=linger_ms,
            compression=topics.compression(topics.feeds),
        ),
    )
    try:
        try:
            for producer in producers:
                await producer.start()
            yield Publisher(
                producers,
                topics,
                clock,
                settings.worker_slot,
                settings.produce_acknowledge_seconds,
            )
        finally:
            # What is not acknowledged by now, `stop` would wait for without end.
            stops = [asyncio.create_task(each.stop()) for each in producers]
            stopped, _ = await asyncio.wait(stops, timeout=CLOSE_SECONDS)
            for stopping in stopped:
                stopping.result()
    except KafkaError as error:
        raise _unacknowledged(settings, error) from error


def exchanges_of(chosen: tuple[Target, ...]) -> tuple[str, ...]:
    """The exchanges of some feeds, each once."""
    return tuple(dict.fromkeys(target.feed.exchange for target in chosen))


def _budgets(feeds: Sequence[FeedSpec]) -> tuple[ConnectionBudget, MessageBudget | None]:
    """Return what the connections to one exchange share; its feeds state the same limits."""
    limits = feeds[0].limits
    is_shared = limits.scope is LimitScope.ADDRESS
    return ConnectionBudget(limits), MessageBudget(limits) if is_shared else None


def _unacknowledged(settings: Settings, error: BaseException) -> DependencyError:
    return DependencyError(
        f"Kafka at {settings.kafka_bootstrap_servers} did not acknowledge a record "
        f"({describe_error(error)}); start again when it answers: the gap will be recorded."
    )


class LiveRun:
    """All feeds of some exchanges, once.

    `covered` tells, by a feed's label, until when somebody received it before. `observer` sees
    every connection and frame.
    """

    def __init__(  # noqa: PLR0913 - what one run consists of
        self,
        settings: Settings,
        chosen: tuple[Target, ...],
        *,
        health: Health,
        clock: Clock,
        timing: Timing,
        publisher: FramePublisher,
        covered: Mapping[str, int],
        rates: RateStamp,
        observer: SessionObserver | None = None,
    ) -> None:
        self._settings = settings
        self._exchanges = exchanges_of(chosen)
        self._health = health
        self._clock = clock
        self._publisher = publisher
        self._activity = Activity(
            {
                target.feed.label: FeedActivity(target.feed.exchange, target.feed.silence_seconds)
                for target in chosen
            }
        )
        self._reporter = FeedReporter(publisher.status, clock)
        session = SessionContext(publisher, self._activity, clock, timing, rates, observer)
        # Jitter needs no secrecy.
        source = random.Random()  # noqa: S311
        contexts = {
            exchange: ConnectionContext(
                session,
                self._reporter,
                CircuitBreaker(timing.breaker),
                settings.worker_slot,
                source,
                *_budgets([each.feed for each in chosen if each.feed.exchange == exchange]),
            )
            for exchange in self._exchanges
        }
        self._runners = {
            target.feed.label: FeedRunner(
                target, contexts[target.feed.exchange], covered.get(target.feed.label)
            )
            for target in chosen
        }

    def note_others(self) -> None:
        """Note that another exchange publishes, by another process."""
        self._activity.note_others(self._clock.monotonic())

    async def until(self, stop: asyncio.Event) -> None:
        """Receive until the event is set, then flush.

        Raises:
            DependencyError: Kafka did not acknowledge a record.
        """
        tasks = [
            asyncio.create_task(runner.run(), name=label) for label, runner in self._runners.items()
        ]
        beating = asyncio.create_task(self._beat(), name="heartbeat")
        stopping = asyncio.create_task(stop.wait())
        try:
            ends: set[asyncio.Future[Any]] = {stopping, beating, self._publisher.failed}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, beating, stopping):
                task.cancel()
            # What is not connected says so, which waits for Kafka.
            await asyncio.wait({*tasks, stopping}, timeout=END_SECONDS)
        [beat_result] = await asyncio.gather(beating, return_exceptions=True)
        if isinstance(beat_result, Exception):
            raise beat_result
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._publisher.drain()
        except TimeoutError as error:
            raise _unacknowledged(self._settings, error) from error
        if self._publisher.failed.done():
            raise _unacknowledged(self._settings, self._publisher.failed.result())
        log.info("flushed")

    async def _beat(self) -> None:
        """Once a second: heartbeats into the log, stale feeds, readiness."""
        while True:
            for exchange in self._exchanges:
                await self._publisher.heartbeat(exchange)
            await self._judge_silence()
            self._report_readiness()
            await asyncio.sleep(BEAT_SECONDS)

    async def _judge_silence(self) -> None:
        now = self._clock.monotonic()
        for label in self._activity.newly_stale(now):
            runner, activity = self._runners[label], self._activity.feeds[label]
            await self._reporter.tell(
                runner.feed,
                f"{self._settings.worker_slot}:{label}",
                FeedEvent.STALE,
                f"connected, and silent for {activity.silence(now):.0f} s while another exchange "
                f"publishes; reconnecting",
            )
            runner.renew()
        for label, part in self._activity.newly_stale_parts(now):
            runner = self._runners[label]
            await self._reporter.tell(
                runner.feed,
                part.connection,
                FeedEvent.STALE,
                f"one connection is silent for {part.silence.seconds(now):.0f} s while others of "
                f"the feed talk; reconnecting: {list_names(part.names)}",
            )
            runner.renew(part)
        for label, activity in self._activity.feeds.items():
            feed = self._runners[label].feed
            FEED_SILENCE.labels(feed.exchange, feed.name).set(activity.silence(now))
            FEED_STALE.labels(feed.exchange, feed.name).set(int(activity.is_stale))
            stale = FEED_STALE_CONNECTIONS.labels(feed.exchange, feed.name)
            stale.set(activity.stale_parts)

    def _report_readiness(self) -> None:
        """Ready with one feed: an exchange that is down must not take the others out."""
        down = [label for label, feed in self._activity.feeds.items() if not feed.connections]
        is_up = len(down) < len(self._activity.feeds)
        reason = f"not subscribed: {', '.join(down)}" if down else "all feeds are subscribed"
        self._health.set("feeds", holds=is_up, reason=reason)
