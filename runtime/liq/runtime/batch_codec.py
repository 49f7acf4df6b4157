"""Batches of Kafka records, each compressed with the codec of its topic.

An aiokafka producer has one codec for all topics, and compresses at the highest levels (gzip at 9,
LZ4 at 9). These batches are compressed at level 1 and go through any producer by `send_batch`.
"""

import struct
import zlib
from collections.abc import Callable
from typing import Final

from aiokafka.codec import lz4_encode
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBase
from aiokafka.record.util import calc_crc32c

from liq.runtime.kafka import MAX_BATCH_BYTES
from liq.schemas.topics import Compression

LEVEL: Final = 1
GZIP_WINDOW_BITS: Final = 31  # 16 more than zlib's largest window: with a gzip header
# A single event gains little (958 bytes become 603) for 40 us of writer and reader together.
MIN_COMPRESSED_BYTES: Final = 1024
_CODES: Final = {
    Compression.GZIP: DefaultRecordBase.CODEC_GZIP,
    Compression.LZ4: DefaultRecordBase.CODEC_LZ4,
}
_RECORDS_OFFSET: Final[int] = DefaultRecordBase.HEADER_STRUCT.size
_LENGTH_OFFSET: Final = struct.calcsize(">q")


def new_batch(compression: Compression) -> BatchBuilder:
    """Return an empty batch for `producer.send_batch`; a full batch accepts no further record.

    Its limit of `MAX_BATCH_BYTES` counts bytes before compression.
    """
    return _CompressedBatch(compression)


class _CompressedBatch(BatchBuilder):  # type: ignore[misc] # aiokafka has no types
    _buffer: bytearray | None  # of aiokafka: the finished batch

    def __init__(self, compression: Compression) -> None:
        super().__init__(MAX_BATCH_BYTES, DefaultRecordBase.CODEC_NONE)
        self._compression = compression

    def _build(self) -> bytearray:
        """Return the finished batch; aiokafka's sender calls this before each attempt."""
        if self._buffer is None:
            plain: bytearray = super()._build()
            self._buffer = _compressed(plain, self._compression)
        return self._buffer


def _compressed(batch: bytearray, compression: Compression) -> bytearray:
    """Compress the records of a finished batch; return it unchanged if that saves nothing."""
    if len(batch) - _RECORDS_OFFSET < MIN_COMPRESSED_BYTES:
        return batch
    records = _ENCODERS[compression](bytes(batch[_RECORDS_OFFSET:]))
    if len(records) >= len(batch) - _RECORDS_OFFSET:
        return batch
    smaller = batch[:_RECORDS_OFFSET] + records
    length = len(smaller) - DefaultRecordBase.AFTER_LEN_OFFSET
    struct.pack_into(">i", smaller, _LENGTH_OFFSET, length)
    attributes_at: int = DefaultRecordBase.ATTRIBUTES_OFFSET
    (attributes,) = struct.unpack_from(">h", smaller, attributes_at)
    struct.pack_into(">h", smaller, attributes_at, attributes | _CODES[compression])
    checksum = calc_crc32c(smaller[attributes_at:])
    struct.pack_into(">I", smaller, DefaultRecordBase.CRC_OFFSET, checksum)
    return smaller


def _gzip(records: bytes) -> bytes:
    encoder = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP_WINDOW_BITS)
    return encoder.compress(records) + encoder.flush()


def _lz4(records: bytes) -> bytes:
    encoded: bytes = lz4_encode(records, LEVEL)
    return encoded


_ENCODERS: Final[dict[Compression, Callable[[bytes], bytes]]] = {
    Compression.GZIP: _gzip,
    Compression.LZ4: _lz4,
}
