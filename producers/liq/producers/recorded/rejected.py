"""Replay of rejected frames into their raw topics, with the same bytes, key and headers.

Events that such a frame already gave appear again under the same ids, by which readers recognize
them. Each reason has its own consumer group, whose committed offsets let a second run continue
where the first one ended. A frame that is rejected again is a new rejection, for a later run.
Frames that Kafka has deleted from the raw topic are rebuilt from the rejection; their times of
receipt are then exact to the millisecond.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from liq.producers.feeds.record_key import record_key
from liq.runtime.kafka import new_consumer, new_producer, start_consumer
from liq.runtime.kafka_refusal import why_unreachable
from liq.runtime.log_reading import read_to_ends
from liq.runtime.metrics import ERRORS
from liq.runtime.partitions import find_partitions
from liq.runtime.settings import Settings
from liq.schemas.codec import DecodeError, decode
from liq.schemas.headers import FrameHeaders
from liq.schemas.records import Rejected
from liq.schemas.units import MILLISECOND_NS
from liq.schemas.vocabulary import RejectReason

CLIENT_ID: Final = "replay-rejected"
POLL_MS: Final = 500
REBUILT_CONNECTION: Final = "replay-rejected"


@dataclass(slots=True)
class RejectedReplayResult:
    """The counts of a run: frames sent as they were, rebuilt frames, and undecodable records."""

    originals: int = 0
    rebuilt: int = 0
    broken: int = 0


async def replay_rejected(settings: Settings, reason: RejectReason) -> RejectedReplayResult:
    """Publish once every frame that was rejected for a reason since the last run.

    Raises:
        ConfigurationError: Kafka refuses the login or the certificate.
        DependencyError: Kafka does not answer, or does not acknowledge a frame.
    """
    group = settings.group(f"replay-rejected.{reason}")
    rejections = new_consumer(settings, group=group)
    originals = new_consumer(settings)
    producer = new_producer(settings, CLIENT_ID)
    try:
        try:
            await start_consumer(settings, rejections)
            await start_consumer(settings, originals)
            await producer.start()
            return await _replay(settings, reason, rejections, originals, producer)
        finally:
            await producer.stop()
            await originals.stop()
            await rejections.stop()
    except KafkaError as error:
        raise await why_unreachable(settings, error) from error


async def _replay(
    settings: Settings,
    reason: RejectReason,
    rejections: AIOKafkaConsumer,
    originals: AIOKafkaConsumer,
    producer: AIOKafkaProducer,
) -> RejectedReplayResult:
    result = RejectedReplayResult()
    partitions = await find_partitions(settings, [settings.topics.rejected])
    if not partitions:
        return result
    rejections.assign(partitions)
    ends: dict[TopicPartition, int] = await rejections.end_offsets(partitions)
    # Older normalizers wrote a rejection for each entry; the frame's offset identifies the frame.
    done: set[tuple[str, int, int]] = set()
    raw_records = _RawRecords(settings, originals)
    async for record in _until(rejections, ends):
        rejected = _decoded(record, result)
        if rejected is None or reason not in _reasons(rejected):
            continue
        source = rejected.source
        if source is not None:
            place = (source.topic, source.partition, source.offset)
            if place in done:
                continue
            done.add(place)
        original = await raw_records.find(rejected)
        if original is None:
            await _send_rebuilt(settings, producer, rejected)
            result.rebuilt += 1
        else:
            await producer.send_and_wait(
                original.topic,
                original.value,
                key=original.key,
                partition=original.partition,
                headers=list(original.headers),
            )
            result.originals += 1
    await rejections.commit(ends)
    return result


async def _until(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> AsyncIterator[Any]:
    """Yield the records from the committed offsets (or the beginning) up to the ends."""
    for partition, end in ends.items():
        committed = await consumer.committed(partition)
        if committed is None:
            await consumer.seek_to_beginning(partition)
        else:
            consumer.seek(partition, min(committed, end))
    for partition, end in ends.items():
        async for record in read_to_ends(consumer, {partition: end}):
            yield record


def _decoded(record: Any, result: RejectedReplayResult) -> Rejected | None:
    try:
        return decode(Rejected, record.value or b"")
    except DecodeError:
        result.broken += 1
        ERRORS.labels("rejected_undecodable").inc()
        return None


def _reasons(rejected: Rejected) -> set[RejectReason]:
    """Return the reasons of all entries of a frame."""
    return {rejected.reason, *(entry.reason for entry in rejected.entries)}


class _RawRecords:
    """A lookup of the raw records of rejections."""

    def __init__(self, settings: Settings, consumer: AIOKafkaConsumer) -> None:
        self._settings = settings
        self._consumer = consumer
        self._partitions: dict[str, list[TopicPartition]] = {}

    async def find(self, rejected: Rejected) -> Any:
        """Return the raw record of a rejection; None if it is not in its topic any more."""
        source = rejected.source
        if source is None:
            return None
        place = TopicPartition(source.topic, source.partition)
        if source.topic not in self._partitions:
            found = await find_partitions(self._settings, [source.topic])
            self._partitions[source.topic] = found
        if place not in self._partitions[source.topic]:
            return None
        self._consumer.assign([place])
        first = (await self._consumer.beginning_offsets([place]))[place]
        end = (await self._consumer.end_offsets([place]))[place]
        if not first <= source.offset < end:
            return None
        self._consumer.seek(place, source.offset)
        record = await self._read_one(place, source.offset)
        return record if record is not None and record.value == rejected.payload else None

    async def _read_one(self, place: TopicPartition, offset: int) -> Any:
        """Return the record at an offset; None if there is no such record any more."""
        while await self._consumer.position(place) <= offset:
            fetched = await self._consumer.getmany(place, timeout_ms=POLL_MS, max_records=1)
            for record in fetched.get(place, ()):
                return record if record.offset == offset else None
        return None


async def _send_rebuilt(settings: Settings, producer: AIOKafkaProducer, rejected: Rejected) -> None:
    headers = FrameHeaders(
        exchange=rejected.exchange,
        feed=rejected.feed,
        received_at_ns=rejected.received_at_ms * MILLISECOND_NS,
        connection=REBUILT_CONNECTION,
        sequence=0,
    )
    await producer.send_and_wait(
        settings.topics.raw(rejected.exchange),
        rejected.payload,
        key=record_key(rejected.exchange, rejected.payload),
        headers=headers.encode(),
    )
