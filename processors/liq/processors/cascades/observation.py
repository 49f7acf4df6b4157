"""The detector's view of one liquidation."""

from decimal import Decimal
from typing import NamedTuple

from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Arrival, Completeness, PriceKind, Side

CENTS_PER_DOLLAR = 100
# More than any venue's whole open interest in one asset; a larger value is a broken number.
MAX_VALUE_USD = Decimal(100_000_000_000)
# Prices lie between 1e-24 and 1e24 dollars, whatever the token.
MAX_PRICE_EXPONENT = 24
MAX_PRICE_CHARACTERS = 48


class Observation(NamedTuple):
    """One liquidation as the detector sees it; `cents` is its value in US cents.

    `price_kind` is a plain string, because hashing an enumeration is slow.
    """

    event_id: str
    base: str
    side: Side
    exchange: str
    symbol: str
    timestamp_ms: int
    received_at_ms: int
    cents: int
    price: Decimal
    is_complete: bool
    price_kind: str = PriceKind.FILL.value


class ImplausibleEvent(NamedTuple):
    """A liquidation with an impossible value or price; its time of receipt moves the clock."""

    received_at_ms: int


# The detector's view of a record; None for one that arrived as history.
EventView = Observation | ImplausibleEvent | None


def is_plausible(price: Decimal, value_usd: Decimal) -> bool:
    """Return whether value and price are possible in a market."""
    return (
        price.is_finite()
        and value_usd.is_finite()
        and price > 0
        and 0 < value_usd <= MAX_VALUE_USD
        and abs(price.adjusted()) <= MAX_PRICE_EXPONENT
        and len(str(price)) <= MAX_PRICE_CHARACTERS
    )


def cents(value_usd: Decimal) -> int:
    """Convert finite dollars to cents, rounded half to even."""
    return round(value_usd * CENTS_PER_DOLLAR)


def view_event(event: Liquidation, *, takes_history: bool = False) -> EventView:
    """Reduce a liquidation to the detector's view; `takes_history` as in `decode_observation`."""
    if event.arrival is not Arrival.LIVE and not takes_history:
        return None
    if not is_plausible(event.price, event.value_usd):
        return ImplausibleEvent(event.received_at_ms)
    return Observation(
        event.event_id,
        event.base,
        event.side,
        event.exchange,
        event.symbol,
        event.timestamp_ms,
        event.received_at_ms,
        cents(event.value_usd),
        event.price,
        event.completeness is Completeness.COMPLETE,
        event.price_kind.value,
    )
