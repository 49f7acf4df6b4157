"""What the detector looks at of one liquidation."""

from decimal import Decimal
from typing import NamedTuple

from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, Side

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


def is_plausible(event: Liquidation) -> bool:
    """Whether value and price are numbers that a market can give."""
    price, value = event.price, event.value_usd
    return (
        price.is_finite()
        and value.is_finite()
        and price > 0
        and 0 < value <= MAX_VALUE_USD
        and abs(price.adjusted()) <= MAX_PRICE_EXPONENT
        and len(str(price)) <= MAX_PRICE_CHARACTERS
    )


def observation_of(event: Liquidation) -> Observation:
    """What the detector looks at of a plausible event."""
    return Observation(
        event.event_id,
        event.base,
        event.side,
        event.exchange,
        event.symbol,
        event.timestamp_ms,
        event.received_at_ms,
        round(event.value_usd * CENTS_PER_DOLLAR),
        event.price,
        event.completeness is Completeness.COMPLETE,
    )
