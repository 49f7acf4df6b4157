"""`liq export`: a topic's log, or a range of it, as JSON Lines for the offline tools."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated, Any

import typer
from aiokafka import AIOKafkaConsumer, TopicPartition

from liq.cli.clickhouse_errors import clickhouse_errors_as_sentences
from liq.cli.console import exits_on_configuration_error
from liq.cli.detection_order import DetectionOrder, clock_line, event_line
from liq.cli.offset_ranges import OffsetRange, find_ranges, parse_offsets
from liq.runtime.believed_time import bounded_clock_ms
from liq.runtime.kafka import PARTITION_FETCH_BYTES, new_consumer, start_consumer
from liq.runtime.log_reading import read_to_ends
from liq.runtime.partitions import find_partitions
from liq.runtime.record_time import received_at_ns
from liq.runtime.settings import Settings, load_settings
from liq.schemas.capture import CaptureLine
from liq.schemas.codec import encode
from liq.schemas.headers import FEED, RATES, text_header
from liq.schemas.records import Source
from liq.sinks.clickhouse.archive import ArchivedFrame, archived_frames
from liq.sinks.clickhouse.client import connect


@exits_on_configuration_error
@clickhouse_errors_as_sentences()
def export(  # noqa: PLR0913, PLR0917 - the command's options
    topic: Annotated[str, typer.Argument(help="A topic's full name.")],
    partition: Annotated[
        int | None, typer.Option(min=0, help="One partition; all of them by default.")
    ] = None,
    archive: Annotated[
        bool, typer.Option(help="A raw topic's frames from ClickHouse (SINK_RAW_ARCHIVE).")
    ] = False,
    as_detected: Annotated[
        bool,
        typer.Option(
            "--as-detected",
            help="The events topic, its partitions merged in the order in which detection applied "
            "them.",
        ),
    ] = False,
    from_ms: Annotated[
        int | None,
        typer.Option(min=0, help="From this time of the broker on: UTC milliseconds since 1970."),
    ] = None,
    to_ms: Annotated[
        int | None, typer.Option(min=0, help="Up to this time of the broker, itself not included.")
    ] = None,
    from_offsets: Annotated[
        str, typer.Option(help="From these offsets on, as PARTITION:OFFSET with commas.")
    ] = "",
    to_offsets: Annotated[
        str, typer.Option(help="Up to these offsets, themselves not included.")
    ] = "",
) -> None:
    """Write a topic's records on stdout, partition by partition, up to its present end.

    Raw topics give capture lines for `liq replay` and `liq normalize`; the events topic gives
    what `liq detect` reads, heartbeats included; other topics give their records as they are.
    """
    settings = load_settings()
    wanted = OffsetRange(from_ms, to_ms, parse_offsets(from_offsets), parse_offsets(to_offsets))
    if as_detected and topic != settings.topics.events:
        raise typer.BadParameter(
            f"detection reads {settings.topics.events}; leave out --as-detected for {topic}"
        )
    if archive:
        if wanted != OffsetRange():
            raise typer.BadParameter("the archive is exported as a whole; leave out the range")
        _export_archive(settings, topic, partition)
    else:
        asyncio.run(_export(settings, topic, partition, wanted, as_detected=as_detected))


def _export_archive(settings: Settings, topic: str, only: int | None) -> None:
    exchange = settings.topics.raw_exchange(topic)
    if exchange == topic:
        raise typer.BadParameter(f"only raw topics are archived; {topic} is none")
    with closing(connect(settings)) as client:
        for frame in archived_frames(client, topic, only):
            line = _capture_line(exchange, frame)
            sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


async def _export(
    settings: Settings, topic: str, only: int | None, wanted: OffsetRange, *, as_detected: bool
) -> None:
    consumer = new_consumer(settings, max_partition_fetch_bytes=PARTITION_FETCH_BYTES)
    await start_consumer(settings, consumer)
    try:
        partitions = await _wanted_partitions(settings, topic, only)
        ranges = await find_ranges(consumer, partitions, wanted)
        if as_detected:
            await _export_as_detected(consumer, ranges)
        else:
            for place, (start, end) in ranges.items():
                await _export_partition(settings, consumer, place, start, end)
    finally:
        await consumer.stop()
        sys.stdout.buffer.flush()


async def _export_as_detected(
    consumer: AIOKafkaConsumer, ranges: Mapping[TopicPartition, tuple[int, int]]
) -> None:
    consumer.assign(list(ranges))
    for place, (start, _) in ranges.items():
        consumer.seek(place, start)
    order = DetectionOrder(consumer, {place: end for place, (_, end) in ranges.items()})
    async for line in order.lines():
        sys.stdout.buffer.write(line + b"\n")
    if order.left_out:
        typer.echo(f"{order.left_out} records that detection rejects were left out.", err=True)


async def _wanted_partitions(
    settings: Settings, topic: str, only: int | None
) -> list[TopicPartition]:
    partitions = await find_partitions(settings, [topic])
    if not partitions:
        raise typer.BadParameter(f"the broker has no topic {topic}")
    wanted = [each for each in partitions if only is None or each.partition == only]
    if not wanted:
        raise typer.BadParameter(f"{topic} has {len(partitions)} partitions, and none is {only}")
    return wanted


async def _export_partition(
    settings: Settings, consumer: AIOKafkaConsumer, partition: TopicPartition, start: int, end: int
) -> None:
    consumer.assign([partition])
    consumer.seek(partition, start)
    async for record in read_to_ends(consumer, {partition: end}):
        line = _line(settings, record)
        if line is not None:
            sys.stdout.buffer.write(line + b"\n")


def _line(settings: Settings, record: Any) -> bytes | None:
    if record.value is None:
        clock_ms = bounded_clock_ms(record)
        return None if clock_ms is None else clock_line(clock_ms)
    exchange = settings.topics.raw_exchange(record.topic)
    if record.topic == settings.topics.events:
        return event_line(bytes(record.value), record)
    if exchange == record.topic:
        return bytes(record.value)
    return _capture_line(
        exchange,
        ArchivedFrame(
            received_at_ns=received_at_ns(record),
            feed=text_header(record.headers, FEED),
            frame=record.value,
            source=Source(record.topic, record.partition, record.offset),
            rates=text_header(record.headers, RATES),
        ),
    )


def _capture_line(exchange: str, frame: ArchivedFrame) -> bytes:
    return encode(
        CaptureLine(
            received_at_ns=frame.received_at_ns,
            exchange=exchange,
            feed=frame.feed,
            frame=frame.frame.decode("utf-8", errors="replace"),
            source=frame.source,
            rates=frame.rates,
        )
    )
