"""The partition of a key, remembered within a bound, and the bound on what is pending."""

import asyncio
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from liq.runtime import sending
from liq.runtime.sending import BatchSender, KeyPartitions, OutputRecord, partition_of
from liq.schemas.topics import Topics as SettingsTopics


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


class SlowProducer(Topics):
    """Takes batches, and acknowledges each when it is told to."""

    def __init__(self) -> None:
        super().__init__(1)
        self.sent: list[asyncio.Future[None]] = []
        self.taken = asyncio.Event()

    async def send_batch(self, _batch: object, _topic: str, *, partition: int) -> Any:
        assert partition == 0
        self.sent.append(asyncio.get_running_loop().create_future())
        self.taken.set()
        return self.sent[-1]


async def test_one_call_leaves_no_more_pending_than_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "MAX_PENDING_BYTES", 1_000_000)
    producer = SlowProducer()
    topics = SettingsTopics("t")
    sender = BatchSender(cast("AIOKafkaProducer", producer), topics)
    records = [OutputRecord(topics.rejected, b"okx", bytes(600_000)) for _ in range(20)]
    sending_all = asyncio.ensure_future(sender.send(records))
    for acknowledged in range(20):
        while len(producer.sent) < min(20, acknowledged + 2):
            producer.taken.clear()
            await producer.taken.wait()
        # Once the bound is passed nothing more is sent, however long it takes.
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(producer.sent) <= acknowledged + 2
        producer.sent[acknowledged].set_result(None)
    await (await sending_all)
