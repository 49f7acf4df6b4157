"""BitMEX: the `liquidation` table of all symbols.

Source: bitmex.com/app/wsAPI, 2026. After the subscription comes a `partial`: the orders that are
live now, which is forwarded like everything of the table. A text `ping` is answered by `pong`.
"""

from typing import Any, Final

from liq.producers.feeds import CONTROL, DATA, FeedSpec, Heartbeat, Limits, Received, compact


def subscribe(names: tuple[str, ...], _number: int) -> str:
    """Return one request; each table is acknowledged by itself."""
    return compact({"op": "subscribe", "args": list(names)})


def read(message: Any) -> Received:
    """Answers have `success` or `error`; the first message is a welcome with `info`."""
    if type(message) is not dict or "table" in message:
        return DATA
    if message.get("success") is True:
        return Received(acknowledged=(message["subscribe"],))
    if "error" in message:
        return Received(refusal=str(message["error"]))
    return CONTROL if "info" in message else DATA


def symbol_of(message: Any) -> Any:
    """Return the symbol of the first row."""
    return message["data"][0]["symbol"]


FEEDS: Final = (
    FeedSpec(
        exchange="bitmex",
        name="liquidation",
        subscribes_to="the `liquidation` table of all symbols",
        address_setting="BITMEX_WS_URL",
        address="wss://ws.bitmex.com/realtime",
        names=("liquidation",),
        subscribe=subscribe,
        read=read,
        symbol_of=symbol_of,
        heartbeat=Heartbeat(text="ping", every_seconds=5),
        texts={b"pong": CONTROL},
        silence_seconds=7_200,
        needs_rates=("BTC", "ETH", "EUR"),
        limits=Limits(
            source="blog.bitmex.com, updates to rate limits: 60 new connections an hour; by other "
            "announcements public tables do not count as requests",
            as_of="2026-10-01",
            connections_per_hour=60,
        ),
    ),
)
