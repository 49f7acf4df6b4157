"""What the detector keeps of one liquidation."""

from decimal import Decimal
from typing import NamedTuple

from processors.cascades.money import micro_usd
from schemas.records import Liquidation

# More than any venue's whole open interest in one asset; what is larger is a broken number.
MAX_VALUE_USD = Decimal(100_000_000_000)
# Prices lie between 1e-24 and 1e24 dollars, whatever the token.
MAX_PRICE_EXPONENT = 24
MAX_PRICE_DIGITS = 40


class Entry(NamedTuple):
    """One liquidation, or several that share a place in the window; sorts by event time and id."""

    timestamp_ms: int
    event_id: str
    micro_usd: int
    price: Decimal
    exchange: str
    symbol: str
    events: int = 1


def is_plausible(event: Liquidation) -> bool:
    """Whether value and price are numbers that a market can give."""
    price, value = event.price, event.value_usd
    return (
        price.is_finite()
        and value.is_finite()
        and price > 0
        and 0 < value <= MAX_VALUE_USD
        and abs(price.adjusted()) <= MAX_PRICE_EXPONENT
        and len(price.as_tuple().digits) <= MAX_PRICE_DIGITS
    )


def entry_of(event: Liquidation, timestamp_ms: int) -> Entry:
    """Keep a plausible event under the time at which the detector places it."""
    return Entry(
        timestamp_ms,
        event.event_id,
        micro_usd(event.value_usd),
        event.price,
        event.exchange,
        event.symbol,
    )
