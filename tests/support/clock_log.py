"""A burst of liquidations, written by producers with different clocks, and its alerts.

Everything runs in memory: raw records pass the normalizing stage, its output passes the detecting
stage. Append times are correct, whatever the producers' clocks are.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from liq.processors.cascades import DetectorConfig, PartitionDetector
from liq.processors.normalizers import InstrumentBook
from liq.processors.stages.detect import DetectStage
from liq.processors.stages.hooks import BatchResult, OwnedPartition
from liq.processors.stages.normalize import NormalizeStage
from liq.processors.stages.output import Output
from liq.processors.stages.owned import Group
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings
from liq.schemas.codec import decode
from liq.schemas.headers import HEARTBEAT_FEED, HEARTBEAT_KEY, RECEIVED_AT_NS, FrameHeaders
from liq.schemas.records import CascadeAlert, FeedStatus
from liq.schemas.units import MILLISECOND_NS, SECOND_MS

START_MS = 1_783_000_000_000
BURST_MS = START_MS + 20_000
END_MS = START_MS + 300_000
HOUR_MS = 3_600_000
CALM_EVENTS = 12
SETTINGS = Settings()
TOPICS = SETTINGS.topics
RAW = TOPICS.raw("bybit")


@dataclass(frozen=True, slots=True)
class Producer:
    """A producer whose clock is `ahead_ms` of the broker's, with a latency of `delay_ms`."""

    name: str = "a"
    ahead_ms: int = 0
    delay_ms: int = 20


@dataclass
class KeptOutput:
    """An output that keeps the records of a stage; the events topic has one partition."""

    records: list[OutputRecord] = field(default_factory=list)

    async def send(self, records: list[OutputRecord]) -> "asyncio.Future[Any]":
        """Keep the records; they are acknowledged at once."""
        self.records += records
        return asyncio.gather()

    async def partitions(self, _topic: str) -> list[int]:
        """Return the only partition."""
        return [0]


def frame(producer: Producer, at_ms: int, *, venue_ms: int | None = None, number: int = 0) -> Any:
    """Return the raw record of a liquidation at a true time; `venue_ms` is the venue's time."""
    venue_ms = at_ms if venue_ms is None else venue_ms
    quantity = b"0.%02d" % (number + 1) if number < CALM_EVENTS else b"%d" % number
    value = (
        b'{"topic":"allLiquidation.ETHUSDT","type":"snapshot","ts":%d,"data":[{"T":%d,'
        b'"s":"ETHUSDT","S":"Buy","v":"%b","p":"2000"}]}' % (venue_ms, venue_ms, quantity)
    )
    return _record(producer, at_ms, "linear", b"ETHUSDT", value)


def heartbeat(producer: Producer, at_ms: int) -> Any:
    """Return the raw record of a heartbeat."""
    return _record(producer, at_ms, HEARTBEAT_FEED, HEARTBEAT_KEY, None)


def stamped(record: Any, text: bytes) -> Any:
    """Return a record with another text as its time of receipt."""
    headers = [(name, text if name == RECEIVED_AT_NS else old) for name, old in record.headers]
    return SimpleNamespace(**{**vars(record), "headers": headers})


def burst(producer: Producer, *, venue_ahead_ms: int = 0) -> list[Any]:
    """Return five minutes of heartbeats and small events, with sixty liquidations in 40 s."""
    records = [heartbeat(producer, at_ms) for at_ms in range(START_MS, END_MS, SECOND_MS)]
    times_ms = [START_MS + number * 1_500 for number in range(CALM_EVENTS)]
    times_ms += [BURST_MS + number * 650 for number in range(60)]
    records += [
        frame(producer, at_ms, venue_ms=at_ms + venue_ahead_ms, number=number)
        for number, at_ms in enumerate(times_ms)
    ]
    return in_order(records)


def in_order(records: Iterable[Any]) -> list[Any]:
    """Return records in the order of their append."""
    return sorted(records, key=lambda record: record.timestamp)


def normalized(records: Sequence[Any], *, has_append_time: bool = True) -> list[Any]:
    """Return the normalizing stage's output for raw records, as a log with one partition."""
    output = KeptOutput()
    stage = NormalizeStage(SETTINGS, cast("Output", output), InstrumentBook([]))
    made: list[Any] = []

    async def run() -> None:
        for offset, record in enumerate(records):
            output.records = []
            record.offset = offset
            await (await stage.handle([record]))
            made.extend(
                SimpleNamespace(
                    topic=each.topic,
                    partition=0,
                    offset=len(made) + place,
                    key=each.key,
                    value=each.value,
                    headers=each.headers,
                    timestamp=record.timestamp + 10 if has_append_time else -1,
                )
                for place, each in enumerate(output.records)
            )

    asyncio.run(run())
    return made


def detected(records: Sequence[Any]) -> BatchResult:
    """Return the detecting stage's result for the events among records."""
    stage = DetectStage(SETTINGS, cast("Output", None), cast("Group", None))
    owned = OwnedPartition(0, 1, PartitionDetector(DetectorConfig()))
    return stage._apply(owned, [each for each in records if each.topic == TOPICS.events])


def alerts(records: Sequence[Any]) -> list[CascadeAlert]:
    """Return the alerts of both stages for raw records."""
    return alerts_of(detected(normalized(records)))


def alerts_of(result: BatchResult) -> list[CascadeAlert]:
    """Return the alerts on the topic of cascades."""
    return [
        decode(CascadeAlert, record.value or b"")
        for record in result.records
        if record.topic == TOPICS.cascades
    ]


def statuses(records: Iterable[Any]) -> list[FeedStatus]:
    """Return the feed records among records."""
    return [decode(FeedStatus, record.value) for record in records if record.topic == TOPICS.feeds]


def _record(producer: Producer, at_ms: int, feed: str, key: bytes, value: bytes | None) -> Any:
    received_ns = (at_ms + producer.ahead_ms) * MILLISECOND_NS
    return SimpleNamespace(
        topic=RAW,
        partition=0,
        offset=0,
        key=key,
        value=value,
        headers=FrameHeaders("bybit", feed, received_ns, producer.name, 0).encode(),
        timestamp=at_ms + producer.delay_ms,
        timestamp_type=1,
    )
