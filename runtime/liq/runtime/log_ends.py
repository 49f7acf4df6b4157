"""The last record of each partition, to check that a mirrored cluster has all of its source.

A record's offset differs between the clusters, so records are compared by a digest of key, value
and headers.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.kafka import new_admin, new_consumer, start_consumer
from liq.runtime.kafka_refusal import why_unreachable
from liq.runtime.log_reading import read_to_ends
from liq.runtime.partitions import list_partitions
from liq.runtime.settings import Settings

CLIENT_ID: Final = "log-ends"
#: How many offsets before the end are read for the last record; the last step is the whole log.
#: Markers of transactions and compacted records are offsets without a record.
STEPS: Final = (1, 1_000, 100_000)
CHECK_SECONDS: Final = 2.0
DIGEST_BYTES: Final = 16
#: A sentence lists so many partitions.
LISTED: Final = 10


@dataclass(frozen=True, slots=True, order=True)
class LogEnd:
    """The last record of a partition: its Kafka time (UTC, ms) and the digest of its content."""

    topic: str
    partition: int
    timestamp_ms: int
    digest: str

    @property
    def place(self) -> TopicPartition:
        """The partition."""
        return TopicPartition(self.topic, self.partition)


def to_lines(ends: Iterable[LogEnd]) -> bytes:
    """Return a JSON line for each end."""
    return b"".join(orjson.dumps(asdict(each)) + b"\n" for each in ends)


def from_lines(data: bytes) -> list[LogEnd]:
    """Return the ends of `to_lines`.

    Raises:
        ConfigurationError: a line is none of `to_lines`.
    """
    ends = []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            end = LogEnd(**orjson.loads(line))
        except (orjson.JSONDecodeError, TypeError):
            end = None
        if end is None or tuple(map(type, asdict(end).values())) != (str, int, int, str):
            raise ConfigurationError(
                f"Line {number} is none that `liq topics ends` writes; write the file again."
            )
        ends.append(end)
    return ends


async def read_log_ends(settings: Settings, excluded: Collection[str]) -> list[LogEnd]:
    """Return the last record of every partition of the namespace's topics that has a record.

    Topics in `excluded` are left out.

    Raises:
        ConfigurationError: Kafka refuses the login or the certificate.
        DependencyError: the brokers do not answer.
    """
    last: dict[TopicPartition, LogEnd] = {}
    async with _reader(settings) as consumer:
        all_places = await _partitions_of_namespace(settings)
        places = [place for place in all_places if place.topic not in excluded]
        if not places:
            return []
        consumer.assign(places)
        first = await consumer.beginning_offsets(places)
        ends = await consumer.end_offsets(places)
        for count in (*STEPS, max(ends.values())):
            pending = {place: end for place, end in ends.items() if first[place] < end}
            pending = {place: end for place, end in pending.items() if place not in last}
            if not pending:
                break
            consumer.assign(list(pending))
            for place, end in pending.items():
                consumer.seek(place, max(first[place], end - count))
            async for record in read_to_ends(consumer, pending):
                last[TopicPartition(record.topic, record.partition)] = _end_of(record)
    return sorted(last.values())


async def find_missing(settings: Settings, wanted: Sequence[LogEnd]) -> list[LogEnd]:
    """Return those of the ends of another cluster whose record this cluster does not have.

    The search in a partition begins at the record's Kafka time, which a mirror keeps, or replaces
    with a later one.

    Raises:
        ConfigurationError: Kafka refuses the login or the certificate.
        DependencyError: the brokers do not answer.
    """
    found: set[tuple[str, int, str]] = set()
    async with _reader(settings) as consumer:
        present = set(await _partitions_of_namespace(settings))
        times = {each.place: each.timestamp_ms for each in wanted if each.place in present}
        starts = await consumer.offsets_for_times(times) if times else {}
        places = [place for place, start in starts.items() if start is not None]
        if places:
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            for place in places:
                consumer.seek(place, starts[place].offset)
            async for record in read_to_ends(consumer, ends):
                found.add((record.topic, record.partition, _digest(record)))
    return [each for each in wanted if (each.topic, each.partition, each.digest) not in found]


async def expect_log_ends(settings: Settings, wanted: Sequence[LogEnd], seconds: float) -> None:
    """Wait up to `seconds` until this cluster has the last records of another one.

    Raises:
        ConfigurationError: Kafka refuses the login or the certificate.
        DependencyError: records are missing, and the message names their partitions; or the brokers
            do not answer.
    """
    deadline = time.monotonic() + seconds
    missing = list(wanted)
    while missing := await find_missing(settings, missing):
        if time.monotonic() > deadline:
            names = [f"{each.topic}-{each.partition}" for each in missing]
            more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
            raise DependencyError(
                f"{len(missing)} of {len(wanted)} partitions lack the last record of the other "
                f"cluster: {', '.join(names[:LISTED])}{more}. Let the mirror catch up, or look for "
                "its error, and run this again."
            )
        await asyncio.sleep(CHECK_SECONDS)


@asynccontextmanager
async def _reader(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """Start a consumer without a group; turn its errors into sentences."""
    consumer = new_consumer(settings)
    try:
        await start_consumer(settings, consumer)
        yield consumer
    except KafkaError as error:
        raise await why_unreachable(settings, error) from error
    finally:
        await consumer.stop()


async def _partitions_of_namespace(settings: Settings) -> list[TopicPartition]:
    admin = new_admin(settings, CLIENT_ID)
    try:
        await admin.start()
        prefix = f"{settings.topic_namespace}."
        names = [name for name in await admin.list_topics() if name.startswith(prefix)]
        return await list_partitions(admin, names)
    finally:
        await admin.close()


def _end_of(record: Any) -> LogEnd:
    return LogEnd(record.topic, record.partition, record.timestamp, _digest(record))


def _digest(record: Any) -> str:
    """Return a digest of a record's content; each part has its length before it."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    parts = [record.key, record.value]
    for name, value in record.headers:
        parts += [name.encode(), value]
    for part in parts:
        digest.update(b"-" if part is None else b"%d:%s" % (len(part), part))
    return digest.hexdigest()
