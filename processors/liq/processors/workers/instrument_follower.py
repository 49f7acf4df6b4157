"""A follower of the instruments topic that keeps a worker's contract metadata up to date."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError
from mode import Service

from liq.processors.normalizers import InstrumentBook
from liq.runtime.health import Health
from liq.runtime.kafka import assign_from_beginning, new_consumer, start_consumer
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS, INSTRUMENTS, INSTRUMENTS_AGE
from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, decode
from liq.schemas.records import Instrument

POLL_MS: Final = 1_000
# Contracts change once an hour, so a fetch without records may wait long.
FETCH_WAIT_MS: Final = 5_000
RETRY_SECONDS: Final = 5.0
# A retried frame waits for its contract, and delays all frames behind it.
WAIT_SECONDS: Final = 5.0
# A topic that is created again while it is read may never reach its former end.
CONNECT_SECONDS: Final = 60.0
# Several times the number of all contracts of all venues.
MAX_AHEAD_RECORDS: Final = 100_000
PARTITION: Final = 0
#: The health condition whose reason has the age of the contract metadata; it always holds.
CONDITION: Final = "contracts"

log = get_logger(__name__)


class InstrumentFollower(Service):
    """A service that reads the whole topic before the worker's first frame, then new records.

    The book begins with the snapshot in the package. Without the topic, or while the brokers do not
    answer, the book does not change; the log and a metric show its age.
    """

    def __init__(
        self,
        settings: Settings,
        book: InstrumentBook,
        use: Callable[[InstrumentBook], None],
        health: Health,
    ) -> None:
        """Create the service; `use` receives every new book, `health` shows the book's age."""
        super().__init__()
        self._health = health
        self._settings = settings
        self._book = book
        self._use = use
        self._consumer: AIOKafkaConsumer | None = None
        self._next_offset = 0
        self._moved = asyncio.Event()
        # The wait for offsets up to this one has timed out; later calls do not wait for them.
        self._missed_offset = -1

    async def wait_for(self, offset: int) -> None:
        """Wait until the record at an offset of the topic is in use, for at most `WAIT_SECONDS`.

        An offset far beyond the topic's records comes from a foreign header. A wait for it would
        time out, and then no smaller offset would be waited for.
        """
        if offset > self._next_offset + MAX_AHEAD_RECORDS:
            ERRORS.labels("instruments_beyond").inc()
            return
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while self._missed_offset < offset >= self._next_offset:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            self._missed_offset = offset
            ERRORS.labels("instruments_behind").inc()
            log.warning("instruments_behind", wanted_offset=offset, next_offset=self._next_offset)

    async def on_start(self) -> None:
        """Read the topic to its present end; log a failure and retry later."""
        try:
            await self._connect()
        except KafkaError as error:
            await self._disconnect(error)
        self._report()

    async def on_stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()

    @Service.task
    async def _follow(self) -> None:
        while not self.should_stop:
            try:
                if self._consumer is None:
                    await self.sleep(RETRY_SECONDS)
                    await self._connect()
                else:
                    await self._read()
            except KafkaError as error:
                await self._disconnect(error)
            INSTRUMENTS_AGE.set(age_days(self._book))
            self._tell_age()

    async def _connect(self) -> None:
        """Read the topic from its beginning to its present end, with a new consumer."""
        topic = TopicPartition(self._settings.topics.instruments, PARTITION)
        consumer = new_consumer(self._settings, fetch_max_wait_ms=FETCH_WAIT_MS)
        self._consumer = consumer
        await start_consumer(self._settings, consumer)
        end = await assign_from_beginning(consumer, topic)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                while await consumer.position(topic) < end:
                    await self._read()
        except TimeoutError as error:
            raise KafkaTimeoutError("the instruments topic was not read to its end") from error

    async def _disconnect(self, error: KafkaError) -> None:
        ERRORS.labels("instruments_topic").inc()
        log.warning("instruments_not_followed", error=repr(error))
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None

    async def _read(self) -> None:
        if self._consumer is None:
            return
        batches: Iterable[list[Any]] = (await self._consumer.getmany(timeout_ms=POLL_MS)).values()
        instruments = [
            instrument
            for records in batches
            for record in records
            if (instrument := parsed(record.value)) is not None
        ]
        if instruments:
            self._book = self._book.updated(instruments)
            self._use(self._book)
            self._report(len(instruments))
        self._next_offset = await self._consumer.position(
            TopicPartition(self._settings.topics.instruments, PARTITION)
        )
        self._moved.set()

    def _tell_age(self) -> None:
        """Show the age in the body of `/readyz`; old metadata does not make a worker unready."""
        self._health.set(
            CONDITION,
            holds=True,
            reason=f"{len(self._book)} contracts, the newest of "
            f"{self._book.newest_as_of or 'no date'} ({age_days(self._book)} days old)",
        )

    def _report(self, updated: int = 0) -> None:
        age = age_days(self._book)
        INSTRUMENTS.set(len(self._book))
        INSTRUMENTS_AGE.set(age)
        self._tell_age()
        log.info(
            "instruments_known",
            contracts=len(self._book),
            updated=updated,
            as_of=self._book.newest_as_of,
            age_days=age,
        )


def parsed(value: bytes | None) -> Instrument | None:
    """Parse a record of the topic; return None for a deletion or a damaged record (counted)."""
    if value is None:
        return None
    try:
        return decode(Instrument, value)
    except DecodeError as error:
        ERRORS.labels("instrument_undecodable").inc()
        log.warning("instrument_undecodable", error=str(error))
        return None


def age_days(book: InstrumentBook, today: date | None = None) -> int:
    """Return the days since the newest `as_of`; 0 for an empty book or a date in the future."""
    try:
        newest = date.fromisoformat(book.newest_as_of)
    except ValueError:
        return 0
    return max(0, ((today or datetime.now(UTC).date()) - newest).days)
