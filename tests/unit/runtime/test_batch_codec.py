"""Batches with a codec of their own, as aiokafka's own reader finds them."""

from hashlib import sha256

import pytest
from aiokafka.record.default_records import DefaultRecordBase, DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords

from liq.runtime.batch_codec import MIN_COMPRESSED_BYTES, new_batch
from liq.runtime.kafka import MAX_BATCH_BYTES
from liq.schemas.topics import Compression

CODES = {
    Compression.GZIP: DefaultRecordBase.CODEC_GZIP,
    Compression.LZ4: DefaultRecordBase.CODEC_LZ4,
}
HEADERS = [("ce_specversion", b"1.0"), ("clock_ms", b"7")]


def build(compression: Compression, *values: bytes | None) -> bytes:
    batch = new_batch(compression)
    for number, value in enumerate(values):
        assert batch.append(timestamp=1000 + number, key=b"BTC", value=value, headers=HEADERS)
    batch._set_producer_state(producer_id=5, producer_epoch=1, base_sequence=40)
    return bytes(batch._build())


def read(built: bytes) -> DefaultRecordBatch:
    records = MemoryRecords(built)
    batch = records.next_batch()
    assert batch is not None
    assert not records.has_next(), "the length says where the batch ends"
    assert batch.validate_crc()
    return batch


@pytest.mark.parametrize("compression", Compression)
def test_a_batch_has_its_codec_and_every_record(compression: Compression) -> None:
    values = [b"a" * 700, None, b"b" * 700]
    batch = read(build(compression, *values))
    assert batch.compression_type == CODES[compression]
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (5, 1, 40)
    assert batch.next_offset == 3
    found = [(each.timestamp, each.key, each.value, each.headers) for each in batch]
    assert found == [(1000 + number, b"BTC", value, HEADERS) for number, value in enumerate(values)]


@pytest.mark.parametrize("compression", Compression)
def test_a_small_batch_is_not_compressed(compression: Compression) -> None:
    batch = read(build(compression, b"a" * (MIN_COMPRESSED_BYTES // 2)))
    assert batch.compression_type == DefaultRecordBase.CODEC_NONE
    assert [each.value for each in batch] == [b"a" * (MIN_COMPRESSED_BYTES // 2)]


@pytest.mark.parametrize("compression", Compression)
def test_what_would_grow_is_not_compressed(compression: Compression) -> None:
    noise = b"".join(sha256(bytes([number])).digest() for number in range(64))
    batch = read(build(compression, noise))
    assert batch.compression_type == DefaultRecordBase.CODEC_NONE
    assert [each.value for each in batch] == [noise]


def test_a_second_try_sends_the_same_bytes() -> None:
    batch = new_batch(Compression.GZIP)
    batch.append(timestamp=1, key=b"BTC", value=b"a" * 5000)
    assert bytes(batch._build()) == bytes(batch._build())
    assert batch.size() == len(batch._build())


def test_a_full_batch_takes_no_more_and_one_record_always_fits() -> None:
    batch = new_batch(Compression.GZIP)
    assert batch.append(timestamp=1, key=b"BTC", value=bytes(2 * MAX_BATCH_BYTES))
    assert batch.append(timestamp=1, key=b"BTC", value=b"{}") is None
    assert batch.record_count() == 1
