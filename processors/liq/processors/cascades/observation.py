"""What the detector looks at of one liquidation."""

from decimal import Decimal
from typing import NamedTuple

from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Arrival, Completeness, Side

CENTS_PER_DOLLAR = 100
# More than any venue's whole open interest in one asset; what is larger is a broken number.
MAX_VALUE_USD = Decimal(100_000_000_000)
# Prices lie between 1e-24 and 1e24 dollars, whatever the token.
MAX_PRICE_EXPONENT = 24
MAX_PRICE_CHARACTERS = 48


class Observation(NamedTuple):
    """One liquidation as the detector sees it; `cents` is its value in US cents."""

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


class ImplausibleEvent(NamedTuple):
    """A liquidation whose value or price no market can give; its receipt still moves the clock."""

    received_at_ms: int


# What the detector makes of a record; None for one that is late by nature, and thus history.
EventView = Observation | ImplausibleEvent | None


def is_plausible(price: Decimal, value_usd: Decimal) -> bool:
    """Whether value and price are numbers that a market can give."""
    return (
        price.is_finite()
        and value_usd.is_finite()
        and price > 0
        and 0 < value_usd <= MAX_VALUE_USD
        and abs(price.adjusted()) <= MAX_PRICE_EXPONENT
        and len(str(price)) <= MAX_PRICE_CHARACTERS
    )


def cents(value_usd: Decimal) -> int:
    """Finite dollars as cents, rounded half to even."""
    return round(value_usd * CENTS_PER_DOLLAR)


def view_event(event: Liquidation) -> EventView:
    """Reduce a liquidation to what the detector looks at."""
    if event.arrival is not Arrival.LIVE:
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
    )
