"""The rates at the receipt of a frame: the text of its `rates` header and in a capture line.

    BTC=64000.5@20000,EUR=1.0842@20000

Each rate is a currency, the US dollars of one unit, and the age of the rate in milliseconds when
the frame was received.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from liq.schemas.codec import DecodeError, decimal_text

MAX_RATES: Final = 32
CURRENCY_GRAMMAR: Final = r"[A-Z0-9]{1,12}"
USD_GRAMMAR: Final = r"[0-9]{1,26}(?:\.[0-9]{1,12})?"
_RATE: Final = re.compile(rf"({CURRENCY_GRAMMAR})=({USD_GRAMMAR})@([0-9]{{1,15}})", re.ASCII)
MAX_CHARACTERS: Final = MAX_RATES * 70


@dataclass(frozen=True, slots=True)
class FrameRate:
    """The US dollars of one unit of a currency, `age_ms` before a frame was received."""

    currency: str
    usd: Decimal
    age_ms: int


def encode_frame_rates(rates: Iterable[FrameRate]) -> str:
    """Return the text of some rates; empty without rates."""
    return ",".join(f"{one.currency}={decimal_text(one.usd)}@{one.age_ms}" for one in rates)


def decode_frame_rates(text: str) -> dict[str, FrameRate]:
    """Parse the text of some rates, by currency.

    Raises:
        DecodeError: the text is not a list of rates, is over-long, or names a currency twice.
    """
    if not text:
        return {}
    if len(text) > MAX_CHARACTERS:
        raise DecodeError(f"rates: longer than {MAX_CHARACTERS} characters")
    found: dict[str, FrameRate] = {}
    for part in text.split(","):
        match = _RATE.fullmatch(part)
        if match is None:
            raise DecodeError(f"rates: {part[:40]!r} is not CURRENCY=DOLLARS@AGE_MS")
        currency, usd, age_ms = match.groups()
        rate = FrameRate(currency, Decimal(usd), int(age_ms))
        if not rate.usd or currency in found:
            raise DecodeError(f"rates: {part[:40]!r} is zero or comes twice")
        found[currency] = rate
    if len(found) > MAX_RATES:
        raise DecodeError(f"rates: more than {MAX_RATES}")
    return found
