"""Aster: Binance's dialect at another address.

Source: a public recorder's feed and mapper for Aster, 2026; liquidations are rare (two in a quiet
22 minutes).
"""

from typing import Final

from liq.producers.feeds import FeedSpec
from liq.producers.feeds.venues.binance import STREAM, read, sent_at_ms, subscribe, symbol_of

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
        needs_rates=("BTC", "ETH", "EUR"),
    ),
)
