"""The rates in the headers of frames: read from the rates topic, encoded at most once a second.

A frame's header has the rates that its feed needs, and those of dollar coins that have left their
peg. So on a usual day, frames of feeds in dollars have no rates.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from liq.runtime.kafka import assign_from_beginning, new_consumer, start_consumer
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS, RATE_AGE
from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, decode
from liq.schemas.dollars import USD_LIKE, is_off_peg
from liq.schemas.frame_rates import (
    MAX_RATES,
    FrameRate,
    decode_frame_rates,
    encode_frame_rates,
)
from liq.schemas.records import Rate
from liq.schemas.units import DAY_MS, SECOND_MS, SECOND_NS

PARTITION: Final = 0
POLL_MS: Final = 1_000
# Rates are published once a minute, so a fetch without records may wait long.
FETCH_WAIT_MS: Final = 5_000
RETRY_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 10.0
# The greatest lead of a rate's clock over this one.
MAX_LEAD_MS: Final = 5_000
MAX_STAMPED_AGE_MS: Final = DAY_MS

log = get_logger(__name__)


class RateStamp(Protocol):
    """A source of the `rates` headers of frames."""

    def header(self, needs: tuple[str, ...], received_at_ns: int) -> bytes:
        """Return the rates for a frame whose feed needs some currencies; empty without rates."""


class RateHeaders:
    """The newest rate of each currency, and their text for each feed, renewed every second.

    So ages are whole seconds.
    """

    def __init__(self) -> None:
        self._newest: dict[str, Rate] = {}
        self._texts: dict[tuple[str, ...], bytes] = {}
        self._second = -1

    def update(self, rate: Rate) -> None:
        """Store a rate unless a newer one of its currency is known.

        Raises:
            DecodeError: the rate cannot be written as a header, or is one currency too many.
        """
        decode_frame_rates(encode_frame_rates([FrameRate(rate.currency, rate.usd, 0)]))
        known = self._newest.get(rate.currency)
        if known is None and len(self._newest) >= MAX_RATES:
            raise DecodeError(f"rates: {rate.currency} is one currency too many")
        if known is None or rate.timestamp_ms >= known.timestamp_ms:
            self._newest[rate.currency] = rate
            self._texts.clear()

    def known(self) -> Iterable[Rate]:
        """Return the newest rate of every currency."""
        return self._newest.values()

    def header(self, needs: tuple[str, ...], received_at_ns: int) -> bytes:
        """Return the rates for a frame whose feed needs some currencies; empty without rates."""
        second = received_at_ns // SECOND_NS
        if second != self._second:
            self._second = second
            self._texts.clear()
        text = self._texts.get(needs)
        if text is None:
            text = self._texts[needs] = self._encoded(needs, second * SECOND_MS)
        return text

    def _encoded(self, needs: tuple[str, ...], now_ms: int) -> bytes:
        stamped = []
        for currency, rate in sorted(self._newest.items()):
            age_ms = now_ms - rate.timestamp_ms
            if age_ms < -MAX_LEAD_MS:  # from a clock that was ahead; the next rate replaces it
                del self._newest[currency]
                continue
            is_coin_off_peg = currency in USD_LIKE and is_off_peg(rate.usd)
            if currency in needs or is_coin_off_peg:
                # Whole seconds, because the text is renewed every second.
                whole_ms = max(0, age_ms) // SECOND_MS * SECOND_MS
                if whole_ms <= MAX_STAMPED_AGE_MS:
                    stamped.append(FrameRate(currency, rate.usd, whole_ms))
        return encode_frame_rates(stamped).encode()


class RateFollower:
    """A reader of the rates topic: `start` reads it to its present end, `follow` reads new records.

    While Kafka does not answer, the rates do not change, and their ages grow.
    """

    def __init__(self, settings: Settings, headers: RateHeaders) -> None:
        self._settings = settings
        self._headers = headers
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Read to the topic's present end; if that takes too long or fails, `follow` retries."""
        try:
            await self._connect()
        except (KafkaError, TimeoutError) as error:
            await self._disconnect(error)

    async def follow(self, now_ms: Callable[[], int]) -> None:
        """Read until cancelled; `now_ms` returns the time (UTC, ms)."""
        try:
            while True:
                try:
                    if self._consumer is None:
                        await asyncio.sleep(RETRY_SECONDS)
                        await self._connect()
                    else:
                        await self._read(self._consumer)
                except (KafkaError, TimeoutError) as error:
                    await self._disconnect(error)
                report_ages(self._headers.known(), now_ms())
        finally:
            if self._consumer is not None:
                await self._consumer.stop()

    async def _connect(self) -> None:
        topic = TopicPartition(self._settings.topics.rates, PARTITION)
        consumer = new_consumer(self._settings, fetch_max_wait_ms=FETCH_WAIT_MS)
        self._consumer = consumer
        async with asyncio.timeout(CONNECT_SECONDS):
            await start_consumer(self._settings, consumer)
            end = await assign_from_beginning(consumer, topic)
            while await consumer.position(topic) < end:
                await self._read(consumer)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                if record.value is not None:
                    self._take(record.value)

    def _take(self, value: bytes) -> None:
        try:
            self._headers.update(decode(Rate, value))
        except DecodeError as error:
            ERRORS.labels("rate_undecodable").inc()
            log.warning("rate_undecodable", error=str(error))

    async def _disconnect(self, error: Exception) -> None:
        ERRORS.labels("rates_topic").inc()
        log.warning("rates_not_followed", error=repr(error))
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None


def report_ages(rates: Iterable[Rate], now_ms: int) -> None:
    """Update the metric of the rates' ages."""
    for rate in rates:
        RATE_AGE.labels(rate.currency).set(max(0, now_ms - rate.timestamp_ms) / SECOND_MS)


@asynccontextmanager
async def followed_rates(
    settings: Settings, now_ms: Callable[[], int]
) -> AsyncIterator[RateHeaders]:
    """Yield headers that follow the rates topic while the context is open."""
    headers = RateHeaders()
    follower = RateFollower(settings, headers)
    await follower.start()
    following = asyncio.create_task(follower.follow(now_ms), name="rates")
    following.add_done_callback(_note_fault)
    try:
        yield headers
    finally:
        following.cancel()
        await asyncio.wait({following})


def _note_fault(following: "asyncio.Task[None]") -> None:
    """Count and log a fault of the follower; frames continue, and their rates grow old."""
    if not following.cancelled() and (error := following.exception()) is not None:
        ERRORS.labels("rates_follower").inc()
        log.error("rates_follower_failed", exc_info=error)
