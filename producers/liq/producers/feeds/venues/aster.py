"""Aster: Binance's dialect at another address.

Source: a public recorder's feed and mapper for Aster, 2026; liquidations are rare (two in a quiet
22 minutes). asterdex/api-docs of 2026-06-30 states the limits: 200 streams a connection, 10
messages a second.
"""

from typing import Final

from liq.producers.feeds import FeedSpec, Limits
from liq.producers.feeds.venues.binance import (
    STREAM,
    announces_end,
    read,
    sent_at_ms,
    subscribe,
    symbol_of,
)

FEEDS: Final = (
    FeedSpec(
        exchange="aster",
        name="usdm",
        subscribes_to="`!forceOrder@arr`",
        address_setting="ASTER_WS_URL",
        address="wss://fstream.asterdex.com/ws",
        names=(STREAM,),
        subscribe=subscribe,
        read=read,
        symbol_of=symbol_of,
        sent_at_ms=sent_at_ms,
        silence_seconds=3_600,
        limits=Limits(
            source="asterdex/api-docs, futures websocket market streams",
            as_of="2026-06-30",
            subscriptions_per_connection=200,
            messages_per_second=10,
        ),
        renew_on=announces_end,
    ),
)
