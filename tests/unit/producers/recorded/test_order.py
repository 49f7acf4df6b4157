"""The order contract: no record becomes visible before an earlier one that a merge must see."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from liq.producers.recorded.ordered_sender import MAX_IN_FLIGHT, OrderedSender, Ordering
from liq.runtime.sending import OutputRecord
from liq.schemas.headers import RECEIVED_AT_NS, FrameHeaders, integer_header

Place = tuple[str, int]


@dataclass
class Sent:
    """A record as the broker would get it."""

    place: Place
    time_ns: int
    acknowledged: asyncio.Future[None]
    unacknowledged_before: list["Sent"]


@dataclass
class ScriptedProducer:
    """Stands where a producer does; acknowledgements come only when the test lets them."""

    partitions: int = 3
    sent: list[Sent] = field(default_factory=list)

    async def partitions_for(self, _topic: str) -> set[int]:
        return set(range(self.partitions))

    async def send(
        self, topic: str, _value: bytes, *, partition: int, headers: Any, **_: Any
    ) -> asyncio.Future[None]:
        time_ns = integer_header(headers, RECEIVED_AT_NS)
        assert time_ns is not None
        pending = [earlier for earlier in self.sent if not earlier.acknowledged.done()]
        acknowledged = asyncio.get_running_loop().create_future()
        self.sent.append(Sent((topic, partition), time_ns, acknowledged, pending))
        return acknowledged

    def acknowledge_all(self) -> None:
        for record in self.sent:
            if not record.acknowledged.done():
                record.acknowledged.set_result(None)


def raw_record(topic: str, key: int, time_ns: int) -> OutputRecord:
    headers = FrameHeaders("binance", "usdm", time_ns, "test", 0)
    return OutputRecord(topic, b"%d" % key, b"{}", headers.encode())


def time_of(record: OutputRecord) -> int:
    time_ns = integer_header(record.headers, RECEIVED_AT_NS)
    assert time_ns is not None
    return time_ns


async def send_all(ordering: Ordering, records: Sequence[OutputRecord]) -> list[Sent]:
    """Send everything; acknowledge only when the sender makes no progress without it."""
    producer = ScriptedProducer()
    sender = OrderedSender(cast("AIOKafkaProducer", producer), ordering)

    async def work() -> None:
        for record in records:
            await sender.send(record, time_of(record))
        await sender.drain()

    task = asyncio.create_task(work())
    while not task.done():
        for _ in range(20):
            await asyncio.sleep(0)
        if len(producer.sent) == len(records) or task.done():
            producer.acknowledge_all()
        else:
            before = len(producer.sent)
            producer.acknowledge_all()
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(producer.sent) > before or task.done(), "stuck though all is acknowledged"
    await task
    return producer.sent


records_in_time_order = st.lists(
    st.tuples(st.sampled_from(("raw.a", "raw.b")), st.integers(0, 5), st.integers(0, 2)),
    max_size=40,
)


@given(records_in_time_order)
def test_strict_waits_for_earlier_records_of_other_partitions(
    steps: list[tuple[str, int, int]],
) -> None:
    time_ns, records = 1, []
    for topic, key, advance in steps:
        time_ns += advance
        records.append(raw_record(topic, key, time_ns))
    sent = asyncio.run(send_all(Ordering.STRICT, records))
    assert [record.time_ns for record in sent] == [time_of(r) for r in records]
    for record in sent:
        for earlier in record.unacknowledged_before:
            assert earlier.place == record.place or earlier.time_ns == record.time_ns


@pytest.mark.parametrize("times", [(1, 2, 3), (1, 1, 1)])
async def test_strict_does_not_wait_where_the_log_keeps_the_order(times: tuple[int, ...]) -> None:
    sent = await send_all(Ordering.STRICT, [raw_record("raw.a", 1, time) for time in times])
    assert len(sent[-1].unacknowledged_before) == 2


async def test_strict_does_not_wait_among_equal_times() -> None:
    sent = await send_all(Ordering.STRICT, [raw_record("raw.a", key, 7) for key in range(10)])
    assert len({record.place for record in sent}) > 1
    assert len(sent[-1].unacknowledged_before) == 9


async def test_relaxed_waits_for_nothing_but_too_many_in_flight() -> None:
    count = MAX_IN_FLIGHT + 1
    sent = await send_all(
        Ordering.RELAXED, [raw_record("raw.a", number, number) for number in range(count)]
    )
    assert len(sent[-2].unacknowledged_before) == MAX_IN_FLIGHT - 1
    assert sent[-1].unacknowledged_before == []


async def test_a_refused_record_is_an_error() -> None:
    producer = ScriptedProducer()
    sender = OrderedSender(cast("AIOKafkaProducer", producer), Ordering.STRICT)
    await sender.send(raw_record("raw.a", 1, 1), 1)
    producer.sent[0].acknowledged.set_exception(KafkaTimeoutError())
    with pytest.raises(KafkaTimeoutError):
        await sender.drain()
