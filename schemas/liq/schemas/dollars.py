"""The currencies that count as a US dollar, and the tolerance of their peg."""

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
# Within the tolerance, a conversion would add a ticker's noise to every event. Real breaks of a peg
# exceed it: USDC traded below 0.90 on 2023-03-11, USDT near 0.95 on 2022-05-12 (press reports).
PEG_TOLERANCE: Final = Decimal("0.005")


def is_off_peg(usd: Decimal) -> bool:
    """Return whether a dollar coin with this value has left its peg."""
    return abs(usd - 1) > PEG_TOLERANCE
