"""Gate: `futures.public_liquidates` of all contracts, one address a settlement currency.

Source: gate.com futures WebSocket v4 documentation, 2026, and frames recorded on 2026-08-11, whose
`result` is one order where the documentation has an array. `futures.liquidates` is the private
channel of an account. The header asks for sizes as decimal strings. `futures.system` announces a
service upgrade before which the connection is closed (announcement 49851, 2026-02-12).
"""

import time
from typing import Any, Final

from liq.producers.feeds import (
    CONTROL,
    DATA,
    FeedSpec,
    Heartbeat,
    Limits,
    Received,
    compact,
    request,
)

CHANNEL: Final = "futures.public_liquidates"
SYSTEM: Final = "futures.system"
LIMITS: Final = Limits(
    source="a maintainer's answer, gateio/gatews issue 25 of 2022-02: no limit of subscriptions "
    "and messages, 100 connections an address at most are recommended; no newer figure found",
    as_of="2022-02-23",
    connections_per_address=100,
)
PING: Final = Heartbeat(
    text=lambda now: compact({"time": now, "channel": "futures.ping"}), every_seconds=10
)


def subscribe(names: tuple[str, ...], number: int) -> str:
    """Return one request, answered by its number."""
    return compact(
        {
            "time": int(time.time()),
            "id": number,
            "channel": CHANNEL,
            "event": "subscribe",
            "payload": list(names),
        }
    )


def read(message: Any) -> Received:
    """Classify a message: answers have the event `subscribe`; data the event `update`."""
    if type(message) is not dict:
        return DATA
    if message.get("channel") in {"futures.pong", SYSTEM}:
        return CONTROL
    if message.get("event") != "subscribe":
        return DATA
    token = (request(message["id"]),) if "id" in message else ()
    if message.get("error"):
        return Received(refused=token, refusal=str(message["error"]))
    return Received(acknowledged=token or ("!all",))


def announces_end(message: Any) -> bool:
    """Recognize the notice of a service upgrade: the venue will close this connection."""
    result = message.get("result")
    is_upgrade = isinstance(result, dict) and result.get("type") == "upgrade"
    return message.get("channel") == SYSTEM and is_upgrade


def symbol_of(message: Any) -> Any:
    """Return the contract of the order, or of the first one."""
    result = message["result"]
    return (result[0] if isinstance(result, list) else result)["contract"]


def sent_at_ms(message: Any) -> Any:
    """Return `time_ms` of the frame, not of its rows."""
    return message["time_ms"]


def _feed(settle: str, silence_seconds: float) -> FeedSpec:
    return FeedSpec(
        exchange="gate",
        name=settle,
        subscribes_to="`futures.public_liquidates` of `!all`",
        address_setting=f"GATE_{settle.upper()}_WS_URL",
        address=f"wss://fx-ws.gateio.ws/v4/ws/{settle}",
        names=("!all",),
        subscribe=subscribe,
        read=read,
        symbol_of=symbol_of,
        sent_at_ms=sent_at_ms,
        heartbeat=PING,
        headers={"X-Gate-Size-Decimal": "1"},
        silence_seconds=silence_seconds,
        needs_rates=("BTC",) if settle == "btc" else (),
        limits=LIMITS,
        renew_on=announces_end,
    )


FEEDS: Final = (_feed("usdt", 900), _feed("btc", 43_200))
