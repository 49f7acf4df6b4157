"""When a batch closes, what it commits and how it is halved."""

from dataclasses import dataclass

from liq.schemas.headers import Headers
from liq.sinks.batch import Batch, BatchLimits, halves, row_count

STATUS = (
    b'{"exchange":"okx","feed":"f","connection":"c","event":"gap","timestamp_ms":1783500000000,'
    b'"detail":"%s"}'
)
MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Record:
    offset: int
    value: bytes | None = STATUS % b""
    partition: int = 0
    topic: str = "liquidations.feeds"
    timestamp: int = 1_783_500_000_000
    headers: Headers = ()


def limits(*, rows: int, seconds: float = 60) -> BatchLimits:
    return BatchLimits(rows=rows, seconds=seconds, size_bytes=MAX_BYTES)


def test_an_empty_batch_is_never_due() -> None:
    assert not Batch().is_due(limits(rows=1, seconds=0.0), now=1e9)


def test_a_batch_is_due_at_its_size() -> None:
    batch = Batch()
    for offset in range(3):
        assert not batch.is_due(limits(rows=3), now=100.0)
        batch.add([Record(offset)], now=100.0)
    assert batch.is_due(limits(rows=3), now=100.0)


def test_a_batch_is_due_at_the_age_of_its_first_record() -> None:
    batch = Batch()
    batch.add([Record(0)], now=100.0)
    batch.add([Record(1)], now=100.9)
    assert not batch.is_due(limits(rows=10, seconds=1.0), now=100.99)
    assert batch.is_due(limits(rows=10, seconds=1.0), now=101.0)


def test_a_batch_is_full_at_its_bytes() -> None:
    batch = Batch()
    batch.add([Record(0, STATUS % (b"x" * MAX_BYTES))], now=0.0)
    assert batch.is_full(limits(rows=1000))


def test_small_records_fill_a_batch_by_the_memory_that_they_take() -> None:
    batch, count = Batch(), 0
    while not batch.is_full(limits(rows=10**9)):
        batch.add([Record(count), Record(count, None)], now=0.0)
        count += 1
    assert count * len(STATUS) < MAX_BYTES / 5
    assert count * 2_000 > MAX_BYTES


def test_heartbeats_and_what_cannot_be_decoded_move_offsets_too() -> None:
    batch = Batch()
    batch.add([Record(5), Record(6, None)], now=0.0)
    batch.add([Record(9, b"{", partition=1)], now=0.0)
    batch.add([], now=0.0)
    assert batch.offsets == {("liquidations.feeds", 0): 7, ("liquidations.feeds", 1): 10}
    assert (batch.count, batch.row_count) == (3, 2)


def test_halves_keep_the_order_of_each_partition() -> None:
    batch = Batch()
    batch.add([Record(0), Record(1), Record(2)], now=0.0)
    batch.add([Record(7, topic="liquidations.events"), Record(8, topic="liquidations.events")], 0.0)
    first, second = halves(batch.records)
    assert [record.offset for record in first["liquidations.feeds"]] == [0, 1]
    assert [record.offset for record in second["liquidations.feeds"]] == [2]
    assert [record.offset for record in second["liquidations.events"]] == [7, 8]
    assert (row_count(first), row_count(second)) == (2, 3)
