"""`liq export`: a topic's log, or a range of it, as JSON Lines for the offline tools."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from liq.cli.clickhouse_errors import clickhouse_errors_as_sentences
from liq.cli.console import exits_on_configuration_error
from liq.cli.detection_order import DetectionOrder, clock_line, event_line
from liq.cli.offset_ranges import OffsetRange, find_ranges, parse_offsets
from liq.cli.parquet_export import export_parquet
from liq.runtime.believed_time import bounded_clock_ms
from liq.runtime.kafka import PARTITION_FETCH_BYTES, new_consumer, start_consumer, stop_consumer
from liq.runtime.kafka_refusal import why_failed
from liq.runtime.log_reading import read_to_ends
from liq.runtime.logs import configure_logging
from liq.runtime.partitions import find_partitions
from liq.runtime.record_time import received_at_ns
from liq.runtime.settings import Settings, load_settings
from liq.schemas.capture import CaptureLine
from liq.schemas.codec import encode
from liq.schemas.headers import FEED, RATES, SUBJECT, blind_header, text_header
from liq.schemas.records import Source
from liq.schemas.units import SECOND_MS
from liq.sinks.clickhouse.archive import ArchivedFrame, archived_frames
from liq.sinks.clickhouse.client import connect

#: The formats of times (UTC).
TIMES: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]


class FileFormat(StrEnum):
    """The format of an export."""

    JSONL = "jsonl"
    PARQUET = "parquet"


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
    file_format: Annotated[
        FileFormat,
        typer.Option("--format", help="jsonl, of Kafka; parquet, files of what ClickHouse holds."),
    ] = FileFormat.JSONL,
    since: Annotated[
        datetime | None,
        typer.Option(
            help="From this UTC time of the broker on, as --from-ms; with parquet, the first day.",
            formats=TIMES,
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            help="Up to this UTC time, itself not included; with parquet, a day.",
            formats=TIMES,
        ),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--to", help="Parquet: the folder to write to.")
    ] = None,
) -> None:
    """Write a topic's records to stdout, partition by partition, up to its present end.

    With `--format parquet`, write the rows in ClickHouse of the events, cascades, feeds or rejected
    topic instead, every record once, to FOLDER/TABLE/date=DAY/TABLE.parquet.

    Raw topics give capture lines for `liq replay` and `liq normalize`. The events topic gives the
    input of `liq detect`, with heartbeats. Other topics give their records unchanged.
    """
    settings = load_settings()
    # Log lines about unreadable records must not mix with the exported records.
    configure_logging(settings, worker="export")
    wanted = OffsetRange(from_ms, to_ms, parse_offsets(from_offsets), parse_offsets(to_offsets))
    if file_format is FileFormat.PARQUET:
        if wanted != OffsetRange() or archive or as_detected or partition is not None:
            raise typer.BadParameter("Parquet files take --since, --until and --to only")
        export_parquet(
            settings,
            topic,
            since=None if since is None else since.date(),
            until=None if until is None else until.date(),
            directory=directory or Path(),
        )
        return
    if directory:
        raise typer.BadParameter("--to goes with --format parquet")
    wanted = _with_times(wanted, since, until)
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


def _with_times(wanted: OffsetRange, since: datetime | None, until: datetime | None) -> OffsetRange:
    if (since and wanted.from_ms is not None) or (until and wanted.to_ms is not None):
        raise typer.BadParameter("give a time once: --since or --from-ms, --until or --to-ms")
    return replace(
        wanted,
        from_ms=_milliseconds(since) if since else wanted.from_ms,
        to_ms=_milliseconds(until) if until else wanted.to_ms,
    )


def _milliseconds(time: datetime) -> int:
    return int(time.replace(tzinfo=UTC).timestamp()) * SECOND_MS


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
    try:
        await start_consumer(settings, consumer)
        partitions = await _wanted_partitions(settings, topic, only)
        ranges = await find_ranges(consumer, partitions, wanted)
        if as_detected:
            await _export_as_detected(consumer, ranges)
        else:
            for place, (start, end) in ranges.items():
                await _export_partition(settings, consumer, place, start, end)
    except KafkaError as error:
        raise why_failed(settings, error) from error
    finally:
        await stop_consumer(consumer)
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
    exchange = settings.topics.raw_exchange(record.topic)
    if record.value is None:
        # Heartbeats of raw topics are not capture lines, even with a clock.
        clock_ms = bounded_clock_ms(record) if exchange == record.topic else None
        return None if clock_ms is None else clock_line(clock_ms, blind_header(record.headers))
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
            subject=text_header(record.headers, SUBJECT),
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
            subject=frame.subject,
        )
    )
