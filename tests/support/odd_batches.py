"""Batches of Kafka records that the engine's clients never write."""

import struct
from typing import Final

from aiokafka.record.default_records import DefaultRecordBase, DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

HEADER: Final = "header-name"
NOT_UTF8: Final = b"\xff" * len(HEADER)
BATCH_BYTES: Final = 1_000_000


def batch_of(*values: bytes, compression: int = 0, base_offset: int = 0) -> bytes:
    """Return a batch of records with one header each."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, BATCH_BYTES)
    for number, value in enumerate(values):
        builder.append(number, 1_783_500_000_000, b"k", value, [(HEADER, b"x")])
    return bytes(rehashed(struct.pack(">q", base_offset) + bytes(builder.build())[8:]))


def with_unreadable_header_names(batch: bytes) -> bytes:
    """Return an uncompressed batch whose header names are not UTF-8."""
    assert HEADER.encode() in batch
    return rehashed(batch.replace(HEADER.encode(), NOT_UTF8))


def with_broken_compression(batch: bytes) -> bytes:
    """Return a compressed batch whose records cannot be decompressed."""
    size = DefaultRecordBase.HEADER_STRUCT.size
    return rehashed(batch[:size] + b"\x00" * (len(batch) - size))


def rehashed(batch: bytes) -> bytes:
    """Return a batch with the checksum of its content, which brokers require."""
    changed = bytearray(batch)
    checksum = calc_crc32c(bytes(changed[DefaultRecordBase.ATTRIBUTES_OFFSET :]))
    struct.pack_into(">I", changed, DefaultRecordBase.CRC_OFFSET, checksum)
    return bytes(changed)
