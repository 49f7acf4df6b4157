"""Live producers: every feed of some exchanges into Kafka, from one process.

Each exchange has tasks of its own. What goes wrong in one of them is recorded and tried again
there; only Kafka's failure, or a signal, ends the process.
"""

import asyncio
import random
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.errors import KafkaError

from producers.addresses import Target, targets
from producers.breaker import CircuitBreaker
from producers.clock import Clock, SystemClock, now_ms
from producers.connection import ConnectionContext
from producers.earlier_life import covered_until_ms
from producers.feed_runner import FeedRunner
from producers.feed_status import FeedReporter
from producers.liveness import Activity, FeedActivity
from producers.publisher import Publisher
from producers.registry import FEEDS
from producers.session import SessionContext
from runtime.errors import ConfigurationError, DependencyError
from runtime.health import Health
from runtime.kafka import new_producer
from runtime.logs import get_logger
from runtime.metrics import FEED_SILENCE, FEED_STALE
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.vocabulary import FeedEvent

CLIENT_ID: Final = "produce"
BEAT_SECONDS: Final = 1.0
FLUSH_SECONDS: Final = 25.0

log = get_logger(__name__)


def chosen_targets(
    exchanges: tuple[str, ...], environment: Mapping[str, str]
) -> tuple[Target, ...]:
    """Everything to connect to.

    Raises:
        ConfigurationError: an exchange or an address is wrong, or nothing is left.
    """
    unknown = [name for name in exchanges if name not in FEEDS]
    if unknown:
        raise ConfigurationError(
            f"There is no producer for {', '.join(unknown)}; there is one for "
            f"{', '.join(sorted(FEEDS))}."
        )
    found = tuple(
        target for exchange in exchanges for target in targets(FEEDS[exchange], environment)
    )
    if not found:
        raise ConfigurationError("There is nothing to subscribe to; see docs/feeds.md.")
    return found


async def produce(
    settings: Settings,
    chosen: tuple[Target, ...],
    health: Health,
    stop: asyncio.Event,
    clock: Clock | None = None,
) -> None:
    """Receive until `stop` is set, then flush.

    Raises:
        ConfigurationError: a topic is not as wanted.
        DependencyError: Kafka does not answer, or did not acknowledge a record.
    """
    clock = clock or SystemClock()
    exchanges = _exchanges(chosen)
    health.require("kafka")
    health.require("feeds", "no feed is subscribed yet")
    await ensure_topics(settings, exchanges)
    covered = await covered_until_ms(settings, exchanges, settings.worker_slot, now_ms(clock))
    producer = new_producer(settings, f"{CLIENT_ID}-{settings.worker_slot}")
    try:
        try:
            await producer.start()
            health.set("kafka", holds=True, reason="connected")
            publisher = Publisher(producer, settings.topics, clock, settings.worker_slot)
            run = _Run(
                settings,
                chosen,
                health=health,
                clock=clock,
                publisher=publisher,
                covered=covered,
            )
            await run.until(stop)
        finally:
            await producer.stop()
    except KafkaError as error:
        raise _unacknowledged(settings, error) from error


def _exchanges(chosen: tuple[Target, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(target.feed.exchange for target in chosen))


def _unacknowledged(settings: Settings, error: BaseException) -> DependencyError:
    return DependencyError(
        f"Kafka at {settings.kafka_bootstrap_servers} did not acknowledge a record ({error}); "
        "start again when it answers: the gap will be recorded."
    )


class _Run:
    def __init__(  # noqa: PLR0913 - what one run consists of
        self,
        settings: Settings,
        chosen: tuple[Target, ...],
        *,
        health: Health,
        clock: Clock,
        publisher: Publisher,
        covered: Mapping[str, int],
    ) -> None:
        self._settings = settings
        self._exchanges = _exchanges(chosen)
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
        session = SessionContext(publisher, self._activity, clock)
        # Jitter needs no secrecy.
        source = random.Random()  # noqa: S311
        contexts = {
            exchange: ConnectionContext(
                session, self._reporter, CircuitBreaker(), settings.worker_slot, source
            )
            for exchange in self._exchanges
        }
        self._runners = {
            target.feed.label: FeedRunner(
                target, contexts[target.feed.exchange], covered.get(target.feed.exchange)
            )
            for target in chosen
        }

    async def until(self, stop: asyncio.Event) -> None:
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
            await asyncio.gather(*tasks, stopping, return_exceptions=True)
        [beat_result] = await asyncio.gather(beating, return_exceptions=True)
        if isinstance(beat_result, Exception):
            raise beat_result
        if not self._publisher.failed.done():
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._publisher.drain()
        if self._publisher.failed.done():
            raise _unacknowledged(self._settings, self._publisher.failed.result())
        log.info("flushed")

    async def _beat(self) -> None:
        """Once a second: heartbeats into the log, stale feeds, health."""
        while True:
            self._health.beat()
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
        for label, activity in self._activity.feeds.items():
            feed = self._runners[label].feed
            FEED_SILENCE.labels(feed.exchange, feed.name).set(activity.silence(now))
            FEED_STALE.labels(feed.exchange, feed.name).set(int(activity.is_stale))

    def _report_readiness(self) -> None:
        """Ready with one feed: an exchange that is down must not take the others out."""
        down = [label for label, feed in self._activity.feeds.items() if not feed.connections]
        is_up = len(down) < len(self._activity.feeds)
        reason = f"not subscribed: {', '.join(down)}" if down else "all feeds are subscribed"
        self._health.set("feeds", holds=is_up, reason=reason)
