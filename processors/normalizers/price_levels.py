"""Rounding prices to levels, so that liquidations at nearly one price can be grouped.

BTC has a configured step. Every other asset gets the step of the series 1, 2, 5, 10, ... that is
nearest in ratio to 0.1 % of the price, so that a level is as wide on DOGE as on ETH.
"""

from decimal import Decimal
from typing import Final

from processors.normalizers.numbers import DECIMAL_PLACES, EXACT, MAX_INTEGER_DIGITS, SMALLEST

RELATIVE_STEP_POWER: Final = -3  # 0.1 %

_add = EXACT.add
_divmod = EXACT.divmod
_multiply = EXACT.multiply

_ONE = Decimal(1)
_HALF = Decimal("0.5")

# Between neighbouring steps the nearer one in ratio changes at their geometric mean.
_CHANGES = tuple((Decimal(square).sqrt(EXACT), step) for square, step in ((2, 1), (10, 2), (50, 5)))
_LAST_STEP = 10


def _bands(power: int) -> tuple[tuple[tuple[Decimal, Decimal], ...], Decimal]:
    """(upper price, step) pairs, and the last step, for prices from 10**power to ten times that."""
    unit = Decimal(f"1E{power + RELATIVE_STEP_POWER}")
    pairs = (
        (upper.scaleb(power, EXACT), max(SMALLEST, _multiply(unit, step)))
        for upper, step in _CHANGES
    )
    return tuple(pairs), max(SMALLEST, _multiply(unit, _LAST_STEP))


_BANDS = {power: _bands(power) for power in range(-DECIMAL_PLACES, MAX_INTEGER_DIGITS + 1)}


def price_level(price: Decimal, base: str, btc_step_usd: Decimal) -> Decimal:
    """The multiple of the asset's step nearest to `price`, halves up, and never zero.

    `price` is above zero and at most 26 integer digits wide.
    """
    step = btc_step_usd if base == "BTC" else _step(price)
    multiple, rest = _divmod(price, step)
    if rest >= _multiply(step, _HALF):
        multiple = _add(multiple, _ONE)
    return _multiply(multiple, step) if multiple else step


def _step(price: Decimal) -> Decimal:
    pairs, last = _BANDS[price.adjusted()]
    for upper, step in pairs:
        if price < upper:
            return step
    return last
