"""Bitfinex: the status channel `liq:global`.

Source: docs.bitfinex.com, *WebSocket general* and *status*, 2026. Data are arrays that begin with
a number of the channel, which only this connection's subscription explains; there is one channel
a connection. The server sends `[channel, "hb"]` every 15 seconds; with configuration flags a
sequence number and a time follow in every message. Info messages announce a restart (code 20051:
reconnect) and the end of a maintenance (20061: subscribe again).
"""

from typing import Any, Final

from liq.producers.feeds import CONTROL, DATA, FeedSpec, Limits, Received, per_name

RECONNECT_CODES: Final = frozenset({20051, 20061})
CONTENT: Final = 1


def read(message: Any) -> Received:
    """Objects with an `event` are control, arrays data unless they are heartbeats."""
    if type(message) is dict and "event" in message:
        if message["event"] == "subscribed":
            return Received(acknowledged=(message["key"],))
        if message["event"] == "error":
            return Received(refusal=f"{message.get('code')}: {message.get('msg')}")
        return CONTROL
    if type(message) is list and message[CONTENT:] and message[CONTENT] in ("hb", "cs"):
        return CONTROL
    return DATA


def announces_end(message: Any) -> bool:
    """Recognize the info messages after which a new connection is due."""
    if type(message) is not dict or message.get("event") != "info":
        return False
    return message.get("code") in RECONNECT_CODES


def symbol_of(message: Any) -> Any:
    """Return the symbol of the first row."""
    return message[1][0][4]


FEEDS: Final = (
    FeedSpec(
        exchange="bitfinex",
        name="status",
        subscribes_to="`liq:global` of the status channel",
        address_setting="BITFINEX_WS_URL",
        address="wss://api-pub.bitfinex.com/ws/2",
        names=("liq:global",),
        names_per_request=1,
        subscribe=per_name(lambda key: {"event": "subscribe", "channel": "status", "key": key}),
        read=read,
        symbol_of=symbol_of,
        silence_seconds=7_200,
        needs_rates=("BTC", "ETH", "EUR"),
        limits=Limits(
            source="docs.bitfinex.com, websocket public channels: 25 channels a connection, 20 "
            "connections a minute",
            as_of="2026-10-01",
            subscriptions_per_connection=25,
            connections_per_minute=20,
        ),
        renew_on=announces_end,
    ),
)
