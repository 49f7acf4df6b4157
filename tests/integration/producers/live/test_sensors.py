"""Sensors are selected from the tape's makers and exchanged over the open connection."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from liq.devstack.exchange.registry import dialect
from liq.devstack.exchange.server import LocalExchange
from liq.producers.feeds.venues.hyperliquid import LIQUIDATOR_VAULTS
from liq.schemas.vocabulary import FeedEvent
from tests.integration.producers.live.conftest import OpenExchange, StartThread, WaitUntil
from tests.support.feed_log import FeedLog
from tests.support.info_server import InfoServer
from tests.support.live_producer import FAST, target
from tests.support.sensor_trades import Trade, account, public_trades, user_fills

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

QUICK = replace(FAST, sensors=0.05, sensor_dwell=0.0)
GOOD, BETTER = 5, 6


@pytest.fixture
def info() -> Iterator[InfoServer]:
    with InfoServer({"": ["BTC"], "xyz": ["xyz:CRWV"]}) as server:
        yield server


@pytest.fixture
def tape() -> Iterator[LocalExchange]:
    spoken = replace(dialect("hyperliquid", "userFills"), feed="tape", subscribes="xyz:CRWV")
    with LocalExchange(replace(spoken, environment={})) as exchange:
        yield exchange


def hits(maker: int, count: int) -> list[Any]:
    return [
        Trade(number, "BTC", 1, maker, "A", 100 * maker + number).fill(of_taker=False)
        for number in range(count)
    ]


def users(exchange: LocalExchange) -> list[set[str]]:
    """Return the accounts that the client followed, after each of its requests."""
    found: list[set[str]] = [set()]
    for message in exchange.received:
        if message.get("method") in {"subscribe", "unsubscribe"}:
            user = {message["subscription"]["user"]}
            now = found[-1]
            found.append(now | user if message["method"] == "subscribe" else now - user)
    return found


def test_sensors_are_selected_and_exchanged_without_a_gap_and_the_vaults_stay(  # noqa: PLR0913, PLR0917 - both feeds, and the info endpoint
    open_exchange: OpenExchange,
    tape: LocalExchange,
    info: InfoServer,
    start_thread: StartThread,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    fills = open_exchange("hyperliquid", "userFills")
    vaults = set(LIQUIDATOR_VAULTS)
    info.fills[account(GOOD)] = hits(GOOD, 3)
    info.fills[account(BETTER)] = hits(BETTER, 50)
    info.failing.add(account(7))
    start_thread(
        target(fills, {"HYPERLIQUID_SENSORS": "1"}),
        target(tape, {"HYPERLIQUID_INFO_URL": info.address}),
        timing=QUICK,
    )
    # The listing names the coins of every exchange, and leaves out the delisted ones.
    wait_until(lambda: tape.subscribers == 1 and fills.subscribers == 1)
    coins = {m["subscription"]["coin"] for m in tape.received if m.get("method") == "subscribe"}
    assert coins == {"BTC", "xyz:CRWV"}

    for maker in (GOOD, 7):
        tape.publish(public_trades([Trade(1, "BTC", 1, maker, "A", 7)]).decode()).result(60)
    wait_until(lambda: users(fills)[-1] == vaults | {account(GOOD)})
    # A hit of the sensor, and a larger maker that proves more.
    hit = Trade(1, "BTC", 1, GOOD, "A", 9)
    fills.publish(user_fills(GOOD, [hit.fill(of_taker=False)]).decode()).result(60)
    tape.publish(public_trades([Trade(1, "BTC", 1, BETTER, "A", 8)]).decode()).result(60)
    wait_until(lambda: users(fills)[-1] == vaults | {account(BETTER)})
    wait_until(lambda: log.has(FeedEvent.CONNECTED, f"{account(BETTER)} instead of"))

    after_start = users(fills)[len(vaults) :]
    assert all(vaults <= followed for followed in after_start)
    assert max(map(len, after_start)) == len(vaults) + 1
    # One connection, and no gap: nothing that was followed throughout was interrupted.
    assert fills.opened == 1
    assert set(log.events("hyperliquid", "userFills")) == {FeedEvent.CONNECTED}
    assert orjson.dumps(account(GOOD)) in b"".join(log.frames("hyperliquid", "userFills"))
    fills.cut()
    wait_until(lambda: fills.opened == 2 and users(fills)[-1] == vaults | {account(BETTER)})


def test_a_sensor_that_the_venue_refuses_leaves_its_place_to_another(  # noqa: PLR0913, PLR0917 - both feeds, and the info endpoint
    open_exchange: OpenExchange,
    tape: LocalExchange,
    info: InfoServer,
    start_thread: StartThread,
    log: FeedLog,
    wait_until: WaitUntil,
) -> None:
    fills = open_exchange("hyperliquid", "userFills")
    fills.refused = frozenset({account(BETTER)})
    info.fills[account(GOOD)] = hits(GOOD, 3)
    info.fills[account(BETTER)] = hits(BETTER, 50)
    start_thread(
        target(fills, {"HYPERLIQUID_SENSORS": "1"}),
        target(tape, {"HYPERLIQUID_INFO_URL": info.address, "HYPERLIQUID_TAPE_COINS": "xyz:CRWV"}),
        timing=QUICK,
    )
    wait_until(lambda: tape.subscribers == 1 and fills.subscribers == 1)
    both = [Trade(1, "BTC", 1, GOOD, "A", 7), Trade(2, "BTC", 1, BETTER, "A", 8)]
    tape.publish(public_trades(both).decode()).result(60)
    wait_until(lambda: log.has(FeedEvent.CONNECTED, f"no longer follows {account(BETTER)}"))
    wait_until(lambda: log.has(FeedEvent.CONNECTED, f"follows {account(GOOD)}"))
    assert fills.opened == 1
