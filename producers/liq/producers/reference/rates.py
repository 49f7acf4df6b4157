"""The publisher of rates: once a minute, other currencies in dollars, on the rates topic.

The rate of bitcoin and ether is the median of the last minutes' fills among the engine's own
events. If those are too few, and for euros and dollar coins, the source is a public ticker. Without
either, no rate is published: the previous rate grows old, and readers stop using it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from liq.producers.live.clock import Clock, SystemClock, now_ms
from liq.producers.live.rates import report_ages
from liq.producers.reference.rate_rules import Price, choose, price_of, rate_of
from liq.producers.reference.tickers import Quotes, Ticker, TickerError, ask, tickers
from liq.runtime.kafka import new_consumer, new_producer, start_consumer
from liq.runtime.layout import read_layout
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS, RECORDS_OUT
from liq.runtime.partitions import find_partitions
from liq.runtime.sending import partition_of
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import DecodeError, decode, encode
from liq.schemas.records import Liquidation, Rate

CLIENT_ID: Final = "rates"
FROM_EVENTS: Final = ("BTC", "ETH")
CURRENCIES: Final = (*FROM_EVENTS, "EUR", "USDT", "USDC")
INTERVAL_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 5.0
POLL_MS: Final = 500
# The records of each partition to read before its end at start: some minutes.
TAIL_RECORDS: Final = 2_000
# How long rates wait for the consumer to reach the end of the log.
CATCH_UP_SECONDS: Final = 10.0
# The most prices of a currency to keep, the newest; a minute of a cascade may have more.
MAX_PRICES: Final = 2_000

log = get_logger(__name__)


async def run(
    settings: Settings,
    stop: asyncio.Event,
    *,
    clock: Clock | None = None,
    asked: tuple[Ticker, ...] | None = None,
    interval_seconds: float = INTERVAL_SECONDS,
) -> None:
    """Publish rates until `stop` is set; `asked` replaces the tickers of the settings.

    While Kafka does not answer, retry every RETRY_SECONDS.

    Raises:
        ConfigurationError: a topic has a wrong number of partitions, or cannot be created.
        DependencyError: Kafka does not answer at start.
    """
    await ensure_topics(settings, ())
    publisher = _RatePublisher(
        settings, clock or SystemClock(), tickers(settings) if asked is None else asked
    )
    while not stop.is_set():
        try:
            spread = await _spread(settings)
            async with _clients(settings, spread) as (consumer, producer):
                await publisher.publish_until(stop, consumer, producer, interval_seconds, spread)
        except KafkaError as error:
            ERRORS.labels("rates_topic").inc()
            log.warning("rates_interrupted", error=repr(error))
            await _wait(stop, RETRY_SECONDS)


class _RatePublisher:
    """The known prices and rates, and the publication of one minute's rates."""

    def __init__(self, settings: Settings, clock: Clock, asked: tuple[Ticker, ...]) -> None:
        self._settings = settings
        self._topics = settings.topics
        self._clock = clock
        self._asked = asked
        self._prices: dict[bytes, deque[Price]] = {
            currency.encode(): deque(maxlen=MAX_PRICES) for currency in FROM_EVENTS
        }
        self._published: dict[str, Rate] = {}

    async def publish_until(
        self,
        stop: asyncio.Event,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        interval_seconds: float,
        spread: int,
    ) -> None:
        """Publish every minute, until `stop` or until the number of events partitions changes."""
        due = self._clock.monotonic()
        while not stop.is_set():
            # The poll waits at most POLL_MS, so the loop reacts to a stop and to the minute.
            batches = await consumer.getmany(timeout_ms=POLL_MS)
            self._take(record for records in batches.values() for record in records)
            now = self._clock.monotonic()
            if now >= due and (not batches or now >= due + CATCH_UP_SECONDS):
                due = now + interval_seconds
                await self._publish(producer)
                if await _spread(self._settings) != spread:
                    return
            report_ages(self._published.values(), now_ms(self._clock))

    def _take(self, records: Iterable[Any]) -> None:
        for record in records:
            prices = self._prices.get(record.key)
            if prices is None or record.value is None:
                continue
            try:
                price = price_of(decode(Liquidation, record.value))
            except DecodeError:
                ERRORS.labels("event_undecodable").inc()
                continue
            if price is not None:
                prices.append(price)

    async def _publish(self, producer: AIOKafkaProducer) -> None:
        quoted = await self._quoted()
        now = now_ms(self._clock)
        for currency in CURRENCIES:
            prices = self._prices.get(currency.encode(), ())
            from_events = rate_of(currency, prices, now)
            candidates = [*([from_events] if from_events else []), *quoted.get(currency, [])]
            rate = choose(candidates, self._published.get(currency), now)
            if rate is None:
                ERRORS.labels("rate_implausible" if candidates else "rate_missing").inc()
                log.warning("rate_missing", currency=currency, candidates=len(candidates))
                continue
            await producer.send_and_wait(
                self._topics.rates, encode(rate), key=currency.encode(), partition=0
            )
            RECORDS_OUT.labels(self._topics.rates).inc()
            self._published[currency] = rate

    async def _quoted(self) -> dict[str, list[Rate]]:
        """Request one ticker after the other until every currency has a quote."""
        found: dict[str, list[Rate]] = {}
        for ticker in self._asked:
            quotes: Quotes = {}
            try:
                quotes = await ask(ticker)
            except TickerError as error:
                ERRORS.labels("rate_ticker").inc()
                log.warning("ticker_unread", error=str(error))
            for currency, usd in quotes.items():
                rate = Rate(
                    currency=currency,
                    usd=usd,
                    timestamp_ms=now_ms(self._clock),
                    source=ticker.name,
                )
                found.setdefault(currency, []).append(rate)
            if all(currency in found for currency in CURRENCIES):
                break
        return found


async def _spread(settings: Settings) -> int:
    """Return the number of partitions of events in the layout; 0 if they have never grown."""
    layout = (await read_layout(settings)).layout
    return 0 if layout is None else layout.partitions


@asynccontextmanager
async def _clients(
    settings: Settings, spread: int
) -> AsyncIterator[tuple[AIOKafkaConsumer, AIOKafkaProducer]]:
    """Yield a consumer at the last minutes' events of the wanted assets, and a producer."""
    partitions = [
        place
        for place in await find_partitions(settings, [settings.topics.events])
        if not spread or place.partition < spread
    ]
    if not partitions:
        raise UnknownTopicOrPartitionError(settings.topics.events)
    consumer = new_consumer(settings)
    producer = new_producer(settings, f"{CLIENT_ID}-{settings.worker_slot}", linger_ms=0)
    try:
        await start_consumer(settings, consumer)
        await producer.start()
        wanted = _partitions_of_keys(partitions)
        consumer.assign(wanted)
        ends = await consumer.end_offsets(wanted)
        firsts = await consumer.beginning_offsets(wanted)
        for partition in wanted:
            consumer.seek(partition, max(firsts[partition], ends[partition] - TAIL_RECORDS))
        yield consumer, producer
    finally:
        await producer.stop()
        await consumer.stop()


def _partitions_of_keys(partitions: list[TopicPartition]) -> list[TopicPartition]:
    """Return the partitions of the wanted assets; the key of an event is its base."""
    [topic] = {each.topic for each in partitions}
    numbers = sorted(each.partition for each in partitions)
    found = {partition_of(currency.encode(), numbers) for currency in FROM_EVENTS}
    return [TopicPartition(topic, number) for number in sorted(found)]


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting}, timeout=seconds)
    waiting.cancel()
