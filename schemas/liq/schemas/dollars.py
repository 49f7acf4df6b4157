"""Which currencies count as a US dollar, and how far a coin may leave its peg and still do."""

from decimal import Decimal
from typing import Final

USD: Final = "USD"
USD_LIKE: Final = frozenset(
    {
        USD,
        "USDT",
        "USDC",
        "BUSD",
        "FDUSD",
        "TUSD",
        "USD1",
        "USDE",
        "USDG",
        "USDH",
        "USDP",
        "PYUSD",
        "RLUSD",
        "DAI",
    }
)
# Within it a conversion would add a ticker's noise to every event. The days that matter lie far
# outside: USDC traded below 0.90 on 2023-03-11, USDT near 0.95 on 2022-05-12 (press of those days).
PEG_TOLERANCE: Final = Decimal("0.005")


def is_off_peg(usd: Decimal) -> bool:
    """Return whether a dollar coin of this worth no longer counts as a dollar."""
    return abs(usd - 1) > PEG_TOLERANCE
