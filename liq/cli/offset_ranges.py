"""A range of a topic's log, between the broker's times or between offsets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import typer
from aiokafka import AIOKafkaConsumer, TopicPartition


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """The range to read of a topic; without bounds, the whole topic.

    Times are the timestamps of records in Kafka (UTC, ms), on the events topic the append times.
    Offsets are by number of the partition. Ends are exclusive. With both a time and an offset, the
    narrower bound applies.
    """

    from_ms: int | None = None
    to_ms: int | None = None
    from_offsets: Mapping[int, int] = field(default_factory=dict)
    to_offsets: Mapping[int, int] = field(default_factory=dict)


def parse_offsets(text: str) -> dict[int, int]:
    """Parse `PARTITION:OFFSET` with commas; empty text gives no offsets.

    Raises:
        typer.BadParameter: the text has another form.
    """
    found: dict[int, int] = {}
    for part in filter(None, text.split(",")):
        partition, _, offset = part.partition(":")
        if not (_is_number(partition) and _is_number(offset)):
            raise typer.BadParameter(f"{part!r} is not PARTITION:OFFSET, such as 0:1200,1:980")
        found[int(partition)] = int(offset)
    return found


async def find_ranges(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], wanted: OffsetRange
) -> dict[TopicPartition, tuple[int, int]]:
    """Return the first and the end offset of each partition.

    Raises:
        typer.BadParameter: an offset names a partition that is not exported.
        KafkaError: the brokers do not answer.
    """
    unknown = {*wanted.from_offsets, *wanted.to_offsets} - {each.partition for each in partitions}
    if unknown:
        raise typer.BadParameter(f"partition {min(unknown)} is not among those to export")
    starts = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    since, until = starts, ends
    if wanted.from_ms is not None:
        since = await _offsets_at(consumer, wanted.from_ms, ends)
    if wanted.to_ms is not None:
        until = await _offsets_at(consumer, wanted.to_ms, ends)
    ranges = {}
    for place in partitions:
        start = max(since[place], starts[place], wanted.from_offsets.get(place.partition, 0))
        end = min(until[place], wanted.to_offsets.get(place.partition, ends[place]))
        ranges[place] = start, max(start, end)
    return ranges


async def _offsets_at(
    consumer: AIOKafkaConsumer, at_ms: int, ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Return the first offset of each partition at or after a time; its end without such one."""
    found = await consumer.offsets_for_times(dict.fromkeys(ends, at_ms))
    return {
        place: end if found[place] is None else min(end, found[place].offset)
        for place, end in ends.items()
    }


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
