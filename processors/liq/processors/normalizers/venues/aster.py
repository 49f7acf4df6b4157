"""Aster: `forceOrder`, in Binance's dialect.

Source: a public recorder's feed and mapper for Aster (2026); no recorded message was at hand. The
payload is that of Binance USD-M, and so is the reading: `o.S` is the side of the forced order, SELL
closes a long.

Whether the feed is thinned out like Binance's is not documented: COMPLETENESS supposes that it is.
"""

from functools import partial
from typing import Final

from liq.processors.normalizers.kit import Feed, Venue
from liq.processors.normalizers.venues.binance import listed_usdm_market, read_message
from liq.schemas.vocabulary import Completeness, PriceKind

# The completeness of the events of Binance's mapping.
COMPLETENESS: Final = Completeness.SAMPLED

VENUE: Final = Venue(
    exchange="aster",
    feeds={
        "usdm": Feed(
            read=partial(read_message, listed_usdm_market),
            publishes="forced orders; probably one a symbol and second",
            completeness=COMPLETENESS,
            price_kind=PriceKind.AVERAGE_FILL,
            long_when="`S` = SELL (the order's)",
            quantity="units of the base",
            unsettled="everything: no recorded message was at hand",
        )
    },
)
