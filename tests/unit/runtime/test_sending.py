"""Batches of our own, in order and within bounds; and the partition of a key, as Kafka gives it."""

import asyncio
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from aiokafka.partitioner import murmur2
from aiokafka.record import MemoryRecords

from liq.runtime import sending
from liq.runtime.kafka import MAX_BATCH_BYTES, MAX_REQUEST_BYTES
from liq.runtime.sending import BatchSender, KeyPartitions, OutputRecord, partition_of
from liq.schemas.topics import Topics as TopicNames


class Topics:
    """Stands where a producer does."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[str] = []

    async def partitions_for(self, topic: str) -> set[int]:
        self.asked.append(topic)
        return set(range(self.count))


def key_partitions(topics: Topics) -> KeyPartitions:
    return KeyPartitions(cast("AIOKafkaProducer", topics))


def test_a_key_has_the_partition_that_java_gives_it() -> None:
    for key in (b"BTC", b"heartbeat", b"1000PEPEUSDT", b""):
        assert partition_of(key, list(range(12))) == (murmur2(key) & 0x7FFFFFFF) % 12


async def test_a_partition_is_found_once_and_known_then() -> None:
    topics = Topics(12)
    partitions = key_partitions(topics)
    assert partitions.known("raw.okx", b"BTC") is None
    found = await partitions.find("raw.okx", b"BTC")
    assert found == partition_of(b"BTC", list(range(12)))
    assert partitions.known("raw.okx", b"BTC") == found
    assert partitions.known("raw.bybit", b"BTC") is None
    await partitions.find("raw.okx", b"ETH")
    assert topics.asked == ["raw.okx"]


async def test_keys_that_outsiders_make_up_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "MAX_KNOWN_KEYS", 2)
    partitions = key_partitions(Topics(3))
    for key in (b"a", b"b", b"c"):
        await partitions.find("raw.okx", key)
    known = [key for key in (b"a", b"b", b"c") if partitions.known("raw.okx", key) is not None]
    assert known == [b"c"]


class Broker(Topics):
    """Stands where a producer does; keeps batches, and acknowledges them when it is told to."""

    def __init__(self, timeouts: int = 0) -> None:
        super().__init__(2)
        self.timeouts = timeouts
        self.batches: list[tuple[str, int, list[bytes]]] = []
        self.futures: list[asyncio.Future[None]] = []

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[None]:
        if self.timeouts:
            self.timeouts -= 1
            raise KafkaTimeoutError
        self.batches.append((topic, partition, values_of(batch)))
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]

    def acknowledge(self) -> None:
        for future in self.futures:
            if not future.done():
                future.set_result(None)


def values_of(batch: Any) -> list[bytes]:
    records = MemoryRecords(bytes(batch._build()))
    found: list[bytes] = []
    while records.has_next():
        found += [record.value for record in records.next_batch()]
    return found


def sender(broker: Broker) -> BatchSender:
    return BatchSender(cast("AIOKafkaProducer", broker), TopicNames("t"))


def record(value: bytes, topic: str = "t.events", partition: int = 0) -> OutputRecord:
    return OutputRecord(topic, b"BTC", value, partition=partition)


async def test_records_are_sent_as_one_batch_a_partition_in_their_order() -> None:
    broker = Broker()
    records = [
        record(b"a"),
        record(b"b", partition=1),
        record(b"c"),
        record(b"d", topic="t.pulse"),
        record(b"e"),
    ]
    sent = await sender(broker).send(records)
    assert broker.batches == [
        ("t.events", 0, [b"a", b"c", b"e"]),
        ("t.events", 1, [b"b"]),
        ("t.pulse", 0, [b"d"]),
    ]
    assert not sent.done()
    broker.acknowledge()
    await sent


async def test_a_batch_that_is_full_is_followed_by_another() -> None:
    broker = Broker()
    values = [bytes([number]) * (MAX_BATCH_BYTES // 3) for number in range(7)]
    await sender(broker).send([record(value) for value in values])
    assert len(broker.batches) > 2
    assert [value for _, _, batch in broker.batches for value in batch] == values


async def test_sending_waits_while_too_much_is_unacknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "MAX_PENDING_BYTES", 3)
    broker = Broker()
    output = sender(broker)
    await output.send([record(b"four")])
    second = asyncio.ensure_future(output.send([record(b"more")]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (len(broker.batches), second.done()) == (1, False)
    broker.acknowledge()
    await second
    assert len(broker.batches) == 2


async def test_a_broker_that_is_away_is_waited_for() -> None:
    broker = Broker(timeouts=3)
    await sender(broker).send([record(b"a")])
    assert [values for _, _, values in broker.batches] == [[b"a"]]


async def test_a_record_that_no_request_holds_is_refused_before_it_is_sent() -> None:
    broker = Broker()
    with pytest.raises(MessageSizeTooLargeError):
        await sender(broker).send([record(b"a"), record(bytes(MAX_REQUEST_BYTES))])
    assert broker.batches == []


async def test_a_batch_that_is_refused_is_heard_of() -> None:
    broker = Broker()
    sent = await sender(broker).send([record(b"a")])
    broker.futures[0].set_exception(KafkaTimeoutError())
    with pytest.raises(KafkaTimeoutError):
        await sent


async def test_keys_are_spread_over_the_partitions_that_were_named_last() -> None:
    topics = Topics(12)
    partitions = key_partitions(topics)
    assert await partitions.find("events", b"BTC") == partition_of(b"BTC", list(range(12)))
    partitions.spread("events", 4)
    assert partitions.known("events", b"BTC") is None
    assert await partitions.find("events", b"BTC") == partition_of(b"BTC", list(range(4)))
    assert await partitions.find("raw.okx", b"BTC") == partition_of(b"BTC", list(range(12)))
