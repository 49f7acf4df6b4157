"""Batches that aiokafka cannot read are tried again, and then skipped."""

import struct

import aiokafka.codec
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import UnsupportedCodecError
from aiokafka.record.default_records import DefaultRecordBase
from aiokafka.record.memory_records import MemoryRecords

from liq.runtime.unreadable_batches import MAX_TRIES, ReadableRecords
from tests.support.odd_batches import (
    batch_of,
    rehashed,
    with_broken_compression,
    with_unreadable_header_names,
)

PLACE = TopicPartition("raw", 3)
CODECS = {
    "gzip": DefaultRecordBase.CODEC_GZIP,
    "snappy": DefaultRecordBase.CODEC_SNAPPY,
    "lz4": DefaultRecordBase.CODEC_LZ4,
    "zstd": DefaultRecordBase.CODEC_ZSTD,
}


def fetched(log: bytes, offset: int) -> ReadableRecords:
    return ReadableRecords(
        PLACE, MemoryRecords(log), None, offset, None, None, check_crcs=True, isolation_level=1
    )


def read(log: bytes, offset: int) -> tuple[list[bytes], int]:
    """Return the values of one fetch, and where the next one begins."""
    records = fetched(log, offset)
    return [record.value for record in records], records.next_fetch_offset


def unknown_codec(batch: bytes) -> bytes:
    changed = bytearray(batch)
    struct.pack_into(">h", changed, DefaultRecordBase.ATTRIBUTES_OFFSET, 7)
    return rehashed(bytes(changed))


@pytest.mark.parametrize("name", CODECS)
def test_every_compression_is_installed(name: str) -> None:
    batch = batch_of(b"a" * 1_000, b"b" * 1_000, compression=CODECS[name])
    assert read(batch, 0) == ([b"a" * 1_000, b"b" * 1_000], 2)


@pytest.mark.parametrize(
    "bad",
    [
        with_unreadable_header_names(batch_of(b"x", b"y", base_offset=2)),
        *(
            with_broken_compression(batch_of(b"x", b"y", compression=code, base_offset=2))
            for code in CODECS.values()
        ),
        unknown_codec(batch_of(b"x", b"y", base_offset=2)),
    ],
    ids=["header names", *CODECS, "unknown codec"],
)
def test_a_batch_that_cannot_be_read_is_skipped_and_no_other(bad: bytes) -> None:
    log = batch_of(b"a", b"b") + bad + batch_of(b"c", base_offset=4)
    assert read(log, 0) == ([b"a", b"b"], 2)
    for _ in range(MAX_TRIES - 2):
        assert read(bad, 2) == ([], 2)
    assert read(bad, 2) == ([], 4)
    assert read(batch_of(b"c", base_offset=4), 4) == ([b"c"], 5)


def test_a_codec_that_is_not_installed_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = batch_of(b"a" * 1_000, compression=CODECS["lz4"])
    with monkeypatch.context() as without:
        without.setattr(aiokafka.codec, "cramjam", None)
        for _ in range(MAX_TRIES + 1):
            with pytest.raises(UnsupportedCodecError):
                read(batch, 0)
    assert read(batch, 0) == ([b"a" * 1_000], 1)


def damage(batch: bytes) -> bytes:
    return batch[:-1] + bytes([batch[-1] ^ 1])


def test_what_was_damaged_on_its_way_is_read_at_the_next_fetch() -> None:
    batch = batch_of(b"a")
    assert read(damage(batch), 0) == ([], 0)
    assert read(batch, 0) == ([b"a"], 1)
    # The count begins anew.
    for _ in range(MAX_TRIES - 1):
        assert read(damage(batch), 0) == ([], 0)
    assert read(batch, 0) == ([b"a"], 1)


def test_the_rest_of_a_batch_is_not_read_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The second record's header name is not UTF-8; the first is read, and once.
    whole = batch_of(b"first", b"second")
    name = b"header-name"
    place = whole.rindex(name)
    half = rehashed(whole[:place] + b"\xff" * len(name) + whole[place + len(name) :])
    monkeypatch.setattr(ReadableRecords, "_tries", {})
    values, offset = read(half, 0)
    assert (values, offset) == ([b"first"], 1)
    for _ in range(MAX_TRIES - 1):
        values, offset = read(half, offset)
        assert values == []
    assert offset == 2
