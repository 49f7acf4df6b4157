"""The rules of rates, from prices and earlier rates: pure functions without a clock."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from statistics import median
from typing import Final

from liq.schemas.dollars import USD_LIKE
from liq.schemas.records import Liquidation, Rate
from liq.schemas.vocabulary import Arrival, ContractKind, PriceKind

WINDOW_MS: Final = 180_000
MIN_PRICES: Final = 3
MIN_VENUES: Final = 2
# A larger jump within MAX_AGE_MS is far more likely a fault of the source than a move of the
# market. An older rate is no longer compared, so the refusal ends by itself.
MAX_JUMP: Final = Decimal("0.2")
MAX_AGE_MS: Final = 600_000
DECIMAL_PLACES: Final = 12
MAX_INTEGER_DIGITS: Final = 15
EVENTS: Final = "events"

# No trade happened at bankruptcy, order and mark prices.
MARKET_PRICES: Final = frozenset({PriceKind.FILL, PriceKind.AVERAGE_FILL})
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
_SMALLEST: Final = Decimal(1).scaleb(-DECIMAL_PLACES)


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a trade on a venue, in dollars for one unit, and its time of receipt."""

    exchange: str
    usd: Decimal
    received_at_ms: int


def price_of(event: Liquidation) -> Price | None:
    """Return the market price of a liquidation; None if it is not one.

    Only linear contracts in dollars count, because no rate affects their price.
    """
    is_price = (
        event.price_kind in MARKET_PRICES
        and event.contract is ContractKind.LINEAR
        and event.quote in USD_LIKE
        and event.rate is None
        and event.arrival is Arrival.LIVE
        # No market has a larger price, and sums of such prices may overflow.
        and event.price > 0
        and abs(event.price.adjusted()) <= MAX_INTEGER_DIGITS
    )
    return Price(event.exchange, event.price, event.received_at_ms) if is_price else None


def rate_of(currency: str, prices: Iterable[Price], now_ms: int) -> Rate | None:
    """Return the median of the last minutes' prices; None if they are too few.

    The rate's time is that of the newest of those prices.
    """
    recent = [price for price in prices if 0 <= now_ms - price.received_at_ms <= WINDOW_MS]
    if len(recent) < MIN_PRICES or len({price.exchange for price in recent}) < MIN_VENUES:
        return None
    usd = plausible_usd(median(price.usd for price in recent))
    if usd is None:
        return None
    newest_ms = max(price.received_at_ms for price in recent)
    return Rate(currency=currency, usd=usd, timestamp_ms=newest_ms, source=EVENTS)


def plausible_usd(usd: Decimal) -> Decimal | None:
    """Round an amount to the stored decimal places; return None if it cannot be a rate."""
    if not usd.is_finite() or usd <= 0 or usd.adjusted() >= MAX_INTEGER_DIGITS:
        return None
    return _EXACT.quantize(usd, _SMALLEST).normalize(_EXACT) or None


def choose(candidates: Collection[Rate], previous: Rate | None, now_ms: int) -> Rate | None:
    """Return the first candidate that differs from the previous rate by at most MAX_JUMP.

    A previous rate older than MAX_AGE_MS does not exclude any candidate.
    """
    if previous is None or now_ms - previous.timestamp_ms > MAX_AGE_MS:
        return next(iter(candidates), None)
    limit = previous.usd * MAX_JUMP
    return next((one for one in candidates if abs(one.usd - previous.usd) <= limit), None)
