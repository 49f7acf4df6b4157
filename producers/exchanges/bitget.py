"""Bitget v3 (unified account): `liquidation` by product type.

Source: bitget.com, *UTA WebSocket: liquidation channel*, 2026; the v2 interface has none. A text
`ping` is due every 30 seconds.
"""

from typing import Any, Final

from producers.feed import CONTROL, DATA, Feed, Heartbeat, Received, compact


def subscribe(names: tuple[str, ...], _number: int) -> str:
    """One request; each argument is acknowledged by itself."""
    return compact(
        {
            "op": "subscribe",
            "args": [{"instType": name, "topic": "liquidation"} for name in names],
        }
    )


def read(message: Any) -> Received:
    """Everything with an `event` is control."""
    if type(message) is not dict or "event" not in message:
        return DATA
    argument = message.get("arg")
    name = argument.get("instType") if isinstance(argument, dict) else None
    names = (name,) if isinstance(name, str) else ()
    if message["event"] == "subscribe":
        return Received(acknowledged=names)
    if message["event"] == "error":
        return Received(refused=names, refusal=f"{message.get('code')}: {message.get('msg')}")
    return CONTROL


def symbol_of(message: Any) -> Any:
    """The symbol of the first row."""
    return message["data"][0]["symbol"]


FEEDS: Final = (
    Feed(
        exchange="bitget",
        name="liquidation",
        address_setting="BITGET_WS_URL",
        address="wss://ws.bitget.com/v3/ws/public",
        names=("usdt-futures", "usdc-futures", "coin-futures"),
        subscribe=subscribe,
        read=read,
        symbol_of=symbol_of,
        heartbeat=Heartbeat(text="ping"),
        texts={b"pong": CONTROL},
        silence_seconds=900,
    ),
)
