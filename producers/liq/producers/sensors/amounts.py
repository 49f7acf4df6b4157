"""The dollars of a public trade or fill, within the bounds that the normalizer has for an event.

The numbers are a stranger's: a price of "9e999999" must not raise, nor fill memory with its digits.
"""

import re
from decimal import Context, Decimal
from typing import Any, Final

MAX_TEXT_CHARACTERS: Final = 40
MIN_NUMBER: Final = Decimal(10) ** -12
MAX_NUMBER: Final = Decimal(10) ** 20
#: No event is worth more, so no fill is either.
MAX_USD: Final = Decimal(10) ** 12
#: One trade or fill counts for at most so much when accounts are compared, so that an absurd one
#: cannot outweigh a maker's ordinary fills (a liquidation's fill has a few thousand dollars).
MAX_RANKED_USD: Final = Decimal(10) ** 5

# The product of two texts of 40 characters has fewer digits, so it is exact.
_multiply: Final = Context(prec=100).multiply
_NUMBER: Final = re.compile(r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]{1,3})?", re.ASCII).fullmatch


def usd_of(entry: Any) -> Decimal | None:
    """Return the dollars of a trade or fill, or None if price or size are not plausible."""
    price, size = _number_of(entry.get("px")), _number_of(entry.get("sz"))
    if price is None or size is None:
        return None
    usd = _multiply(price, size)
    return usd if MIN_NUMBER <= usd <= MAX_USD else None


def ranked_usd_of(entry: Any) -> Decimal | None:
    """Return what a trade or fill counts for in a ranking: its dollars up to a bound, or None."""
    usd = usd_of(entry)
    return min(usd, MAX_RANKED_USD) if usd is not None else None


def _number_of(value: Any) -> Decimal | None:
    if type(value) is not str or len(value) > MAX_TEXT_CHARACTERS or _NUMBER(value) is None:
        return None
    number = Decimal(value)
    return number if MIN_NUMBER <= number <= MAX_NUMBER else None
