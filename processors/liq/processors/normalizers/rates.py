"""The rate that turns an entry's value into dollars, out of what the frame came with.

The producer stamps rate and age into the frame's headers, so that reading the frame again gives the
same bytes whenever that is.
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
    """Return the rate of a market's currency, or None where that counts as a dollar.

    A coin counts as a dollar unless a fresh rate shows it off its peg.

    Raises:
        EntryError: the market needs a rate, and the frame came with none of its currency, or with
            one older than `max_age_ms`: unsupported_instrument for a quanto contract, else
            unsupported_quote.
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
    """Return the rates by currency; None for a text that is not one of rates."""
    try:
        return decode_frame_rates(text)
    except DecodeError:
        return None
