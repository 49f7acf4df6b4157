"""Dollars as integers, so that a sum is the same in whatever order it was made."""

from decimal import Decimal

MICROS_PER_DOLLAR = 1_000_000
CENT = Decimal("0.01")


def micro_usd(value_usd: Decimal) -> int:
    """Finite dollars as millionths of a dollar, rounded half to even."""
    return round(value_usd * MICROS_PER_DOLLAR)


def usd(micros: int) -> Decimal:
    """Millionths of a dollar as dollars and cents, rounded half to even."""
    return (Decimal(micros) / MICROS_PER_DOLLAR).quantize(CENT)
