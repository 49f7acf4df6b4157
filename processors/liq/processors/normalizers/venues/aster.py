"""Aster: `forceOrder`, in Binance's dialect.

Source: a public recorder's feed and mapper for Aster (2026). The payload is that of Binance USD-M,
and so is the reading: `o.S` is the side of the forced order, SELL closes a long.

Whether the feed is thinned out like Binance's is not documented: COMPLETENESS supposes that it is.
"""

from functools import partial
from typing import Final

from liq.processors.normalizers.kit import Feed, Venue
from liq.processors.normalizers.venues.binance import listed_usdm_market, read_message
from liq.schemas.vocabulary import Completeness, PriceKind

# What the mapping of Binance gives its events.
COMPLETENESS: Final = Completeness.SAMPLED

VENUE: Final = Venue(
    "aster",
    {
        "usdm": Feed(
            partial(read_message, listed_usdm_market),
            "forced orders; probably one a symbol and second",
            COMPLETENESS,
            PriceKind.AVERAGE_FILL,
        )
    },
)
