"""Price series, each of one contract on one venue and of one kind, and the choice among them.

Venues publish different prices of a liquidation (`price_kind`), and a bankruptcy price lies several
per cent away from the market. So prices of different series are never compared. Each second keeps
the prices of its best series; a cascade uses the series with the most dollars in such seconds.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from liq.schemas.vocabulary import PriceKind

#: The better series is the smaller one: rank, venue, symbol, kind.
Series = tuple[int, str, str, str]
#: A price of a series: time of the event (UTC, ms), price.
Quote = tuple[Series, int, Decimal]

# Fills are market prices. The other kinds may lie far from the market.
_KIND_RANKS: Final = {
    PriceKind.AVERAGE_FILL: 0,
    PriceKind.FILL: 0,
    PriceKind.MARK: 1,
    PriceKind.ORDER: 2,
    PriceKind.BANKRUPTCY: 3,
}
#: By turnover in perpetual contracts, all other venues after them; a fixed order, not measured.
_DEEP_VENUES: Final = ("binance", "hyperliquid", "bybit", "okx", "bitget", "gate", "htx", "kraken")
_VENUE_RANKS: Final = {name: rank for rank, name in enumerate(_DEEP_VENUES)}
_RANKS_A_KIND: Final = len(_DEEP_VENUES) + 1
_KNOWN_SERIES: Final = 16_384

#: The series of the market, which has no price, and of old snapshots without a series.
NO_SERIES: Final[Series] = (10 * _RANKS_A_KIND, "", "", "")


@lru_cache(maxsize=_KNOWN_SERIES)
def series_of(exchange: str, symbol: str, kind: str) -> Series:
    """Return the series of a price."""
    rank = _KIND_RANKS[PriceKind(kind)] * _RANKS_A_KIND + _VENUE_RANKS.get(
        exchange, _RANKS_A_KIND - 1
    )
    return rank, exchange, symbol, kind


class Span(NamedTuple):
    """The first and last price of a series and the cents, over the seconds in which it was best."""

    first: Quote
    last: Quote
    cents: int

    def join(self, other: "Span") -> "Span":
        """Return the union with another span of the series, which must share no second with it."""
        return Span(
            min(self.first, other.first), max(self.last, other.last), self.cents + other.cents
        )


def followed(spans: Mapping[Series, Span]) -> Span | None:
    """Return the span of the series with the most cents, or the better on a tie; None if empty."""
    known = [(-span.cents, series) for series, span in spans.items() if series != NO_SERIES]
    return spans[min(known)[1]] if known else None
