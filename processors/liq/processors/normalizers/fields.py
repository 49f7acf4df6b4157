"""Typed access to the fields of a parsed message.

Every function names the field in the error that it raises, and accepts `object`, because a
sender may put any JSON value anywhere.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final

from liq.processors.normalizers.errors import EntryError, shown, unusable
from liq.schemas.plausible_time import EARLIEST_VENUE_MS
from liq.schemas.symbols import MAX_SYMBOL_CHARACTERS, is_visible
from liq.schemas.units import DAY_MS, SECOND_MS
from liq.schemas.vocabulary import RejectReason, Side

JsonObject = dict[str, Any]
Getter = Callable[[JsonObject], tuple[Any, ...]]

MAX_CLOCK_LEAD_MS: Final = DAY_MS
MAX_TIMESTAMP_DIGITS: Final = 16

_ISO_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?Z", re.ASCII
)
_PLAIN_SYMBOL = re.compile(rf"[A-Za-z0-9_.:@/-]{{1,{MAX_SYMBOL_CHARACTERS}}}", re.ASCII)


def needed(*names: str) -> Getter:
    """Return a getter for `take` of several fields, in this order."""
    return itemgetter(*names)


def take(fields: JsonObject, getter: Getter) -> tuple[Any, ...]:
    """Return the values of the fields that an entry must have, without a check of their types.

    Raises:
        EntryError: missing_field.
    """
    try:
        return getter(fields)
    except KeyError as error:
        raise EntryError(RejectReason.MISSING_FIELD, f"{error.args[0]} is missing.") from error


def text(value: object, name: str) -> str:
    """Return a value that must be a string.

    Raises:
        EntryError: missing_field.
    """
    if type(value) is not str:
        raise EntryError(RejectReason.MISSING_FIELD, f"{name} is {shown(value)}, not a string.")
    return value


def object_field(fields: JsonObject, name: str) -> JsonObject:
    """Return a field that must be an object.

    Raises:
        EntryError: missing_field.
    """
    value = fields.get(name)
    if type(value) is not dict:
        raise _mistyped(fields, name, "an object")
    return value


def array_field(fields: JsonObject, name: str) -> list[Any]:
    """Return a field that must be an array.

    Raises:
        EntryError: missing_field.
    """
    value = fields.get(name)
    if type(value) is not list:
        raise _mistyped(fields, name, "an array")
    return value


def text_field(fields: JsonObject, name: str) -> str:
    """Return a field that must be a string.

    Raises:
        EntryError: missing_field.
    """
    value = fields.get(name)
    if type(value) is not str:
        raise _mistyped(fields, name, "a string")
    return value


def liquidated_side(value: object, name: str, words: Mapping[str, Side]) -> Side:
    """Return the liquidated position for the venue's word for a side.

    Raises:
        EntryError: invalid_side: not among `words`; missing_field: neither a string nor a number.
    """
    side = words.get(value) if type(value) is str else None
    if side is None:
        raise unusable(RejectReason.INVALID_SIDE, value, name, " or ".join(words))
    return side


def timestamp(value: object, name: str, received_at_ms: int) -> int:
    """Parse a time (UTC, ms) from an integer or a string of digits.

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


def iso_milliseconds(value: object, name: str) -> int:
    """Parse a time such as 2024-08-04T07:34:50.628Z to UTC milliseconds; finer digits are cut.

    Raises:
        EntryError: invalid_timestamp; missing_field: neither a string nor a number.
    """
    match = _ISO_TIME.fullmatch(value) if type(value) is str else None
    if match is not None:
        try:
            whole = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
        except ValueError:  # no such date, such as 30 February
            match = None
    if match is None:
        raise unusable(RejectReason.INVALID_TIMESTAMP, value, name, "a UTC time in ISO 8601")
    return int(whole.timestamp()) * SECOND_MS + int((match[2] or "0").ljust(3, "0")[:3])


def check_symbol(symbol: str) -> str:
    """Return the symbol unchanged if it is short and all its characters are visible.

    Letters of every script, punctuation and spaces are valid, because venues list such symbols.

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
    """Return an element of an array that must be an object.

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
