"""A followed account's fill makes events of the liquidation's other trades, in the raw topic."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import orjson
import pytest

from liq.devstack.exchange.registry import dialect
from liq.devstack.exchange.server import LocalExchange
from liq.processors.normalizers import FrameMetadata, InstrumentBook, NormalizerConfig, normalize
from liq.schemas.records import Liquidation
from tests.integration.producers.live.conftest import (
    OpenExchange,
    StartThread,
    WaitUntil,
)
from tests.support.feed_log import FeedLog
from tests.support.live_producer import target
from tests.support.pipeline_log import read_topic
from tests.support.sensor_trades import START_MS, Trade, account, public_trades, user_fills

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
HIT = Trade(1, "BTC", 1, 5, "A", 7)
REST = [Trade(2, "BTC", 1, 6, "A", 7), Trade(3, "BTC", 1, 8, "A", 7)]
OTHER = Trade(4, "BTC", 2, 6, "A", 8)


@pytest.fixture
def tape() -> Iterator[LocalExchange]:
    """The venue as it speaks to who subscribes to trades."""
    spoken = replace(dialect("hyperliquid", "userFills"), feed="tape", subscribes="BTC")
    with LocalExchange(spoken) as exchange:
        yield exchange


def send(exchange: LocalExchange, frame: bytes) -> None:
    exchange.publish(frame.decode()).result(60)


def events_of(feed: str, frame: bytes) -> list[Liquidation]:
    results = normalize(
        frame, FrameMetadata("hyperliquid", feed, START_MS), InstrumentBook(()), CONFIG
    )
    return [result for result in results if isinstance(result, Liquidation)]


def test_trades_of_a_proven_liquidation_are_copied_to_the_raw_topic(
    open_exchange: OpenExchange,
    tape: LocalExchange,
    start_thread: StartThread,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    fills = open_exchange("hyperliquid", "userFills")
    start_thread(fills, target(tape, {"HYPERLIQUID_TAPE_COINS": "BTC"}))
    wait_until(lambda: fills.subscribers == 1 and tape.subscribers == 1)
    send(tape, public_trades([HIT, OTHER, REST[0]]))
    trades = log.settings.topics.tape("hyperliquid")
    wait_until(lambda: sum(map(len, read_topic(log.settings, trades).values())) == 1)
    send(fills, user_fills(5, [HIT.fill(of_taker=False)]))
    wait_until(lambda: len(log.frames("hyperliquid", "joinedTrades")) == 1)
    send(tape, public_trades([REST[1]]))
    wait_until(lambda: len(log.frames("hyperliquid", "joinedTrades")) == 2)
    copied = [orjson.loads(frame) for frame in log.frames("hyperliquid", "joinedTrades")]
    assert [message["trades"] for message in copied] == [[one.public()] for one in REST]
    assert all(message["proof"] == HIT.fill(of_taker=False) for message in copied)
    # Every trade is in the topic that nobody normalizes, and in no other.
    assert log.frames("hyperliquid", "tape") == []
    assert json.dumps(REST[1].public()).encode() in tape.ledger[-1]
    # Byte for byte, so that the raw topic alone gives the events, with the ids of a node's fills.
    assert json.dumps(REST[1].public()).encode() in log.frames("hyperliquid", "joinedTrades")[1]
    replayed = {
        event.event_id
        for feed in ("userFills", "joinedTrades")
        for frame in log.frames("hyperliquid", feed)
        for event in events_of(feed, frame)
    }
    lines = [[account(1), each.fill(of_taker=True)] for each in (HIT, *REST)]
    assert replayed == {
        event.event_id for line in lines for event in events_of("nodeFills", orjson.dumps(line))
    }
