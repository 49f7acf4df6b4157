"""Records of the web's streams."""

from dataclasses import replace
from typing import Any

from liq.schemas.codec import encode
from liq.web.records import Place, Stream, StreamRecord, read
from tests.support import sample_records


def liquidation(number: int, **changes: Any) -> bytes:
    """Return the bytes of a liquidation with a unique id."""
    return encode(replace(sample_records.liquidation(number), **changes))


def record(stream: Stream, partition: int, offset: int, value: bytes) -> StreamRecord:
    """Return a record at a partition and offset of a stream."""
    return read(Place(stream, partition), offset, value)[0]


def numbered(partition: int, offset: int, number: int) -> StreamRecord:
    """Return a liquidation at a partition and offset."""
    return record(Stream.LIQUIDATIONS, partition, offset, liquidation(number))
