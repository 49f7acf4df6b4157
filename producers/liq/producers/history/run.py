"""A run of the backfill worker: polls gaps from the feeds topic, and publishes answers as frames.

Kafka has all of its state. The group's offset stays at the oldest open gap, and the note that is
committed with it has the progress of the partition's repairs. So a worker that was killed continues
with the question that it was asking.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from liq.producers.history.asker import Asker, Source
from liq.producers.history.gaps import GapBook
from liq.producers.history.log import Log
from liq.producers.history.notes import Note, read_note, write_note
from liq.producers.history.positions import PositionSource
from liq.producers.history.repairing import ExchangeRepairs, Histories
from liq.producers.history.timing import DEFAULT_TIMING, HistoryTiming
from liq.producers.live.clock import Clock, SystemClock
from liq.producers.live.listing import new_client
from liq.runtime.beating import beating
from liq.runtime.errors import DependencyError
from liq.runtime.health import Health
from liq.runtime.kafka import new_admin, new_consumer, new_producer, start_consumer
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS, HANDLED, HISTORY_OPEN, POLL_BEHIND, RECORDS_IN
from liq.runtime.partitions import committed_places
from liq.runtime.sending import partition_of
from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, decode
from liq.schemas.records import FeedStatus

STAGE: Final = "backfill"
CONDITION: Final = "kafka"
POLL_MS: Final = 200
POLL_RECORDS: Final = 500
TIMEOUT_SECONDS: Final = 60.0
END_SECONDS: Final = 10.0
#: The most gaps in memory; at this number the worker stops fetching until some are repaired.
MAX_OPEN_GAPS: Final = 10_000

log = get_logger(__name__)


async def run(  # noqa: PLR0913 - what one run consists of
    settings: Settings,
    sources: Sequence[Source],
    no_history: Mapping[tuple[str, str], str],
    *,
    health: Health,
    stop: asyncio.Event,
    timing: HistoryTiming = DEFAULT_TIMING,
    clock: Clock | None = None,
    positions: Sequence[PositionSource] = (),
) -> None:
    """Repair gaps, poll, and request open positions until `stop` is set.

    `no_history` maps feeds (exchange and name) to the reason why their gaps cannot be repaired.

    Raises:
        DependencyError: Kafka does not answer, or refuses a record.
    """
    health.require(CONDITION, "not connected yet")
    async with beating(health), AsyncExitStack() as closing:
        try:
            worker = await _started(
                closing, settings, sources, no_history, timing, clock or SystemClock(), positions
            )
            health.set(CONDITION, holds=True, reason="connected")
            await worker.run(stop)
        except KafkaError as error:
            raise DependencyError(
                f"Kafka at {settings.kafka_bootstrap_servers} failed ({error!r}); check "
                "KAFKA_BOOTSTRAP_SERVERS, the credentials, and that `liq topics` has run."
            ) from error


async def _started(  # noqa: PLR0913, PLR0917 - as `run`
    closing: AsyncExitStack,
    settings: Settings,
    sources: Sequence[Source],
    no_history: Mapping[tuple[str, str], str],
    timing: HistoryTiming,
    clock: Clock,
    positions: Sequence[PositionSource],
) -> "_Worker":
    producer = new_producer(settings, f"{STAGE}-{settings.worker_slot}")
    closing.push_async_callback(producer.stop)
    await producer.start()
    client = await closing.enter_async_context(new_client(TIMEOUT_SECONDS))
    consumer = new_consumer(settings, group=settings.group(STAGE))
    closing.push_async_callback(consumer.stop)
    worker = _Worker(settings, consumer, producer)
    closing.push_async_callback(worker.forget)
    for exchange, histories in _by_exchange(sources, no_history).items():
        asker = Asker(clock, timing, client)
        worker.add(
            partial(
                ExchangeRepairs,
                exchange,
                histories,
                asker=asker,
                timing=timing,
                clock=clock,
                positions=[each for each in positions if each.spec.exchange == exchange],
            )
        )
    consumer.subscribe([settings.topics.feeds], listener=_Listener(worker))
    await start_consumer(settings, consumer)
    return worker


def _by_exchange(
    sources: Sequence[Source], no_history: Mapping[tuple[str, str], str]
) -> dict[str, dict[str, Histories]]:
    """Map each exchange to its feeds, and each feed to its sources or the reason without one."""
    found: dict[str, dict[str, Histories]] = {}
    for (exchange, feed), reason in no_history.items():
        found.setdefault(exchange, {})[feed] = reason
    for source in sources:
        of_exchange = found.setdefault(source.spec.exchange, {})
        before = of_exchange.get(source.spec.feed, ())
        of_exchange[source.spec.feed] = (*(() if isinstance(before, str) else before), source)
    return found


class _Worker:
    """Worker that polls the feeds topic, runs one task per exchange, and commits the progress."""

    def __init__(
        self, settings: Settings, consumer: AIOKafkaConsumer, producer: AIOKafkaProducer
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._log = Log(settings, producer)
        self._repairs: list[ExchangeRepairs] = []
        self._book = GapBook()
        self._note = Note()
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: dict[TopicPartition, int] | None = None
        self._committed: dict[TopicPartition, OffsetAndMetadata] = {}

    def add(self, new_repairs: Any) -> None:
        """Add the repairs of an exchange; `new_repairs` creates them from the shared objects."""
        self._repairs.append(
            new_repairs(log=self._log, book=self._book, note=self._note, owns=self._owns)
        )
        self._book.watch(feed for each in self._repairs for feed in each.feeds)

    async def run(self, stop: asyncio.Event) -> None:
        """Read, repair and commit until `stop` is set."""
        while not stop.is_set():
            await self._read()
            if not self._tasks and await self._is_caught_up():
                self._tasks = [
                    asyncio.create_task(work)
                    for each in self._repairs
                    for work in (each.run(), each.beat())
                ]
            for task in self._tasks:
                if task.done():
                    task.result()
            await self._commit()
            for exchange, count in self._book.counts().items():
                HISTORY_OPEN.labels(exchange).set(count)

    async def forget(self) -> None:
        """End the tasks, commit, and clear the partitions' state: the next owner continues."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=END_SECONDS)
        # The next owner may be another process: a last value of this one would raise alerts.
        POLL_BEHIND.clear()
        await self._commit()
        self._ends = None
        self._book.forget()
        self._note.clear()
        self._committed.clear()

    async def _read(self) -> None:
        change = self._consumer.pause if len(self._book) >= MAX_OPEN_GAPS else self._consumer.resume
        change(*self._consumer.assignment())
        fetched = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
        for place, records in fetched.items():
            RECORDS_IN.labels(place.topic).inc(len(records))
            for record in records:
                self._book.take(place.partition, record.offset, _decoded(record.value))
            HANDLED.add(len(records))

    async def _is_caught_up(self) -> bool:
        """Return whether every record up to the partitions' ends is read (or memory is full)."""
        assigned = self._consumer.assignment()
        if not assigned:
            return False
        if self._ends is None:
            self._ends = await self._consumer.end_offsets(list(assigned))
            self._note.add(await self._noted())
        if len(self._book) >= MAX_OPEN_GAPS:
            return True
        positions = {place: await self._consumer.position(place) for place in self._ends}
        return all(positions[place] >= end for place, end in self._ends.items())

    async def _noted(self) -> Note:
        """Return the progress that earlier owners of the partitions committed."""
        admin = new_admin(self._settings, f"{STAGE}-{self._settings.worker_slot}")
        await admin.start()
        try:
            places = await committed_places(admin, self._settings.group(STAGE))
        finally:
            await admin.close()
        found = Note()
        for _, text in places.values():
            found.add(read_note(text))
        return found

    def _owns(self, exchange: str) -> bool:
        """Return whether this process is assigned the partition of an exchange's records."""
        topic = self._settings.topics.feeds
        numbers = sorted(self._consumer.partitions_for_topic(topic) or ())
        if not numbers:
            return False
        number = partition_of(exchange.encode(), numbers)
        return TopicPartition(topic, number) in self._consumer.assignment()

    async def _commit(self) -> None:
        """Commit each partition's offset of its oldest open gap, with its repairs' progress."""
        if self._ends is None:
            return
        numbers = sorted(self._consumer.partitions_for_topic(self._settings.topics.feeds) or ())
        places = self._book.places()
        changed = {}
        for place in self._consumer.assignment():
            offset = places.get(place.partition)
            if offset is None:
                offset = await self._consumer.position(place)
            note = write_note(
                self._note, partial(_is_in, numbers=numbers, partition=place.partition)
            )
            entry = OffsetAndMetadata(offset, note)
            if self._committed.get(place) != entry:
                changed[place] = entry
        if not changed:
            return
        try:
            await self._consumer.commit(changed)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("commit_left_out", error=repr(error))
        else:
            self._committed |= changed


def _is_in(exchange: str, *, numbers: list[int], partition: int) -> bool:
    """Return whether the records of an exchange are in a partition."""
    return partition_of(exchange.encode(), numbers) == partition


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Listener that ends repairs before their partitions are revoked."""

    def __init__(self, worker: _Worker) -> None:
        self._worker = worker

    async def on_partitions_revoked(self, revoked: Any) -> None:
        if revoked:
            await self._worker.forget()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        pass


def _decoded(value: bytes | None) -> FeedStatus | None:
    try:
        return decode(FeedStatus, value or b"")
    except DecodeError as error:
        ERRORS.labels("feed_status_undecodable").inc()
        log.warning("feed_status_undecodable", error=str(error))
        return None
