"""A followed account's fill makes events of the liquidation's other trades, in the raw topic."""

import json
from collections.abc import Iterator
from dataclasses import replace

import orjson
import pytest

from liq.devstack.exchange.registry import dialect
from liq.devstack.exchange.server import LocalExchange
from tests.integration.producers.live.conftest import (
    OpenExchange,
    StartProcess,
    StartThread,
    WaitUntil,
)
from tests.support.feed_log import FeedLog
from tests.support.live_producer import target
from tests.support.pipeline_log import read_topic
from tests.support.sensor_trades import Trade, public_trades, user_fills

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

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


def test_what_is_joined_in_one_process_is_not_spread_over_several(
    open_exchange: OpenExchange, start_process: StartProcess
) -> None:
    refused = start_process(
        open_exchange("hyperliquid", "userFills"),
        ends_by_itself=True,
        WORKER_SLOT="produce-0",
        PRODUCE_SHARDS="2",
        HYPERLIQUID_TAPE_COINS="BTC,ETH,SOL,HYPE",
    )
    assert refused.wait() == 78
    assert "HYPERLIQUID_TAPE_COINS" in refused.log
