"""What operators, other programs and wrong clocks do to a running pipeline.

Whoever writes to a log that is about to go is frozen until its readers have all of it and the log
is deleted: so it is known to the last record what they have read. Writers then meet a topic that is
away.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
from aiokafka import AIOKafkaProducer

from liq.runtime.kafka import MAX_REQUEST_BYTES, connection_options, new_producer
from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.schemas.headers import HEARTBEAT_FEED, HEARTBEAT_KEY, RECEIVED_AT_NS, FrameHeaders
from liq.schemas.units import MILLISECOND_NS, SECOND_MS
from tests.faults.history import History, Place
from tests.faults.pipeline import Member, Pipeline, Role
from tests.faults.traffic import FRAMES, bitget_frame
from tests.support import sample_records
from tests.support.foreign_records import Foreign, foreign_records, write
from tests.support.topic_operations import (
    Target,
    delete_topics,
    offsets_at,
    overwrite_snapshots,
    reset_offsets,
    truncate,
)
from tests.support.transactions import transactional
from tests.support.worker_memory import MEBIBYTE

if TYPE_CHECKING:
    from collections.abc import Iterator

CODECS: Final = (None, "gzip", "snappy", "lz4", "zstd")
#: Within these a group commits what it has read.
CAUGHT_UP_SECONDS: Final = 60.0
TRANSACTION_FRAMES: Final = 30
FLOOD_FRAMES: Final = 24
BAD_ENTRIES: Final = 100
#: The frames of a wrong clock, and heartbeats between them.
CLOCK_FRAMES: Final = 40
CLOCK_PAUSE_SECONDS: Final = 0.05

Clock = Callable[[int, int], bytes]
"""Gives the header of a time of receipt: from the true time (UTC, ns) and the count of frames."""


def ahead(seconds: float) -> Clock:
    """A clock that is so much ahead; a negative number is one that lags."""
    return lambda now_ns, _: b"%d" % (now_ns + int(seconds * SECOND_MS) * MILLISECOND_NS)


#: Odd clocks by name.
CLOCKS: Final[dict[str, Clock]] = {
    "an hour ahead": ahead(3_600),
    "120 s ahead": ahead(120),
    "70 s behind": ahead(-70),
    "an hour behind": ahead(-3_600),
    "stepping back": lambda now_ns, count: ahead(2 if count < CLOCK_FRAMES / 2 else -300)(
        now_ns, 0
    ),
    "a thousand times too large": lambda now_ns, _: b"%d" % (now_ns * 1_000),
    "in microseconds": lambda now_ns, _: b"%d" % (now_ns // 1_000),
}


@dataclass
class Operations:
    """Changes the logs of a pipeline; `history` notes what the comparison has to know."""

    pipeline: Pipeline
    history: History
    _count: int = 0

    def write_foreign(self, *, with_state: bool = True) -> int:
        """Write odd records to every topic that a worker reads, in every compression; how many.

        With `with_state`, to the topics of states, too, which makes some states unreadable.
        """
        topics = self._settings.topics
        states = {topics.detector_state, topics.market_state}
        records = [
            record
            for record in foreign_records(topics, self._exchanges)
            if with_state or record.topic not in states
        ]
        self.history.marked |= with_state
        written = asyncio.run(_write_in_every_compression(self._settings, records))
        self.history.foreign |= written
        return len(written)

    def remake(self, topic: str) -> None:
        """Delete a topic and make it again."""
        with self._log_at_rest(topic):
            self.note_deletion(topic)
            asyncio.run(delete_topics(self._settings, topic))
        asyncio.run(ensure_topics(self._settings, self._exchanges))

    def note_deletion(self, topic: str) -> None:
        """Note a topic that is about to be deleted; nobody writes to it, its readers have it."""
        topics = self._settings.topics
        self.history.away_ms.setdefault(topic, _now_ms())
        if topic == topics.events:
            self.history.keep_events(is_truncated=False)
            self.history.early_ends = True
        elif topic in self._raw_topics:
            self.history.keep_raw(topic)
        elif topic == topics.pulse:
            self.history.market_restarts = self.history.early_ends = True
        else:
            self.history.marked = True

    def truncate(self, topic: str) -> None:
        """Delete every record that a topic has now."""
        with self._log_at_rest(topic):
            if topic == self._settings.topics.events:
                self.history.keep_events(is_truncated=True)
            elif topic in self._raw_topics:
                self.history.keep_raw(topic)
            asyncio.run(truncate(self._settings, topic))

    def reset(self, role: Role, target: Target) -> None:
        """Stop the workers of a role, move their group's offsets back, and start them again."""
        asyncio.run(self._reset(role, target, self._stop(role)))

    def lose_states(self) -> None:
        """Make every stored state unreadable, and let detection take over from it."""
        self.history.marked = True
        stopped = self._stop(Role.DETECT)
        topics = self._settings.topics
        states = [topics.detector_state, topics.market_state]
        asyncio.run(overwrite_snapshots(self._settings, states))
        self._start(stopped)

    def abort_transaction(self, open_seconds: float) -> None:
        """Write frames, events, alerts and states in a transaction, and abort it after a time."""
        self._count += 1
        asyncio.run(self._abort(f"operator-{self._count}", open_seconds))

    def flood(self) -> None:
        """Write frames of a megabyte that are refused, each with a hundred bad entries."""
        self._count += 1
        asyncio.run(_flood(self._settings, self._count))

    def odd_clock(self, name: str) -> None:
        """Write frames and heartbeats of a producer whose clock is wrong."""
        self._count += 1
        asyncio.run(_odd_clock(self._settings, CLOCKS[name], self._count))

    @property
    def _settings(self) -> Settings:
        return self.pipeline.settings

    @property
    def _exchanges(self) -> tuple[str, ...]:
        return tuple(exchange.dialect.exchange for exchange in self.pipeline.exchanges)

    @property
    def _raw_topics(self) -> list[str]:
        return [self._settings.topics.raw(exchange) for exchange in self._exchanges]

    @contextmanager
    def _log_at_rest(self, topic: str) -> "Iterator[None]":
        """Freeze a log's writers once its readers have all of it."""
        topics = self._settings.topics
        writers, readers = {
            topics.events: ([Role.NORMALIZE], [Role.DETECT, Role.SINK]),
            **dict.fromkeys(self._raw_topics, ([Role.PRODUCE], [Role.NORMALIZE])),
        }.get(topic, ([], []))
        with self.pipeline.frozen(*writers):
            for reader in readers:
                self.pipeline.wait_until_read(reader, topic, CAUGHT_UP_SECONDS)
            yield

    def _stop(self, role: Role) -> list[Member]:
        members = self.pipeline.of(role)
        codes = self.pipeline.stop(*members)
        assert set(codes.values()) == {0}, codes
        return members

    def _start(self, members: Sequence[Member]) -> None:
        for member in members:
            self.pipeline.start(member.role, member.slot, **member.environment)

    async def _reset(self, role: Role, target: Target, stopped: Sequence[Member]) -> None:
        topics = self._settings.topics
        read = {
            Role.NORMALIZE: self._raw_topics,
            Role.DETECT: [topics.events, topics.pulse],
            Role.SINK: [topics.events, topics.cascades, topics.rejected, topics.feeds],
        }[role]
        places = await find_partitions(self._settings, read)
        targets = await offsets_at(self._settings, places, target)
        # Whoever resets beyond what is read has the group skip what lies between.
        committed = await self.pipeline.committed(role)
        offsets = {place: min(to, committed.get(place, 0)) for place, to in targets.items()}
        await reset_offsets(self._settings, role, offsets)
        self._start(stopped)

    async def _abort(self, name: str, open_seconds: float) -> None:
        topics = self._settings.topics
        async with transactional(self._settings, name) as producer:
            await producer.begin_transaction()
            for number in range(TRANSACTION_FRAMES):
                now_ns = time.time_ns()
                frame = bitget_frame(number, "ABORTED", now_ns // MILLISECOND_NS).encode()
                headers = FrameHeaders("bitget", "liquidation", now_ns, name, number).encode()
                await producer.send(topics.raw("bitget"), frame, key=b"ABORTED", headers=headers)
            event, alert = encode(sample_records.liquidation()), encode(sample_records.alert())
            for partition in range(self._settings.topic_partitions):
                for topic, key, value in (
                    (topics.events, b"A0", event),
                    (topics.cascades, b"cascade-0", alert),
                    (topics.detector_state, b"9|C1X", b"x"),
                ):
                    await producer.send(topic, value, key=key, partition=partition)
            await producer.send(topics.market_state, b"x", key=b"9|market", partition=0)
            await producer.send(topics.pulse, b"{}", key=b"A0", partition=0)
            await producer.flush()
            await asyncio.sleep(open_seconds)
            await producer.abort_transaction()


async def _write_in_every_compression(
    settings: Settings, records: Sequence[Foreign]
) -> dict[Place, Foreign]:
    """Write records of which each fifth is compressed alike; return them by place."""
    written: dict[Place, Foreign] = {}
    for number, codec in enumerate(CODECS):
        async with plain(settings, codec) as producer:
            written |= await write(producer, list(records)[number :: len(CODECS)])
    return written


@asynccontextmanager
async def plain(settings: Settings, codec: str | None = None) -> AsyncIterator[AIOKafkaProducer]:
    """Start a producer of somebody else's."""
    producer = AIOKafkaProducer(
        max_request_size=MAX_REQUEST_BYTES, compression_type=codec, **connection_options(settings)
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _flood(settings: Settings, run: int) -> None:
    producer = new_producer(settings, "flood")
    await producer.start()
    topic = settings.topics.raw("bitget")
    try:
        for number in range(FLOOD_FRAMES):
            frame = orjson.loads(bitget_frame(run * FLOOD_FRAMES + number, "FLOOD", _now_ms()))
            frame["data"] = [{**frame["data"][0], "amount": "x"}] * BAD_ENTRIES
            frame["pad"] = ""
            frame["pad"] = "x" * (MEBIBYTE - 1_000 - len(orjson.dumps(frame)))
            headers = FrameHeaders("bitget", "liquidation", time.time_ns(), "flood", number)
            await producer.send(topic, orjson.dumps(frame), key=b"FLOOD", headers=headers.encode())
    finally:
        await producer.stop()


async def _odd_clock(settings: Settings, clock: Clock, run: int) -> None:
    """Write true liquidations of a burst that another producer has not seen, and heartbeats."""
    producer = new_producer(settings, "odd-clock")
    await producer.start()
    try:
        for number in range(CLOCK_FRAMES):
            now_ns = time.time_ns()
            exchange = list(FRAMES)[number % len(FRAMES)]
            frame = FRAMES[exchange](
                run * CLOCK_FRAMES + number, f"K{run}X", now_ns // MILLISECOND_NS
            )
            feed = {"bitget": "liquidation", "okx": "public"}[exchange]
            for kind, key, value in (
                (feed, b"K", frame.encode()),
                (HEARTBEAT_FEED, HEARTBEAT_KEY, None),
            ):
                headers = FrameHeaders(exchange, kind, now_ns, f"odd-{run}", number).encode()
                await producer.send(
                    settings.topics.raw(exchange),
                    value,
                    key=key,
                    headers=[
                        (name, clock(now_ns, number) if name == RECEIVED_AT_NS else text)
                        for name, text in headers
                    ],
                )
            await asyncio.sleep(CLOCK_PAUSE_SECONDS)
    finally:
        await producer.stop()


def _now_ms() -> int:
    return int(time.time() * SECOND_MS)
