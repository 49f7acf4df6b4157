"""Reading of archived raw frames, for a replay after Kafka has deleted them."""

from collections.abc import Iterator
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from liq.schemas.records import Source
from liq.sinks.clickhouse.tables import RAW_FRAMES


@dataclass(frozen=True, slots=True)
class ArchivedFrame:
    """A frame's exact bytes, its time of receipt (UTC, nanoseconds), and its position in Kafka.

    `rates` is the text of the rates in its header, empty if there are no rates. `subject` is the
    subject of a history request, empty for other frames.
    """

    received_at_ns: int
    feed: str
    frame: bytes
    source: Source
    rates: str = ""
    subject: str = ""


def archived_frames(client: Client, topic: str, partition: int | None) -> Iterator[ArchivedFrame]:
    """Yield the frames of a raw topic, partition by partition, by time of receipt.

    Raises:
        clickhouse_connect.driver.exceptions.Error: ClickHouse did not answer.
    """
    place = "" if partition is None else "AND src_partition = {partition:UInt16} "
    rows = client.query_rows_stream(
        "SELECT toUnixTimestamp64Nano(received_at), feed, frame, rates, subject, src_partition, "  # noqa: S608 - our own names
        "src_offset "
        f"FROM {RAW_FRAMES.name} FINAL WHERE src_topic = {{topic:String}} {place}"
        # The order of the table's key, so that ClickHouse need not sort.
        "ORDER BY src_topic, src_partition, received_at, src_offset",
        parameters={"topic": topic, "partition": partition},
        column_formats={"frame": "bytes"},
    )
    with rows as stream:
        for received_at_ns, feed, frame, rates, subject, found_partition, offset in stream:
            source = Source(topic, found_partition, offset)
            yield ArchivedFrame(received_at_ns, feed, frame, source, rates, subject)
