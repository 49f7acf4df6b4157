"""A feed of which every frame is rejected is told once, and again after it was read in between."""

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from liq.processors.normalizers import load_snapshot
from liq.processors.stages.normalize import NormalizeStage
from liq.processors.stages.unread import LEAST_FRAMES, MOST_FEEDS, UNREAD_MS, UnreadFeeds
from liq.runtime.metrics import FEED_UNREAD
from liq.runtime.settings import Settings
from liq.schemas.codec import decode
from liq.schemas.headers import FrameHeaders
from liq.schemas.records import FeedStatus, Rejected
from liq.schemas.units import MILLISECOND_NS
from liq.schemas.vocabulary import FeedEvent, RejectReason
from tests.support.clock_log import KeptOutput

START_MS = 1_784_000_000_000
MINUTE_MS = 60_000


def rejected(reason: RejectReason = RejectReason.MISSING_FIELD) -> Rejected:
    return Rejected(
        reason=reason,
        detail="result is an object, not an array",
        exchange="gate",
        feed="usdt",
        received_at_ms=START_MS,
        payload=b"{}",
    )


def told_at(unread: UnreadFeeds, times_ms: list[int], *results: Rejected) -> list[int]:
    return [
        time_ms
        for time_ms in times_ms
        if unread.note("gate", "usdt", START_MS + time_ms, results) is not None
    ]


def every_minute(count: int, first: int = 0) -> list[int]:
    return [number * MINUTE_MS for number in range(first, first + count)]


def test_ten_minutes_of_rejections_are_told_once() -> None:
    unread = UnreadFeeds("here:normalize")
    assert told_at(unread, every_minute(60), rejected()) == [UNREAD_MS]
    assert unread.is_unread("gate", "usdt")


def test_the_record_says_since_when_how_many_and_the_commonest_reason() -> None:
    unread = UnreadFeeds("here:normalize")
    told_at(unread, every_minute(2), rejected(RejectReason.INVALID_SIDE))
    told_at(unread, every_minute(8, first=2), rejected())
    status = unread.note("gate", "usdt", START_MS + UNREAD_MS, [rejected()])
    assert status is not None
    assert (status.event, status.connection) == (FeedEvent.UNREAD, "here:normalize")
    assert (status.from_ms, status.timestamp_ms) == (START_MS, START_MS + UNREAD_MS)
    assert status.detail == (
        "all of 11 frames are rejected, 9 of them as missing_field; "
        "the latest: result is an object, not an array"
    )


@pytest.mark.parametrize("read", [(), (rejected(RejectReason.NOT_A_LIQUIDATION),)])
def test_a_frame_that_is_read_ends_the_episode(read: tuple[Rejected, ...]) -> None:
    unread = UnreadFeeds("here:normalize")
    assert told_at(unread, every_minute(10), rejected()) == []
    assert unread.note("gate", "usdt", START_MS + 10 * MINUTE_MS, read) is None
    assert told_at(unread, every_minute(60, first=11), rejected()) == [21 * MINUTE_MS]
    unread.note("gate", "usdt", START_MS + 71 * MINUTE_MS, read)
    assert not unread.is_unread("gate", "usdt")
    assert told_at(unread, every_minute(60, first=72), rejected()) == [82 * MINUTE_MS]


def test_few_frames_are_no_proof_however_long_they_take() -> None:
    unread = UnreadFeeds("here:normalize")
    hours = [number * 60 * MINUTE_MS for number in range(LEAST_FRAMES)]
    assert told_at(unread, hours[:-1], rejected()) == []
    assert told_at(unread, hours[-1:], rejected()) == [hours[-1]]


def test_many_frames_in_a_short_time_are_no_proof() -> None:
    unread = UnreadFeeds("here:normalize")
    assert told_at(unread, list(range(0, UNREAD_MS - 1, 1_000)), rejected()) == []


def test_feeds_are_judged_apart() -> None:
    unread = UnreadFeeds("here:normalize")
    for time_ms in every_minute(11):
        unread.note("gate", "btc", START_MS + time_ms, ())
        unread.note("gate", "usdt", START_MS + time_ms, [rejected()])
    assert unread.is_unread("gate", "usdt")
    assert not unread.is_unread("gate", "btc")


def test_made_up_feeds_cost_a_bounded_memory() -> None:
    unread = UnreadFeeds("here:normalize")
    for number in range(MOST_FEEDS + 10):
        unread.note("gate", str(number), START_MS, [rejected()])
    assert len(unread._episodes) == MOST_FEEDS


def test_the_same_log_gives_the_same_record_in_a_new_process() -> None:
    def run() -> list[FeedStatus | None]:
        unread = UnreadFeeds("here:normalize")
        times_ms = every_minute(30)
        return [unread.note("gate", "usdt", START_MS + each, [rejected()]) for each in times_ms]

    assert run() == run()
    assert sum(record is not None for record in run()) == 1


@dataclass
class Message:
    """As much of a Kafka message as the stage reads."""

    value: bytes
    received_at_ms: int
    topic: str = "liquidations.raw.okx"
    partition: int = 0
    offset: int = 0
    timestamp: float = 0.0
    key: bytes = b"okx"

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        time_ns = self.received_at_ms * MILLISECOND_NS
        return FrameHeaders("okx", "public", time_ns, "c", self.offset).encode()


def test_the_stage_publishes_the_record_and_moves_the_metric() -> None:
    output: Any = KeptOutput()
    stage = NormalizeStage(Settings(worker_slot="here"), output, load_snapshot())
    new_dialect = orjson.dumps({"arg": {"channel": "liquidation-orders"}, "rows": [1]})
    messages = [
        Message(new_dialect, START_MS + time_ms, offset=number)
        for number, time_ms in enumerate(every_minute(15))
    ]
    asyncio.run(stage.handle(messages))
    feeds = [record for record in output.records if record.topic == "liquidations.feeds"]
    [status] = [decode(FeedStatus, record.value or b"") for record in feeds]
    assert (status.exchange, status.feed, status.event) == ("okx", "public", FeedEvent.UNREAD)
    assert feeds[0].key == b"okx"
    gauge = FEED_UNREAD.labels("okx", "public")
    assert gauge._value.get() == 1
    pong = Message(b'{"event":"subscribe","arg":{}}', START_MS + 16 * MINUTE_MS)
    asyncio.run(stage.handle([pong]))
    assert gauge._value.get() == 0
