"""A reader of the public topics: the last day first, then new records."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from liq.runtime.health import Health
from liq.runtime.kafka import new_consumer, start_consumer, stop_consumer
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.runtime.partitions import find_partitions
from liq.runtime.retry import Backoff, BackoffPolicy
from liq.runtime.settings import Settings
from liq.schemas.headers import clock_header
from liq.schemas.units import SECOND_MS
from liq.web.board import KEPT_MS, Board
from liq.web.records import Place, Stream, StreamRecord, UnreadableError, read, topic_of
from liq.web.window import Window

CONDITION: Final = "kafka"
POLL_MS: Final = 100
MAX_RECORDS: Final = 2_000
#: The pause between two batches for readers, once the old records are read.
BATCH_SECONDS: Final = 0.08
#: The interval of the requests that find added partitions, and an unreachable Kafka.
LOOK_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 20.0
BACKOFF: Final = BackoffPolicy(first_seconds=0.5, longest_seconds=10.0)

log = get_logger(__name__)


class LogReader:
    """A reader that fills a window and a board, and follows the clock of the events topic."""

    def __init__(self, settings: Settings, health: Health, window: Window, board: Board) -> None:
        """Create a reader; it reads nothing before `run`."""
        self._settings = settings
        self._health = health
        self._window = window
        self._board = board
        self._streams = {topic_of(stream, settings.topics): stream for stream in Stream}
        self._clocks: dict[int, int] = {}
        self._old_ends: dict[TopicPartition, int] = {}
        self._is_caught_up = False
        self._trouble = ""
        health.require(CONDITION, "not connected yet")

    @property
    def clock_ms(self) -> int | None:
        """The log's clock (UTC, ms): the least of the events partitions; None without any."""
        return min(self._clocks.values(), default=None)

    @property
    def is_caught_up(self) -> bool:
        """Whether the records that existed at the start are read."""
        return self._is_caught_up

    @property
    def trouble(self) -> str:
        """The reason why Kafka cannot be read now, as a sentence; empty while reading works."""
        return self._trouble

    async def run(self, stop: asyncio.Event, started: Callable[[], None]) -> None:
        """Read until `stop` is set; call `started` once the old records of the topics are read.

        While Kafka is unreachable, answers continue from memory, and their horizon says so.
        """
        backoff = Backoff(BACKOFF)
        while not stop.is_set():
            try:
                await self._read(stop, started, backoff)
            except (KafkaError, TimeoutError) as error:
                await self._wait_for_kafka(error, backoff.next_seconds(), stop)

    async def _wait_for_kafka(self, error: Exception, seconds: float, stop: asyncio.Event) -> None:
        self._trouble = (
            f"Kafka at {self._settings.kafka_bootstrap_servers} cannot be read ({error!r}); "
            "nothing new is known until it answers."
        )
        self._health.set(CONDITION, holds=False, reason=self._trouble)
        ERRORS.labels("web_kafka").inc()
        log.warning("kafka_failed", error=repr(error), retry_in_seconds=round(seconds, 1))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)

    async def _read(
        self, stop: asyncio.Event, started: Callable[[], None], backoff: Backoff
    ) -> None:
        """Read with one consumer, from the last positions of the previous one.

        Raises:
            KafkaError: Kafka is unreachable.
            TimeoutError: the request for partitions has timed out.
        """
        consumer = new_consumer(self._settings)
        looking: asyncio.Task[list[TopicPartition]] | None = None
        try:
            await start_consumer(self._settings, consumer)
            places = await find_partitions(self._settings, list(self._streams))
            await self._assign(consumer, places)
            backoff.reset()
            self._trouble = ""
            self._health.set(CONDITION, holds=True, reason=f"{len(places)} partitions")
            while not stop.is_set():
                if looking is None:
                    looking = asyncio.create_task(self._look())
                if self._is_caught_up:
                    # Every reader receives every batch, so few large batches cost the least.
                    await asyncio.sleep(BATCH_SECONDS)
                self._take(await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS))
                if not self._is_caught_up and await self._has_reached(consumer):
                    self._is_caught_up = True
                    started()
                if looking.done():
                    await self._assign(consumer, looking.result())
                    looking = None
        finally:
            if looking is not None:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
            await stop_consumer(consumer)

    async def _look(self) -> list[TopicPartition]:
        """Return the partitions after a pause of `LOOK_SECONDS`.

        The request also detects an unreachable Kafka, for which a consumer waits silently.
        """
        await asyncio.sleep(LOOK_SECONDS)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await find_partitions(self._settings, list(self._streams))

    async def _assign(self, consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> None:
        """Assign every partition that is not assigned yet.

        Known partitions continue at their last position. At the start, partitions are read from one
        day ago. A partition that is added later is read from its first record.
        """
        assigned = consumer.assignment()
        missing = [place for place in places if place not in assigned]
        if not missing:
            return
        positions = {place: await consumer.position(place) for place in assigned}
        known = self._window.ends
        fresh = [place for place in missing if self._place(place) not in known]
        positions |= {
            place: known[self._place(place)] for place in missing if self._place(place) in known
        }
        consumer.assign(places)
        positions |= await self._starts(consumer, fresh, is_first=not known)
        for place in places:
            consumer.seek(place, positions[place])
        for place in fresh:
            self._window.begin(self._place(place), positions[place])

    async def _starts(
        self, consumer: AIOKafkaConsumer, fresh: list[TopicPartition], *, is_first: bool
    ) -> dict[TopicPartition, int]:
        first: dict[TopicPartition, int] = await consumer.beginning_offsets(fresh)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(fresh)
        self._old_ends |= ends
        starts = dict(first)
        if is_first and fresh:
            since_ms = now_ms() - KEPT_MS
            found: dict[TopicPartition, Any] = await consumer.offsets_for_times(
                dict.fromkeys(fresh, since_ms)
            )
            for place, at in found.items():
                starts[place] = ends[place] if at is None else max(at.offset, first[place])
        return starts

    async def _has_reached(self, consumer: AIOKafkaConsumer) -> bool:
        """Return whether the positions have reached the ends at the first assignment."""
        for place, end in self._old_ends.items():
            if await consumer.position(place) < end:
                return False
        return True

    def _place(self, place: TopicPartition) -> Place:
        return Place(self._streams[place.topic], place.partition)

    def _take(self, fetched: dict[TopicPartition, list[Any]]) -> None:
        if not fetched:
            return
        records: list[StreamRecord] = []
        documents: dict[int, dict[str, Any]] = {}
        ends: dict[Place, int] = {}
        for source, together in fetched.items():
            place = self._place(source)
            ends[place] = together[-1].offset + 1
            for each in together:
                self._note_clock(place, each)
                if each.value is None:
                    continue
                try:
                    record, document = read(place, each.offset, each.value)
                except UnreadableError as error:
                    ERRORS.labels("web_unreadable").inc()
                    log.warning("unreadable_record", error=str(error))
                    continue
                records.append(record)
                documents[id(record)] = document
        for record in self._window.add(records, ends):
            self._board.take(record, documents[id(record)])

    def _note_clock(self, place: Place, record: Any) -> None:
        if place.stream is Stream.LIQUIDATIONS and record.value is None:
            clock = clock_header(record.headers)
            if clock is not None:
                self._clocks[place.partition] = max(clock, self._clocks.get(place.partition, 0))


def now_ms() -> int:
    """Return the current time of this host (UTC, ms)."""
    return int(time.time() * SECOND_MS)
