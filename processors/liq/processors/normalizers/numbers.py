"""Exact decimals within the range of stored numbers.

An amount has 26 integer digits and 12 decimal places. A price has 18 places: one AIDOGE costs 1e-10
dollars, and 12 places would keep only two of its digits. (A contract of Bybit's 10000000AIDOGEUSDT,
listed 2024-03-04, is ten million AIDOGE.)

All arithmetic uses one explicit context, so that results do not depend on the decimal context of
the thread, which a host program may have changed.
"""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, Final

from liq.processors.normalizers.errors import EntryError, unusable
from liq.processors.normalizers.json_types import JSON_NUMBERS
from liq.schemas.vocabulary import RejectReason

MAX_INTEGER_DIGITS: Final = 26
DECIMAL_PLACES: Final = 12
PRICE_PLACES: Final = 18
MAX_TEXT_CHARACTERS: Final = 40
# No market exceeds these: the open interest of all venues together is about 1e11 dollars, and no
# supply or price of a coin reaches 1e20. Larger numbers are glitches, and their sums overflow.
MAX_VALUE_USD: Final = Decimal(10) ** 12
NUMBER_DIGITS: Final = 20
MAX_NUMBER: Final = Decimal(10) ** NUMBER_DIGITS

# Precise enough that no product of two stored numbers is rounded.
EXACT: Final = Context(
    prec=100, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]
)
SMALLEST: Final = Decimal(1).scaleb(-DECIMAL_PLACES)
SMALLEST_PRICE: Final = Decimal(1).scaleb(-PRICE_PLACES)

_NUMBER = re.compile(r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_quantize = EXACT.quantize
# Exact for short texts, and faster than the constructor.
_short_decimal = EXACT.create_decimal


def positive_decimal(value: object, name: str) -> Decimal:
    """Parse a number above zero, rounded half-even to the decimal places of an amount.

    Venues write numbers as strings. A JSON number is read in its shortest form.

    Raises:
        EntryError: invalid_number: not a plain decimal, over 40 characters, zero, negative, or
            outside the storable range; implausible: over MAX_NUMBER; missing_field: neither a
            string nor a number.
    """
    text = value if type(value) is str else _number_text(value)
    # Nearly all numbers: digits and at most one point, short enough for every stored number.
    if len(text) <= DECIMAL_PLACES and text.replace(".", "", 1).isdigit() and text.isascii():
        number = _short_decimal(text)
        if number:
            return number
    return bounded(_long_decimal(value, text, name, SMALLEST), name)


def positive_price(value: object, name: str) -> Decimal:
    """Parse a price above zero, rounded half-even to the decimal places of a price.

    Raises:
        EntryError: as `positive_decimal`.
    """
    text = value if type(value) is str else _number_text(value)
    if len(text) <= DECIMAL_PLACES and text.replace(".", "", 1).isdigit() and text.isascii():
        number = _short_decimal(text)
        if number:
            return number
    return bounded(_long_decimal(value, text, name, SMALLEST_PRICE), name)


def _long_decimal(value: object, text: str, name: str, smallest: Decimal) -> Decimal:
    """Parse the rarer spellings: many digits, or an exponent."""
    if len(text) <= MAX_TEXT_CHARACTERS and _NUMBER.fullmatch(text):
        number = Decimal(text)
        if number:
            return stored(number, name, smallest)
    raise unusable(RejectReason.INVALID_NUMBER, value, name, "a number above zero")


def is_zero(value: object) -> bool:
    """Return whether the value is a plain zero such as `0` or `0.000`."""
    text = value if type(value) is str else _number_text(value)
    return "0" in text and not text.replace(".", "", 1).strip("0")


def split_sign(value: Any, name: str) -> tuple[bool, object]:
    """Return whether a number is below zero, and the number without its sign.

    Raises:
        EntryError: missing_field: neither a number nor a string.
    """
    if type(value) in JSON_NUMBERS:
        return value < 0, abs(value)
    if type(value) is str:
        return value.startswith("-"), value.removeprefix("-")
    raise unusable(RejectReason.MISSING_FIELD, value, name, "a number")


def _number_text(value: object) -> str:
    return repr(value) if type(value) in JSON_NUMBERS else ""


def stored(number: Decimal, name: str, smallest: Decimal = SMALLEST) -> Decimal:
    """Round a number above zero half-even to a multiple of `smallest`.

    Raises:
        EntryError: invalid_number: zero after rounding, or too large.
    """
    if number.adjusted() < MAX_INTEGER_DIGITS:
        rounded = _quantize(number, smallest)
        if rounded == number:
            return number
        if rounded and rounded.adjusted() < MAX_INTEGER_DIGITS:
            return rounded
    raise EntryError(
        RejectReason.INVALID_NUMBER,
        f"{name} does not fit {MAX_INTEGER_DIGITS} integer digits and {-smallest.adjusted()} "
        "places.",
    )


def stored_quantity(quantity: Decimal) -> Decimal:
    """Round a quantity, in units of the base, half-even to the decimal places of an amount.

    Raises:
        EntryError: as `stored` and `bounded`.
    """
    if quantity.adjusted() < NUMBER_DIGITS:
        rounded = _quantize(quantity, SMALLEST)
        if rounded == quantity:
            return quantity
        if rounded:
            return rounded
    return bounded(stored(quantity, "The quantity"), "The quantity")


def bounded(number: Decimal, name: str) -> Decimal:
    """Return a quantity or price unchanged if a market can have it.

    Raises:
        EntryError: implausible.
    """
    if number > MAX_NUMBER:
        raise implausible(name, number)
    return number


def implausible(name: str, number: Decimal) -> EntryError:
    """Return the error for a number that no market can have."""
    return EntryError(
        RejectReason.IMPLAUSIBLE,
        f"{name} is of the order of 1e{number.adjusted()}, more than a whole market has.",
    )
