"""Raw frames back out of ClickHouse, for a replay when Kafka has forgotten them."""

from collections.abc import Iterator
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from liq.schemas.records import Source
from liq.sinks.clickhouse.tables import RAW_FRAMES


@dataclass(frozen=True, slots=True)
class ArchivedFrame:
    """A frame's exact bytes, when it was received (UTC, nanoseconds), and where it was in Kafka.

    `rates` is the text of the rates that it came with, empty for none.
    """

    received_at_ns: int
    feed: str
    frame: bytes
    source: Source
    rates: str = ""


def archived_frames(client: Client, topic: str, partition: int | None) -> Iterator[ArchivedFrame]:
    """The frames of a raw topic, partition by partition, in the order in which they were received.

    Raises:
        clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
    """
    place = "" if partition is None else "AND src_partition = {partition:UInt16} "
    rows = client.query_rows_stream(
        "SELECT toUnixTimestamp64Nano(received_at), feed, frame, rates, src_partition, src_offset "  # noqa: S608 - our own names
        f"FROM {RAW_FRAMES.name} FINAL WHERE src_topic = {{topic:String}} {place}"
        # The order of the key, so that nothing has to be sorted.
        "ORDER BY src_topic, src_partition, received_at, src_offset",
        parameters={"topic": topic, "partition": partition},
        column_formats={"frame": "bytes"},
    )
    with rows as stream:
        for received_at_ns, feed, frame, rates, found_partition, offset in stream:
            source = Source(topic, found_partition, offset)
            yield ArchivedFrame(received_at_ns, feed, frame, source, rates)
