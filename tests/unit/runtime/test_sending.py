"""The partition of a key: Kafka's own, asked once a topic and remembered within a bound."""

from typing import cast

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from liq.runtime import sending
from liq.runtime.sending import KeyPartitions, partition_of


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
