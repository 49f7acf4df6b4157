"""Rounding of prices to levels, which group liquidations at nearly the same price.

BTC has a configured step. The step of every other asset is the value of the series 1, 2, 5, 10, ...
that is nearest in ratio to 0.1 % of the price. So levels of DOGE and ETH have similar widths.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from liq.processors.normalizers.numbers import (
    EXACT,
    MAX_INTEGER_DIGITS,
    PRICE_PLACES,
    SMALLEST_PRICE,
)

RELATIVE_STEP_POWER: Final = -3  # 0.1 %

_divide = EXACT.divide
_multiply = EXACT.multiply

# As precise as EXACT, so that no quotient of two stored numbers is rounded to or from a half.
_HALVES_UP = EXACT.copy()
_HALVES_UP.rounding = ROUND_HALF_UP
_whole = _HALVES_UP.quantize

_ONE = Decimal(1)
_ENDLESS = Decimal("Infinity")

# Neighbouring steps are equally near, in ratio, at their geometric mean.
_CHANGES = (
    (Decimal(2).sqrt(EXACT), 1),
    (Decimal(10).sqrt(EXACT), 2),
    (Decimal(50).sqrt(EXACT), 5),
    (_ENDLESS, 10),
)


def _bands(power: int) -> tuple[tuple[Decimal, Decimal, Decimal], ...]:
    """Return (upper price, step, 1 / step) for the prices from 10**power to ten times that."""
    unit = Decimal(f"1E{power + RELATIVE_STEP_POWER}")
    steps = (
        (upper.scaleb(power, EXACT), max(SMALLEST_PRICE, _multiply(unit, step)))
        for upper, step in _CHANGES
    )
    return tuple((upper, step, _divide(_ONE, step)) for upper, step in steps)


_BANDS = {power: _bands(power) for power in range(-PRICE_PLACES, MAX_INTEGER_DIGITS + 1)}


def price_level(price: Decimal, base: str, btc_step_usd: Decimal) -> Decimal:
    """Round `price` to the nearest multiple of the asset's step, halves up, but never to zero.

    `price` is above zero and at most MAX_NUMBER.
    """
    if base == "BTC":
        step, quotient = btc_step_usd, _divide(price, btc_step_usd)
    else:
        for upper, step, one_by_step in _BANDS[price.adjusted()]:  # noqa: B007 - used below
            if price < upper:
                break
        quotient = _multiply(price, one_by_step)
    multiple = _whole(quotient, _ONE)
    return _multiply(multiple, step) if multiple else step
