"""Typed access to the fields of a parsed message.

Every function names the field in the error that it raises, and accepts `object`, because a
sender may put any JSON value anywhere.
"""

import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Final

from liq.processors.normalizers.errors import EntryError, shown, unusable
from liq.schemas.plausible_time import EARLIEST_VENUE_MS
from liq.schemas.symbols import MAX_SYMBOL_CHARACTERS, is_visible
from liq.schemas.units import DAY_MS
from liq.schemas.vocabulary import RejectReason, Side

JsonObject = dict[str, Any]
Getter = Callable[[JsonObject], tuple[Any, ...]]

MAX_CLOCK_LEAD_MS: Final = DAY_MS
MAX_TIMESTAMP_DIGITS: Final = 16

_PLAIN_SYMBOL = re.compile(rf"[A-Za-z0-9_.:@/-]{{1,{MAX_SYMBOL_CHARACTERS}}}", re.ASCII)


def needed(*names: str) -> Getter:
    """A function for `take`: the values of several fields, in this order."""
    return itemgetter(*names)


def take(fields: JsonObject, getter: Getter) -> tuple[Any, ...]:
    """The values of the fields that an entry must have; their types are not looked at.

    Raises:
        EntryError: missing_field.
    """
    try:
        return getter(fields)
    except KeyError as error:
        raise EntryError(RejectReason.MISSING_FIELD, f"{error.args[0]} is missing.") from error


def text(value: object, name: str) -> str:
    """A value that must be a string.

    Raises:
        EntryError: missing_field.
    """
    if type(value) is not str:
        raise EntryError(RejectReason.MISSING_FIELD, f"{name} is {shown(value)}, not a string.")
    return value


def object_field(fields: JsonObject, name: str) -> JsonObject:
    """A field that must be an object.

    Raises:
        EntryError: missing_field.
    """
    value = fields.get(name)
    if type(value) is not dict:
        raise _mistyped(fields, name, "an object")
    return value


def array_field(fields: JsonObject, name: str) -> list[Any]:
    """A field that must be an array.

    Raises:
        EntryError: missing_field.
    """
    value = fields.get(name)
    if type(value) is not list:
        raise _mistyped(fields, name, "an array")
    return value


def text_field(fields: JsonObject, name: str) -> str:
    """A field that must be a string.

    Raises:
        EntryError: missing_field.
    """
    value = fields.get(name)
    if type(value) is not str:
        raise _mistyped(fields, name, "a string")
    return value


def liquidated_side(value: object, name: str, words: Mapping[str, Side]) -> Side:
    """The liquidated position that the venue's word for a side means.

    Raises:
        EntryError: invalid_side for a word that is not among them, missing_field for no word.
    """
    side = words.get(value) if type(value) is str else None
    if side is None:
        raise unusable(RejectReason.INVALID_SIDE, value, name, " or ".join(words))
    return side


def timestamp(value: object, name: str, received_at_ms: int) -> int:
    """A time in UTC milliseconds, from an integer or a string of digits.

    Raises:
        EntryError: invalid_timestamp: not whole, before 2010, or more than a day after
            `received_at_ms`; missing_field: neither a string nor a number.
    """
    if type(value) is int:
        timestamp_ms = value
    elif (
        type(value) is str
        and len(value) <= MAX_TIMESTAMP_DIGITS
        and value.isascii()
        and value.isdigit()
    ):
        timestamp_ms = int(value)
    else:
        raise unusable(RejectReason.INVALID_TIMESTAMP, value, name, "whole milliseconds")
    if not EARLIEST_VENUE_MS <= timestamp_ms <= received_at_ms + MAX_CLOCK_LEAD_MS:
        raise EntryError(
            RejectReason.INVALID_TIMESTAMP,
            f"{name} is {timestamp_ms}, before 2010 or over a day after its receipt.",
        )
    return timestamp_ms


def check_symbol(symbol: str) -> str:
    """Give the symbol back, as it is, if it is short and shows every character that it has.

    Letters of every script, punctuation and spaces are symbols: venues list them.

    Raises:
        EntryError: invalid_symbol: empty, over-long, or with a character of REFUSED_CATEGORIES.
    """
    if _PLAIN_SYMBOL.fullmatch(symbol) is None and not is_visible(symbol):
        raise EntryError(
            RejectReason.INVALID_SYMBOL,
            f"{shown(symbol)} is no symbol: 1 to {MAX_SYMBOL_CHARACTERS} visible characters.",
        )
    return symbol


def row_object(row: object) -> JsonObject:
    """An element of an array that must be an object.

    Raises:
        EntryError: missing_field.
    """
    if type(row) is not dict:
        raise EntryError(
            RejectReason.MISSING_FIELD, f"An entry is {shown(row)} where an object belongs."
        )
    return row


def _mistyped(fields: JsonObject, name: str, wanted: str) -> EntryError:
    problem = f"is {shown(fields[name])}, not {wanted}" if name in fields else "is missing"
    return EntryError(RejectReason.MISSING_FIELD, f"{name} {problem}.")
