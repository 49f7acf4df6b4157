"""Pacifica: `trades` of every market, of which liquidations carry a cause.

Source: docs.pacifica.fi, *WebSocket subscriptions: trades* and *market info*, 2026. Connections
that are silent for 60 seconds are closed.
"""

from typing import Any, Final

from liq.producers.feeds import (
    CONTROL,
    DATA,
    FeedSpec,
    Heartbeat,
    Limits,
    Received,
    SymbolListing,
    per_name,
)


def read(message: Any) -> Received:
    """Classify a message by its `channel`."""
    if type(message) is not dict:
        return DATA
    channel = message.get("channel")
    if channel == "subscribe":
        return Received(acknowledged=(message["data"]["symbol"],))
    if channel == "error" or "error" in message:
        return Received(refusal=str(message.get("error") or message.get("data")))
    return CONTROL if channel == "pong" else DATA


def symbol_of(message: Any) -> Any:
    """Return the symbol of the first trade."""
    return message["data"][0]["s"]


def parse_symbols(document: Any) -> tuple[str, ...]:
    """Return all markets."""
    return tuple(row["symbol"] for row in document["data"])


FEEDS: Final = (
    FeedSpec(
        exchange="pacifica",
        name="trades",
        subscribes_to="`trades` of every market",
        address_setting="PACIFICA_WS_URL",
        address="wss://ws.pacifica.fi/ws",
        listing=SymbolListing(
            setting="PACIFICA_SYMBOLS_URL",
            address="https://api.pacifica.fi/api/v1/info",
            parse=parse_symbols,
        ),
        names_setting="PACIFICA_SYMBOLS",
        names_per_request=1,
        subscribe=per_name(
            lambda name: {
                "method": "subscribe",
                "params": {"source": "trades", "symbol": name},
            }
        ),
        read=read,
        symbol_of=symbol_of,
        heartbeat=Heartbeat(text='{"method":"ping"}'),
        silence_seconds=1_800,
        limits=Limits(
            source="docs.pacifica.fi, rate limits: 20 subscriptions a channel and connection, 300 "
            "connections an address",
            as_of="2026-10-01",
            subscriptions_per_channel=20,
            connections_per_address=300,
        ),
    ),
)
