"""The topics of a run: creation, writing in whole batches, end offsets, and deletion."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from liq.devstack.stack import Stack
from liq.runtime.settings import Settings, load_settings
from liq.runtime.topics import ensure_topics
from liq.schemas.units import SECOND_MS
from tests.support.old_topics import delete_namespaces

POLL_SECONDS: Final = 0.05
BATCH_BYTES: Final = 262_144
MURMUR2: Final = DefaultPartitioner()

Headers = Sequence[tuple[str, bytes]]


class LogRecord(NamedTuple):
    """A record to write."""

    key: bytes
    value: bytes | None
    headers: Headers = ()


#: Records by the ending of a topic's name (`raw.okx`) and partition, in order.
Log = Mapping[tuple[str, int], Sequence[LogRecord]]


class Namespace(NamedTuple):
    """The topics of one run, and the environment that names them."""

    settings: Settings
    environment: Mapping[str, str]

    def topic(self, ending: str) -> str:
        """Return the name of a topic."""
        return f"{self.settings.topic_namespace}.{ending}"


@asynccontextmanager
async def namespace(
    stack: Stack, name: str, exchanges: tuple[str, ...], *, partitions: int
) -> AsyncIterator[Namespace]:
    """Create the topics of a run, and delete them afterwards: clients read all topics' metadata."""
    environment = {
        "TOPIC_NAMESPACE": name,
        "TOPIC_PARTITIONS": str(partitions),
        "CLICKHOUSE_DATABASE": name.replace("-", "_"),
        "EXCHANGES": ",".join(exchanges),
    }
    merged = {**stack.environment, **environment}
    settings = load_settings(**{key.lower(): text for key, text in merged.items()})
    await ensure_topics(settings, exchanges)
    try:
        yield Namespace(settings, environment)
    finally:
        await delete_namespaces(settings, [name])


class Partitioner:
    """The partition of a key, with a cache."""

    def __init__(self, partitions: int) -> None:
        self._all = list(range(partitions))
        self._known: dict[bytes, int] = {}

    def __call__(self, key: bytes) -> int:
        """Return the partition, by murmur2 as in Java."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = MURMUR2(key, self._all, self._all)
        return found


def grouped(records: Iterable[tuple[str, int, LogRecord]]) -> Log:
    """Group records by topic and partition."""
    log: dict[tuple[str, int], list[LogRecord]] = defaultdict(list)
    for ending, partition, record in records:
        log[ending, partition].append(record)
    return log


async def write(run: Namespace, log: Log, *, codec: str | None = "lz4") -> None:
    """Write a log and wait until all of it is acknowledged."""
    producer = AIOKafkaProducer(
        bootstrap_servers=run.settings.kafka_bootstrap_servers,
        compression_type=codec,
        max_batch_size=BATCH_BYTES,
    )
    await producer.start()
    now_ms = int(time.time() * SECOND_MS)
    try:
        sent = []
        for (ending, partition), records in log.items():
            topic, batch = run.topic(ending), producer.create_batch()
            for record in records:
                headers = list(record.headers)
                while not batch.append(
                    timestamp=now_ms, key=record.key, value=record.value, headers=headers
                ):
                    sent.append(await producer.send_batch(batch, topic, partition=partition))
                    batch = producer.create_batch()
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


class EndOffsets:
    """The end offsets of topics; use it in an `async with` statement."""

    def __init__(self, run: Namespace) -> None:
        self._run = run
        servers = run.settings.kafka_bootstrap_servers
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=servers, isolation_level="read_committed"
        )

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._consumer.start()
        await asyncio.sleep(0)  # without it aiokafka cannot stop a consumer that was just started
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def total(self, ending: str, partitions: int | None = None) -> int:
        """Return the number of records that were ever written to a topic."""
        count = partitions or self._run.settings.topic_partitions
        places = [TopicPartition(self._run.topic(ending), number) for number in range(count)]
        return sum((await self._consumer.end_offsets(places)).values())


async def wait_for(
    condition: Callable[[], Awaitable[bool]],
    *,
    seconds: float,
    what: str,
    check: Callable[[], None],
) -> float:
    """Poll a condition; return the time (`time.monotonic`) at which it was true.

    `check` must raise if a process has ended.

    Raises:
        SystemExit: the condition did not come true in time.
    """
    give_up = time.monotonic() + seconds
    while not await condition():
        check()
        if time.monotonic() > give_up:
            raise SystemExit(f"waited {seconds:.0f} s in vain for {what}")
        await asyncio.sleep(POLL_SECONDS)
    return time.monotonic()
