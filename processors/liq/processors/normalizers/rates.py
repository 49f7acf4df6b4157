"""The rate that converts an entry's value to dollars, from the headers of its frame.

The producer writes rates and their ages into the headers. So reading the frame again gives the same
bytes at any time.
"""

from functools import lru_cache

from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.markets import Market
from liq.schemas.codec import DecodeError
from liq.schemas.dollars import is_off_peg
from liq.schemas.frame_rates import FrameRate, decode_frame_rates
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import ContractKind, RejectReason


def rate_for(market: Market, rates: str, max_age_ms: int) -> FrameRate | None:
    """Return the rate of a market's currency, or None if the currency counts as a dollar.

    A coin counts as a dollar unless a recent rate shows that it has left its peg.

    Raises:
        EntryError: the market needs a rate, and the frame's rate of its currency is absent or older
            than `max_age_ms`: unsupported_instrument for a quanto contract, else unsupported_quote.
    """
    found = _rates_of(rates)
    if not market.needs_rate:
        rate = None if found is None else found.get(market.rate_currency)
        is_measured = rate is not None and rate.age_ms <= max_age_ms and is_off_peg(rate.usd)
        return rate if is_measured else None
    if found is None:
        raise _unvalued(market, "but the frame's rates cannot be read")
    rate = found.get(market.rate_currency)
    if rate is None:
        raise _unvalued(market, "whose rate the frame does not have")
    if rate.age_ms > max_age_ms:
        age, limit = rate.age_ms // SECOND_MS, max_age_ms // SECOND_MS
        raise _unvalued(market, f"whose rate is {age} s old, over {limit} s")
    return rate


def _unvalued(market: Market, why: str) -> EntryError:
    if market.contract is ContractKind.QUANTO:
        reason, kind = RejectReason.UNSUPPORTED_INSTRUMENT, "is a quanto contract paid"
    else:
        reason, kind = RejectReason.UNSUPPORTED_QUOTE, "is quoted"
    currency = shown(market.rate_currency)
    return EntryError(reason, f"{shown(market.native_symbol)} {kind} in {currency}, {why}.")


@lru_cache(maxsize=256)
def _rates_of(text: str) -> dict[str, FrameRate] | None:
    """Parse rates by currency; return None for any other text."""
    try:
        return decode_frame_rates(text)
    except DecodeError:
        return None
