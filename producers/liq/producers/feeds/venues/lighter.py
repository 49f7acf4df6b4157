"""Lighter: `trade/{market}`, with liquidations in a list of their own.

Source: apidocs.lighter.xyz, *WebSocket* and *orderBooks*, 2026, and recorded messages. Markets are
numbers. The acknowledgement (`subscribed/trade`) carries past trades and is forwarded. Pings are
JSON from the server, `{"type": "ping"}`. Requests name the channel `trade/1`, answers `trade:1`.
Past the limits of messages come the errors 30009 and 30010.
"""

from typing import Any, Final

from liq.producers.feeds import (
    CONTROL,
    DATA,
    FeedSpec,
    Heartbeat,
    Limits,
    LimitScope,
    Received,
    SymbolListing,
    per_name,
)

PONG: Final = '{"type":"pong"}'


def read(message: Any) -> Received:
    """Classify a message: all but errors have a `type`."""
    if type(message) is not dict:
        return DATA
    kind = message.get("type")
    if kind == "ping":
        return Received(replies=(PONG,))
    if kind == "subscribed/trade":
        return Received(is_data=True, acknowledged=(message["channel"].partition(":")[2],))
    if "error" in message:
        return Received(refusal=str(message["error"]))
    return CONTROL if kind in {"connected", "pong"} else DATA


def symbol_of(message: Any) -> Any:
    """Return the channel, which is the market's number."""
    return message["channel"].partition(":")[2]


def parse_symbols(document: Any) -> tuple[str, ...]:
    """Return the numbers of the markets that trade."""
    return tuple(
        str(row["market_id"]) for row in document["order_books"] if row.get("status") == "active"
    )


FEEDS: Final = (
    FeedSpec(
        exchange="lighter",
        name="trade",
        subscribes_to="`trade/{market}` of every market",
        address_setting="LIGHTER_WS_URL",
        address="wss://mainnet.zklighter.elliot.ai/stream?readonly=true",
        listing=SymbolListing(
            setting="LIGHTER_SYMBOLS_URL",
            address="https://mainnet.zklighter.elliot.ai/api/v1/orderBooks?filter=all",
            parse=parse_symbols,
        ),
        names_setting="LIGHTER_MARKETS",
        names_per_request=1,
        names_per_connection=100,
        subscribe=per_name(lambda name: {"type": "subscribe", "channel": f"trade/{name}"}),
        read=read,
        symbol_of=symbol_of,
        heartbeat=Heartbeat(text='{"type":"ping"}'),
        silence_seconds=900,
        limits=Limits(
            source="apidocs.lighter.xyz, websocket rate limits, as two public clients of 2026 "
            "state them: 200 messages a minute and 50 unanswered, 255 connections and 5,000 "
            "subscriptions an address, 500 subscriptions a connection (100 in earlier versions)",
            as_of="2026-10-01",
            scope=LimitScope.ADDRESS,
            subscriptions_per_connection=500,
            subscriptions_per_address=5_000,
            messages_per_minute=200,
            unanswered_requests=50,
            connections_per_address=255,
        ),
    ),
)
