"""dYdX v4: `v4_trades` of every market, of which liquidations carry a type.

Source: docs.dydx.xyz, *Indexer WebSocket* and *perpetualMarkets*, 2026. The acknowledgement is a
`subscribed` message with the newest trades of the past in it, and is forwarded. The server pings
every 30 seconds; a connection may have 32 subscriptions of trades.
"""

from typing import Any, Final

from liq.producers.feeds import CONTROL, DATA, FeedSpec, Limits, Received, SymbolListing, per_name


def read(message: Any) -> Received:
    """Classify a message by its `type`."""
    if type(message) is not dict:
        return DATA
    kind = message.get("type")
    if kind == "subscribed":
        return Received(is_data=True, acknowledged=(message["id"],))
    if kind == "error":
        return Received(refusal=str(message.get("message")))
    return CONTROL if kind in {"connected", "unsubscribed", "pong"} else DATA


def symbol_of(message: Any) -> Any:
    """Return the market."""
    return message["id"]


def parse_symbols(document: Any) -> tuple[str, ...]:
    """Return the markets that trade."""
    return tuple(
        name for name, market in document["markets"].items() if market.get("status") == "ACTIVE"
    )


FEEDS: Final = (
    FeedSpec(
        exchange="dydx",
        name="trades",
        subscribes_to="`v4_trades` of every market",
        address_setting="DYDX_WS_URL",
        address="wss://indexer.dydx.trade/v4/ws",
        listing=SymbolListing(
            setting="DYDX_SYMBOLS_URL",
            address="https://indexer.dydx.trade/v4/perpetualMarkets",
            parse=parse_symbols,
        ),
        names_setting="DYDX_SYMBOLS",
        names_per_request=1,
        names_per_connection=32,
        request_interval_seconds=0.5,
        subscribe=per_name(lambda name: {"type": "subscribe", "channel": "v4_trades", "id": name}),
        read=read,
        symbol_of=symbol_of,
        silence_seconds=900,
        limits=Limits(
            source="docs.dydx.xyz, Indexer websockets: 32 subscriptions a channel and connection, "
            "2 a second; that the rate holds for all names of a connection is the careful reading",
            as_of="2026-10-01",
            subscriptions_per_channel=32,
            requests_per_second=2,
        ),
    ),
)
