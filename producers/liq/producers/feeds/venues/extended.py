"""Extended: `publicTrades` of all markets, of which liquidations carry a type.

Source: api.docs.extended.exchange, *Public WebSocket streams*, 2026. The path of the address names
the stream, so a client sends no request; without a market the stream has all of them. The server
pings every 15 seconds and waits 10 seconds for the pong. A User-Agent is required.
"""

from typing import Any, Final

from liq.producers.feeds import DATA, FeedSpec, Limits, Received


def read(_message: Any) -> Received:
    """Return DATA: the venue documents no control message of the stream."""
    return DATA


def symbol_of(message: Any) -> Any:
    """Return the market of the first trade."""
    return message["data"][0]["m"]


FEEDS: Final = (
    FeedSpec(
        exchange="extended",
        name="trades",
        subscribes_to="`publicTrades` of all markets, by the address",
        address_setting="EXTENDED_WS_URL",
        address="wss://api.starknet.extended.exchange/stream.extended.exchange/v1/publicTrades",
        names=("publicTrades",),
        subscribe=None,
        read=read,
        symbol_of=symbol_of,
        silence_seconds=900,
        limits=Limits(
            source="api.docs.extended.exchange: no limit of public streams is documented (REST: "
            "1,000 requests a minute and address)",
            as_of="2026-10-01",
        ),
    ),
)
