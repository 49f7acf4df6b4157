"""Records of other programs, for every topic that a worker reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from liq.schemas.codec import encode
from liq.schemas.headers import (
    CASCADE,
    CLOCK_MS,
    EXCHANGE,
    FEED,
    RATES,
    RAW_KEY,
    RECEIVED_AT_NS,
    RECORD,
    RETRY,
    SEQUENCE,
    SOURCE_PARTITION,
    Headers,
)
from liq.schemas.topics import Topics
from tests.support import sample_records
from tests.support.odd_batches import BATCH_BYTES, HEADER, with_unreadable_header_names

HUGE: Final = b"9" * 5_000
RETRY_OF_NOBODY: Final = b'{"contracts":["X"],"attempt":1,"offset":%d,"final":false}'
HEADER_SETS: Final[Sequence[Headers]] = (
    (),
    *(((name, value),) for name in (FEED, RECEIVED_AT_NS, RETRY) for value in (None, b"", HUGE)),
    ((RECEIVED_AT_NS, b"9" * 30),),
    ((RECEIVED_AT_NS, "\u0661\u0662".encode()),),
    ((RECEIVED_AT_NS, b"1783500000000000000000"),),
    ((RECEIVED_AT_NS, b"-1"), (SEQUENCE, None)),
    ((EXCHANGE, b"\xff\xfe"), (FEED, b"x" * 100_000)),
    ((CLOCK_MS, None),),
    ((CLOCK_MS, b"1783500000000000"), (SOURCE_PARTITION, b"0")),
    ((CLOCK_MS, b"1783500000000"), (SOURCE_PARTITION, b"999")),
    ((CLOCK_MS, HUGE), (SOURCE_PARTITION, HUGE), (RECORD, None)),
    ((SOURCE_PARTITION, b"0"), (RECORD, CASCADE.encode())),
    ((RETRY, b"[" * 100_000), (RATES, b"BTC=0@0"), (RAW_KEY, None)),
    ((RETRY, RETRY_OF_NOBODY % (2**62)),),
)
VALUES: Final = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"NaN",
    b'{"received_at_ms":' + b"9" * 30 + b"}",
    b'{"a":"\\ud800"}',
    b"\xff\xfe{}",
    b"[" * 100_000,
    b'{"analysis":' * 500 + b"1" + b"}" * 500,
    b"x" * 1_048_576,
    b'{"data":"' + b"y" * 1_048_000 + b'"}',
)
KEYS: Final = (b"k", b"", b"\xff\xfe", b"BTC")
STATE_KEYS: Final = (
    b"junk",
    b"\xff\xfe|BTC",
    b"1|\xff\xfe",
    b"one|BTC",
    b"%d|BTC" % 10**30,
    b"7|BTC",
    b"7|market",
    b"epoch",
)


@dataclass(frozen=True)
class Foreign:
    """A record to write to a partition."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int = 0


def foreign_records(topics: Topics, exchanges: Sequence[str]) -> Iterator[Foreign]:
    """Yield odd records for each topic that any worker reads."""
    state = {topics.detector_state, topics.market_state}
    compacted = {*state, topics.instruments, topics.rates}
    read = {
        *map(topics.raw, exchanges),
        *(topics.parked, topics.instruments, topics.rates, topics.events, topics.pulse),
        *(topics.cascades, topics.watch, topics.feeds, topics.rejected, topics.large),
        *state,
    }
    for topic in sorted(read):
        for number, headers in enumerate(HEADER_SETS):
            yield Foreign(topic, KEYS[number % len(KEYS)], VALUES[number % len(VALUES)], headers)
            yield Foreign(topic, b"tombstone", None, headers)
        for number, value in enumerate(VALUES):
            # Brokers reject records without a key on compacted topics.
            key = None if number % 2 and topic not in compacted else KEYS[number % len(KEYS)]
            yield Foreign(topic, key, value, ())
        for document in _documents():
            yield Foreign(topic, b"k", document, ())
    for topic in sorted(state):
        for key in STATE_KEYS:
            for stored in (b"x" * 8 + b"\x05[]", b"", b"x" * 8 + b"\x63", None, b"12x"):
                yield Foreign(topic, key, stored, ())
        yield Foreign(topic, b"7|BTC", b"x" * 8 + b"\x05[]", ())


def _documents() -> Iterator[bytes]:
    """Yield valid records of other topics, and some with impossible numbers."""
    yield encode(sample_records.rejection())
    yield encode(sample_records.feed_status())
    yield encode(sample_records.instrument()).replace(b'"as_of":"', b'"as_of":"x')
    event = encode(sample_records.liquidation())
    received = sample_records.liquidation().received_at_ms
    assert str(received).encode() in event
    yield event.replace(str(received).encode(), b"1783500000000000")
    yield event.replace(b'"base":"A0"', b'"base":"' + b"B" * 300_000 + b'"')


class UnreadableBatch(BatchBuilder):  # type: ignore[misc] # aiokafka has no types
    """A batch of one record whose header name is not UTF-8."""

    def __init__(self) -> None:
        super().__init__(BATCH_BYTES, 0)
        self.append(key=b"k", value=b"{}", timestamp=None, headers=[(HEADER, b"x")])
        self.close()

    def _build(self) -> bytearray:
        return bytearray(with_unreadable_header_names(bytes(super()._build())))


async def write(producer: AIOKafkaProducer, records: Sequence[Foreign]) -> dict[Any, Foreign]:
    """Produce records, and an unreadable batch to each of their topics; return them by offset."""
    written = await write_each(producer, records)
    for topic in sorted({record.topic for record in records}):
        await (await producer.send_batch(UnreadableBatch(), topic, partition=0))
    return written


async def write_each(producer: AIOKafkaProducer, records: Sequence[Foreign]) -> dict[Any, Foreign]:
    """Produce records; return them by partition and offset."""
    written: dict[Any, Foreign] = {}
    for record in records:
        sent = await producer.send_and_wait(
            record.topic,
            record.value,
            key=record.key,
            partition=record.partition,
            headers=list(record.headers),
        )
        written[record.topic, sent.partition, sent.offset] = record
    return written
