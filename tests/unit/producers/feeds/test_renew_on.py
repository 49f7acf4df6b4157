"""Messages by which venues announce that they will close a connection."""

import json

import pytest

from liq.devstack.exchange.dialect import Dialect
from liq.devstack.exchange.registry import DIALECTS
from liq.producers.feeds import CONTROL
from liq.producers.feeds.registry import ALL_FEEDS

FEEDS = {feed.label: feed for feed in ALL_FEEDS}
ANNOUNCED = (
    ("okx.public", '{"event":"notice","code":"64008","msg":"soon closed","connId":"a4d3ae55"}'),
    ("binance.usdm", '{"e":"serverShutdown","E":1795899999995}'),
    ("binance.coinm", '{"e":"serverShutdown","E":1795899999995}'),
    ("aster.usdm", '{"e":"serverShutdown","E":1795899999995}'),
    ("bitfinex.status", '{"event":"info","code":20051,"msg":"Stopping. Please try to reconnect"}'),
    ("bitfinex.status", '{"event":"info","code":20061,"msg":"Maintenance ended"}'),
    (
        "gate.usdt",
        '{"time":1770694860,"channel":"futures.system","event":"update","result":{"type":"upgrade"}}',
    ),
)
OTHERS = (
    ("okx.public", '{"event":"notice","code":"64000","msg":"something else"}'),
    ("bitfinex.status", '{"event":"info","version":2,"platform":{"status":1}}'),
    ("bitfinex.status", '{"event":"info","code":20060,"msg":"Entering maintenance"}'),
    ("gate.usdt", '{"time":1,"channel":"futures.pong","event":"","result":null}'),
)


@pytest.mark.parametrize(("label", "text"), ANNOUNCED)
def test_an_announced_end_is_control_and_renews(label: str, text: str) -> None:
    feed, message = FEEDS[label], json.loads(text)
    assert feed.read(message) is CONTROL
    assert feed.renew_on(message)


@pytest.mark.parametrize(("label", "text"), OTHERS)
def test_other_control_messages_do_not_renew(label: str, text: str) -> None:
    feed, message = FEEDS[label], json.loads(text)
    assert not feed.read(message).is_data
    assert not feed.renew_on(message)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: f"{each.exchange}.{each.feed}")
def test_nothing_that_is_said_every_day_renews(dialect: Dialect) -> None:
    feed = FEEDS[f"{dialect.exchange}.{dialect.feed}"]
    for message in (*dialect.hello, dialect.client_pong, dialect.server_ping):
        if isinstance(message, dict) and not feed.read(message).is_data:
            assert not feed.renew_on(message)
