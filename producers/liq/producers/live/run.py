"""A run of live producers: one process publishes every feed of some exchanges to Kafka.

Each feed has its own tasks, which record their failures and retry. Only a failure of Kafka or a
signal ends the process.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

from liq.producers.feeds import FeedSpec, LimitScope
from liq.producers.feeds.node import NODE_FEED
from liq.producers.feeds.registry import producible_exchanges
from liq.producers.feeds.settings import Target
from liq.producers.live.amplifier import amplified
from liq.producers.live.budget import ConnectionBudget, MessageBudget
from liq.producers.live.clock import Clock, SystemClock, now_ms
from liq.producers.live.context import ConnectionContext
from liq.producers.live.coverage import covered_until_ms
from liq.producers.live.feed_runner import FeedRunner
from liq.producers.live.interfaces import FramePublisher, Runner, SessionObserver
from liq.producers.live.liveness import Activity, FeedActivity, blind_feeds
from liq.producers.live.node_runner import NodeFiles, NodeRunner, resumed
from liq.producers.live.opening import CLOSE_SECONDS, open_publisher, unacknowledged
from liq.producers.live.peers import PeerWatch
from liq.producers.live.rates import RateStamp, followed_rates
from liq.producers.live.sensor_watch import FILLS, SensorWatch, info_address, sensor_pool
from liq.producers.live.session import SessionContext
from liq.producers.live.status import FeedReporter, Twins, list_names
from liq.producers.live.timing import DEFAULT_TIMING, Timing
from liq.producers.live.twins import TwinWatch
from liq.producers.sensors import SensorPool
from liq.runtime.beating import BEAT_SECONDS, beating
from liq.runtime.health import Health
from liq.runtime.logs import get_logger
from liq.runtime.metrics import FEED_SILENCE, FEED_STALE, FEED_STALE_CONNECTIONS
from liq.runtime.retry import CircuitBreaker
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.vocabulary import FeedEvent

KAFKA: Final = "kafka"
FEEDS: Final = "feeds"
#: The health conditions of a producer.
CONDITIONS: Final = (KAFKA, FEEDS)
END_SECONDS: Final = 5.0
FLUSH_SECONDS: Final = 20.0

log = get_logger(__name__)


async def produce(  # noqa: PLR0913, PLR0917 - what a process consists of
    settings: Settings,
    chosen: tuple[Target, ...],
    health: Health,
    stop: asyncio.Event,
    timing: Timing = DEFAULT_TIMING,
    node: NodeFiles | None = None,
) -> None:
    """Receive until `stop` is set, then flush.

    Raises:
        ConfigurationError: a topic is not as wanted, or the node's files cannot be read.
        DependencyError: Kafka does not answer, or did not acknowledge a record.
    """
    async with beating(health):
        await _produce(settings, chosen, health, stop, timing, node)


async def _produce(  # noqa: PLR0913, PLR0917 - as `produce`
    settings: Settings,
    chosen: tuple[Target, ...],
    health: Health,
    stop: asyncio.Event,
    timing: Timing,
    node: NodeFiles | None,
) -> None:
    clock = SystemClock()
    exchanges = exchanges_of(chosen)
    health.require(KAFKA, "not connected yet")
    health.require(FEEDS, "no feed is subscribed yet")
    await ensure_topics(settings, exchanges)
    covered = await covered_until_ms(
        settings, [target.feed for target in chosen], settings.worker_slot, now_ms(clock)
    )
    if node is not None:
        node = await resumed(settings, node)
    sensors = sensor_pool(chosen, timing)
    makers = sensors.makers if sensors is not None else None
    async with (
        followed_rates(settings, lambda: now_ms(clock)) as rates,
        open_publisher(settings, clock) as publisher,
    ):
        health.set(KAFKA, holds=True, reason="connected")
        run = LiveRun(
            settings,
            chosen,
            health=health,
            clock=clock,
            timing=timing,
            publisher=amplified(publisher, chosen, clock, settings.worker_slot, makers),
            covered=covered,
            rates=rates,
            node=node,
            twins=TwinWatch(settings),
            sensors=sensors,
        )
        peers = PeerWatch(settings, exchanges, producible_exchanges())
        watching = asyncio.create_task(peers.run(run.note_others, timing.peers), name="peers")
        try:
            await run.until(stop)
        finally:
            watching.cancel()
            await asyncio.wait({watching}, timeout=CLOSE_SECONDS)


def exchanges_of(chosen: tuple[Target, ...]) -> tuple[str, ...]:
    """Return the exchanges of some feeds, each once."""
    return tuple(dict.fromkeys(target.feed.exchange for target in chosen))


def _budgets(feeds: Sequence[FeedSpec]) -> tuple[ConnectionBudget, MessageBudget | None]:
    """Return the budgets that one service's connections share; its feeds state equal limits."""
    limits = feeds[0].limits
    is_shared = limits.scope is LimitScope.ADDRESS
    return ConnectionBudget(limits), MessageBudget(limits) if is_shared else None


class LiveRun:
    """One run of all feeds of some exchanges.

    `covered` maps a feed's label to the last time data was known to arrive (UTC, ms). `observer`
    gets every connection and frame. The files of `node` are one more feed of one of the exchanges.
    `sensors` are the accounts that the run selects by itself.
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
        node: NodeFiles | None = None,
        twins: Twins | None = None,
        sensors: SensorPool | None = None,
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
        self._reporter = FeedReporter(publisher.status, clock, twins)
        session = SessionContext(publisher, self._activity, clock, timing, rates, observer)
        # Jitter needs no secrecy.
        source = random.Random()  # noqa: S311
        contexts = {
            service: ConnectionContext(
                session,
                self._reporter,
                CircuitBreaker(timing.breaker),
                settings.worker_slot,
                source,
                *_budgets([each.feed for each in chosen if each.feed.service == service]),
            )
            for service in dict.fromkeys(each.feed.service for each in chosen)
        }
        runners = {
            target.feed.label: FeedRunner(
                target, contexts[target.feed.service], covered.get(target.feed.label)
            )
            for target in chosen
        }
        self._runners: dict[str, Runner] = {**runners}
        self._sensors: SensorWatch | None = None
        if sensors is not None:
            [followed] = [each for each in runners.values() if each.feed.name == FILLS]
            self._sensors = SensorWatch(sensors, followed, info_address(chosen), clock, timing)
        self._node: NodeRunner | None = None
        if node is not None:
            label = NODE_FEED.label
            self._activity.feeds[label] = FeedActivity(
                NODE_FEED.exchange, NODE_FEED.silence_seconds
            )
            self._node = NodeRunner(node, contexts[NODE_FEED.exchange])
            self._runners[label] = self._node

    def note_others(self) -> None:
        """Record that another process publishes frames of another exchange."""
        self._activity.note_others(self._clock.monotonic())

    async def until(self, stop: asyncio.Event) -> None:
        """Receive until the event is set, then flush.

        Raises:
            DependencyError: Kafka did not acknowledge a record.
        """
        tasks = [
            asyncio.create_task(runner.run(), name=label) for label, runner in self._runners.items()
        ]
        if self._sensors is not None:
            tasks.append(asyncio.create_task(self._sensors.run(), name="sensors"))
        beating = asyncio.create_task(self._beat(), name="heartbeat")
        stopping = asyncio.create_task(stop.wait())
        try:
            ends: set[asyncio.Future[Any]] = {stopping, beating, self._publisher.failed}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, beating, stopping):
                task.cancel()
            # Connections that are down report their gaps, which waits for Kafka.
            await asyncio.wait({*tasks, stopping}, timeout=END_SECONDS)
        [beat_result] = await asyncio.gather(beating, return_exceptions=True)
        if isinstance(beat_result, Exception):
            raise beat_result
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._publisher.drain()
        except TimeoutError as error:
            raise unacknowledged(self._settings, error) from error
        if self._publisher.failed.done():
            raise unacknowledged(self._settings, self._publisher.failed.result())
        log.info("flushed")

    async def _beat(self) -> None:
        """Once a second, send heartbeats, report stale feeds, and update readiness."""
        while True:
            for exchange in self._exchanges:
                await self._publisher.heartbeat(
                    exchange, self._blind(exchange), self._cursor(exchange)
                )
            await self._judge_silence()
            self._report_readiness()
            await asyncio.sleep(BEAT_SECONDS)

    def _blind(self, exchange: str) -> tuple[str, ...]:
        """Return the feeds of an exchange that receive nothing."""
        return blind_feeds(
            {
                self._runners[label].feed.name: activity
                for label, activity in self._activity.feeds.items()
                if activity.exchange == exchange
            }
        )

    def _cursor(self, exchange: str) -> str:
        if self._node is None or exchange != self._node.feed.exchange:
            return ""
        return self._node.cursor

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
        """Report ready if any feed is subscribed: another's outage does not stop it."""
        down = [label for label, feed in self._activity.feeds.items() if not feed.connections]
        is_up = len(down) < len(self._activity.feeds)
        reason = f"not subscribed: {', '.join(down)}" if down else "all feeds are subscribed"
        self._health.set(FEEDS, holds=is_up, reason=reason)
