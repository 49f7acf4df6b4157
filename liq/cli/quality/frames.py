"""Frames to compare: of an exchange's raw topic since a time, or of captures."""

import gzip
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from aiokafka.errors import KafkaError

from liq.cli.offset_ranges import OffsetRange, find_ranges
from liq.runtime.errors import ConfigurationError
from liq.runtime.kafka import PARTITION_FETCH_BYTES, new_consumer, start_consumer, stop_consumer
from liq.runtime.kafka_refusal import why_failed
from liq.runtime.log_reading import read_to_ends
from liq.runtime.partitions import find_partitions
from liq.runtime.record_time import received_at_ns
from liq.runtime.settings import Settings
from liq.schemas.capture import CaptureLine, parse_capture_line
from liq.schemas.codec import DecodeError
from liq.schemas.headers import FEED, text_header
from liq.schemas.units import MILLISECOND_NS


class RawFrame(NamedTuple):
    """A frame, its feed, and the time of its receipt (UTC, ms)."""

    feed: str
    received_ms: int
    value: bytes


async def frames_of_topic(
    settings: Settings, exchange: str, from_ms: int
) -> AsyncIterator[RawFrame]:
    """Yield the frames of an exchange since a time of the broker (UTC, ms), up to the present end.

    Raises:
        ConfigurationError: there is no raw topic of the exchange.
        DependencyError: Kafka does not answer.
    """
    topic = settings.topics.raw(exchange)
    consumer = new_consumer(settings, max_partition_fetch_bytes=PARTITION_FETCH_BYTES)
    try:
        await start_consumer(settings, consumer)
        partitions = await find_partitions(settings, [topic])
        if not partitions:
            raise ConfigurationError(f"The broker has no topic {topic}; run liq produce first.")
        ranges = await find_ranges(consumer, partitions, OffsetRange(from_ms=from_ms))
        for place, (start, end) in ranges.items():
            consumer.assign([place])
            consumer.seek(place, start)
            async for record in read_to_ends(consumer, {place: end}):
                if record.value is not None:
                    feed = text_header(record.headers, FEED)
                    yield RawFrame(feed, received_at_ns(record) // MILLISECOND_NS, record.value)
    except KafkaError as error:
        raise why_failed(settings, error) from error
    finally:
        await stop_consumer(consumer)


def frames_of_files(paths: Iterable[Path], exchange: str) -> Iterator[RawFrame]:
    """Yield the frames of an exchange in captures, plain or gzip.

    Raises:
        ConfigurationError: a file cannot be read, or a line of it is no capture line.
    """
    for path in paths:
        opened = gzip.open if path.suffix == ".gz" else open
        try:
            with opened(path, "rb") as file:
                for number, text in enumerate(file, start=1):
                    line = _capture_line(path, number, text)
                    if line.exchange == exchange:
                        received_ms = line.received_at_ns // MILLISECOND_NS
                        yield RawFrame(line.feed, received_ms, line.frame.encode())
        except (OSError, EOFError) as error:
            raise ConfigurationError(f"{path} cannot be read ({error}).") from error


def _capture_line(path: Path, number: int, text: bytes) -> CaptureLine:
    try:
        return parse_capture_line(text)
    except DecodeError as error:
        raise ConfigurationError(f"{path}, line {number}: {error}") from error
