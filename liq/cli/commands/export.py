"""`liq export`: a topic's log as JSON Lines, for the offline tools."""

import asyncio
import sys
from contextlib import closing
from typing import Annotated, Any

import orjson
import typer
from aiokafka import TopicPartition

from liq.cli.clickhouse_errors import clickhouse_errors_as_sentences
from liq.cli.console import exits_on_configuration_error
from liq.runtime.kafka import assign_from_beginning, new_consumer, start_consumer
from liq.runtime.log_reading import read_to_ends
from liq.runtime.partitions import find_partitions
from liq.runtime.record_time import received_at_ns
from liq.runtime.settings import Settings, load_settings
from liq.schemas.capture import CaptureLine
from liq.schemas.codec import encode
from liq.schemas.headers import CLOCK_MS, FEED, RATES, clock_header, text_header
from liq.schemas.records import Source
from liq.sinks.clickhouse.archive import ArchivedFrame, archived_frames
from liq.sinks.clickhouse.client import connect


@exits_on_configuration_error
@clickhouse_errors_as_sentences()
def export(
    topic: Annotated[str, typer.Argument(help="A topic's full name.")],
    partition: Annotated[
        int | None, typer.Option(min=0, help="One partition; all of them by default.")
    ] = None,
    archive: Annotated[
        bool, typer.Option(help="A raw topic's frames from ClickHouse (SINK_RAW_ARCHIVE).")
    ] = False,
) -> None:
    """Write a topic's records on stdout, partition by partition, up to its present end.

    Raw topics give capture lines for `liq replay` and `liq normalize`; the events topic gives
    what `liq detect` reads, heartbeats included; other topics give their records as they are.
    """
    settings = load_settings()
    if archive:
        _export_archive(settings, topic, partition)
    else:
        asyncio.run(_export(settings, topic, partition))


def _export_archive(settings: Settings, topic: str, only: int | None) -> None:
    exchange = settings.topics.raw_exchange(topic)
    if exchange == topic:
        raise typer.BadParameter(f"only raw topics are archived; {topic} is none")
    with closing(connect(settings)) as client:
        for frame in archived_frames(client, topic, only):
            line = _capture_line(exchange, frame)
            sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


async def _export(settings: Settings, topic: str, only: int | None) -> None:
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    try:
        for partition in await _wanted_partitions(settings, topic, only):
            await _export_partition(settings, consumer, partition)
    finally:
        await consumer.stop()
        sys.stdout.buffer.flush()


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


async def _export_partition(settings: Settings, consumer: Any, partition: TopicPartition) -> None:
    end = await assign_from_beginning(consumer, partition)
    async for record in read_to_ends(consumer, {partition: end}):
        line = _line(settings, record)
        if line is not None:
            sys.stdout.buffer.write(line + b"\n")


def _line(settings: Settings, record: Any) -> bytes | None:
    if record.value is None:
        clock_ms = clock_header(record.headers)
        return None if clock_ms is None else orjson.dumps({CLOCK_MS: clock_ms})
    exchange = settings.topics.raw_exchange(record.topic)
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
