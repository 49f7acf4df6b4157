"""What the normalizing stage puts on public topics has the headers of its record."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from liq.processors.normalizers import InstrumentBook
from liq.processors.stages.normalize import NormalizeStage
from liq.processors.stages.output import Output
from liq.processors.stages.unread import LEAST_FRAMES, UNREAD_MS
from liq.runtime.sending import OutputRecord
from liq.runtime.settings import Settings, load_settings
from liq.schemas.cloud_events import feed_headers, liquidation_headers
from liq.schemas.codec import decode
from liq.schemas.headers import FrameHeaders
from liq.schemas.records import FeedStatus, Liquidation
from liq.schemas.vocabulary import Arrival

RECEIVED_AT_NS = 1_784_000_000_500_000_000
LARGE = (
    b'{"e":"forceOrder","E":1784000000000,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC",'
    b'"q":"100","p":"60000","ap":"60000","X":"FILLED","l":"100","z":"100","T":1784000000000}}'
)


@pytest.fixture
def settings() -> Settings:
    return load_settings(topic_namespace="t", institutional_threshold_usd=1_000_000)


@pytest.fixture
def stage(settings: Settings) -> NormalizeStage:
    return NormalizeStage(settings, cast("Output", None), InstrumentBook([]))


def records_of(
    stage: NormalizeStage,
    frame: bytes,
    received_at_ns: int,
    headers: FrameHeaders | None = None,
) -> list[OutputRecord]:
    headers = headers or FrameHeaders("binance", "usdm", received_at_ns, "a", 0)
    message: Any = SimpleNamespace(
        topic=f"t.raw.{headers.exchange}",
        partition=0,
        offset=7,
        timestamp=received_at_ns // 1_000_000,
        key=b"BTCUSDT",
        value=frame,
        headers=headers.encode(),
    )
    return stage._normalized(message, None)


def test_an_event_and_its_large_copy_have_the_same_headers(
    settings: Settings, stage: NormalizeStage
) -> None:
    event, large = records_of(stage, LARGE, RECEIVED_AT_NS)
    assert (event.topic, large.topic) == (settings.topics.events, settings.topics.large)
    expected = liquidation_headers(decode(Liquidation, event.value or b""))
    assert list(event.headers) == list(large.headers) == expected


@pytest.mark.parametrize(
    ("feed", "arrival", "topics"),
    [
        ("trades", Arrival.LIVE, ["events", "large"]),
        ("trades-history", Arrival.BACKFILLED, ["events"]),
    ],
)
def test_what_a_history_tells_is_not_announced_as_large(
    stage: NormalizeStage, feed: str, arrival: Arrival, topics: list[str]
) -> None:
    """The market comes from the header `subject`: a history's answer does not name it."""
    trade = (
        b'{"id":"1","side":"SELL","size":"100","price":"60000","type":"LIQUIDATED",'
        b'"createdAt":"2026-07-14T03:33:20.000Z"}'
    )
    frame = b'{"trades":[%b]}' % trade
    if arrival is Arrival.LIVE:
        head = b'{"type":"channel_data","channel":"v4_trades","id":"BTC-USD","contents":'
        frame = head + frame + b"}"
    headers = FrameHeaders("dydx", feed, RECEIVED_AT_NS, "a", 0, subject="BTC-USD")
    found = records_of(stage, frame, RECEIVED_AT_NS, headers)
    assert [record.topic for record in found] == [f"t.{topic}" for topic in topics]
    assert decode(Liquidation, found[0].value or b"").arrival is arrival


def test_the_record_of_an_unread_feed_has_its_headers(
    settings: Settings, stage: NormalizeStage
) -> None:
    step_ns = UNREAD_MS * 1_000_000 // (LEAST_FRAMES - 1)
    sent = [
        record
        for number in range(LEAST_FRAMES + 1)
        for record in records_of(stage, b"{", RECEIVED_AT_NS + number * step_ns)
    ]
    [status] = [record for record in sent if record.topic == settings.topics.feeds]
    value = status.value or b""
    assert list(status.headers) == feed_headers(decode(FeedStatus, value), value)
    assert all(not record.headers for record in sent if record.topic == settings.topics.rejected)
