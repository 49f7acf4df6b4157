"""Bitget v3 (unified account): `liquidation` by product type.

Source: bitget.com, *UTA WebSocket: liquidation channel*, 2026; the v2 interface has none. A text
`ping` is due every 30 seconds. Acknowledgements and refusals are worded as OKX words them.
"""

from typing import Any, Final

from liq.producers.feeds import CONTROL, FeedSpec, Heartbeat, Limits, compact
from liq.producers.feeds.venues.okx import read


def subscribe(names: tuple[str, ...], _number: int) -> str:
    """Return one request; each argument is acknowledged by itself."""
    return compact(
        {
            "op": "subscribe",
            "args": [{"instType": name, "topic": "liquidation"} for name in names],
        }
    )


def symbol_of(message: Any) -> Any:
    """Return the symbol of the first row."""
    return message["data"][0]["symbol"]


def sent_at_ms(message: Any) -> Any:
    """Return `ts` of the push; rows are up to 20 s older (recorded 2026-04-28)."""
    return message["ts"]


FEEDS: Final = (
    FeedSpec(
        exchange="bitget",
        name="liquidation",
        subscribes_to="`liquidation` of USDT, USDC and coin futures (v3)",
        address_setting="BITGET_WS_URL",
        address="wss://ws.bitget.com/v3/ws/public",
        names=("usdt-futures", "usdc-futures", "coin-futures"),
        subscribe=subscribe,
        read=read,
        symbol_of=symbol_of,
        sent_at_ms=sent_at_ms,
        heartbeat=Heartbeat(text="ping"),
        texts={b"pong": CONTROL},
        silence_seconds=900,
        limits=Limits(
            source="bitget.com API documentation, websocket intro: 1,000 channels, 240 subscribe "
            "requests an hour and 10 messages a second a connection, pings included; 100 "
            "connections an address; 300 in 5 minutes, here as 60 a minute",
            as_of="2026-10-01",
            subscriptions_per_connection=1_000,
            requests_per_hour=240,
            messages_per_second=10,
            connections_per_address=100,
            connections_per_minute=60,
        ),
    ),
)
