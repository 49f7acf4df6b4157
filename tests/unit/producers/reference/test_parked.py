"""How long parked frames wait, and in what order their offsets are committed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from aiokafka import TopicPartition

from liq.producers.reference.parked import ParkedFrames
from liq.producers.reference.timing import DEFAULT_TIMING, ReferenceTiming
from liq.runtime.settings import Settings
from liq.schemas.headers import FrameHeaders, Retry, retry_header

PARKED: Final = "liquidations.parked"


@dataclass
class Record:
    offset: int
    headers: Sequence[tuple[str, bytes]]
    value: bytes = b"{}"
    topic: str = PARKED
    partition: int = 0
    timestamp: int = 1_784_000_000_000
    key: bytes | None = None


class Known:
    """Contracts that are known, at offset 7 of their topic."""

    def __init__(self) -> None:
        self.contracts: dict[str, None] = {}
        self.published_again: list[bool] = []

    def of(self, _exchange: str) -> dict[str, None]:
        return self.contracts

    async def offset_of(self, *_arguments: Any, publish_again: bool) -> int:
        self.published_again.append(publish_again)
        return 7


class Lister:
    def __init__(self) -> None:
        self.listings = 0
        self.asked = 0

    def ask(self, _exchange: str) -> None:
        self.asked += 1

    def begun(self, _exchange: str) -> int:
        return self.listings

    def succeeded_since(self, _exchange: str, begun: int) -> int:
        return self.listings - begun

    def lists(self, exchange: str) -> bool:
        return exchange == "okx"


class Kafka:
    """A producer that keeps what it is sent, and a consumer that keeps what it commits."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Retry]] = []
        self.committed: dict[TopicPartition, int] = {}

    async def send(self, topic: str, _value: bytes, **rest: Any) -> "asyncio.Future[None]":
        retry = retry_header(rest["headers"])
        assert retry is not None
        self.sent.append((topic, retry))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        self.committed |= offsets


Waiting = Callable[..., ParkedFrames]


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
def lister() -> Lister:
    return Lister()


@pytest.fixture
def waiting(settings: Settings, kafka: Kafka, known: Known, lister: Lister) -> Waiting:
    def make(timing: ReferenceTiming = DEFAULT_TIMING) -> ParkedFrames:
        stand_ins: Any = {"known": known, "lister": lister, "producer": kafka}
        return ParkedFrames(settings, timing=timing, **stand_ins)

    return make


def parked(offset: int, *symbols: str, exchange: str = "okx", attempt: int = 0) -> Record:
    headers = FrameHeaders(exchange, "public", 1, "test", offset).encode()
    return Record(offset, [*headers, Retry(symbols, attempt).encode()])


async def take(frames: ParkedFrames, kafka: Kafka, *records: Record) -> None:
    for record in records:
        await frames._take(record)
        frames._positions[TopicPartition(PARKED, 0)] = record.offset + 1
    await frames._retry_ready()
    await frames._commit(kafka)


async def test_a_frame_waits_uncommitted_until_all_its_contracts_are_known(
    waiting: Waiting, kafka: Kafka, known: Known, lister: Lister
) -> None:
    frames = waiting()
    known.contracts["A"] = None
    await take(frames, kafka, parked(0, "A"), parked(1, "A", "B"), parked(2, "A"))
    assert [retry.contracts for _, retry in kafka.sent] == [("A",), ("A",)]
    assert kafka.committed == {TopicPartition(PARKED, 0): 1}
    assert lister.asked == 1

    known.contracts["B"] = None
    await take(frames, kafka)
    topic, retry = kafka.sent[-1]
    assert topic.endswith(".raw.okx")
    assert retry == Retry(("A", "B"), attempt=1, offset=7)
    assert kafka.committed == {TopicPartition(PARKED, 0): 3}


async def test_a_contract_that_listings_do_not_have_is_given_up(
    waiting: Waiting, kafka: Kafka, lister: Lister
) -> None:
    frames = waiting()
    lister.listings = 5
    await take(frames, kafka, parked(0, "A"))
    lister.listings += DEFAULT_TIMING.give_up_listings - 1
    await take(frames, kafka)
    assert kafka.sent == []
    lister.listings += 1
    await take(frames, kafka)
    [(_, retry)] = kafka.sent
    assert retry == Retry(("A",), attempt=1, is_final=True)
    assert kafka.committed == {TopicPartition(PARKED, 0): 1}


async def test_a_venue_that_does_not_answer_is_given_up(waiting: Waiting, kafka: Kafka) -> None:
    frames = waiting(replace(DEFAULT_TIMING, give_up_seconds=0.0))
    await take(frames, kafka, parked(0, "A"))
    [(_, retry)] = kafka.sent
    assert retry.is_final


async def test_a_frame_that_comes_back_again_and_again_is_given_up(
    waiting: Waiting, kafka: Kafka, known: Known
) -> None:
    frames = waiting(replace(DEFAULT_TIMING, ask_seconds=0.0))
    known.contracts["A"] = None
    most = DEFAULT_TIMING.give_up_listings
    await take(frames, kafka, parked(0, "A", attempt=most - 1), parked(1, "A", attempt=most))
    assert [retry.is_final for _, retry in kafka.sent] == [False, True]
    assert known.published_again == [True, True]


async def test_a_frame_that_came_back_gives_the_normalizer_time_to_read_of_its_contract(
    waiting: Waiting, kafka: Kafka, known: Known
) -> None:
    frames = waiting()
    known.contracts["A"] = None
    await take(frames, kafka, parked(0, "A", attempt=1), parked(1, "A"))
    assert [retry.attempt for _, retry in kafka.sent] == [1], "only the one that is new"


async def test_a_venue_that_another_process_lists_is_waited_for(
    waiting: Waiting, kafka: Kafka, known: Known
) -> None:
    frames = waiting()
    known.contracts["A"] = None
    await take(frames, kafka, parked(0, "B", exchange="gate"))
    assert kafka.sent == []
    known.contracts["B"] = None
    await take(frames, kafka)
    [(topic, retry)] = kafka.sent
    assert topic.endswith(".raw.gate")
    assert not retry.is_final


async def test_after_a_rebalance_nothing_that_was_read_before_is_committed(
    waiting: Waiting, kafka: Kafka
) -> None:
    frames = waiting()
    await take(frames, kafka, parked(0, "A"))
    kafka.committed.clear()
    frames.forget()
    await take(frames, kafka)
    assert (kafka.sent, kafka.committed) == ([], {})
