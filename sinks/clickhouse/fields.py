"""Readers: how one column's value is taken from a record's JSON document, and checked.

ClickHouse fills a missing field with a default, cuts a time out of range and takes a number for a
string, all without a word. So presence, type and range are checked here.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from schemas.codec import DecodeError

Document = Mapping[str, Any]
Reader = Callable[[Document], Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Nothing was traded before, and years far ahead would each make partitions of their own.
EARLIEST_MS = 946_684_800_000  # 2000-01-01
LATEST_MS = 4_102_444_800_000  # 2100-01-01
# Decimal(38, 12) leaves this many digits before the point.
INTEGER_DIGITS = 26
MAX_UNSIGNED = {16: 2**16 - 1, 32: 2**32 - 1, 64: 2**64 - 1}


def text(field: str) -> Reader:
    """A string that must be there."""

    def read(document: Document) -> str:
        value = _present(document, field)
        if type(value) is not str:
            raise DecodeError(f"{field}: expected a string")
        return value

    return read


def text_or_null(field: str) -> Reader:
    """A string, or None when it is absent or null."""
    inner = text(field)

    def read(document: Document) -> Any:
        return None if document.get(field) is None else inner(document)

    return read


def text_or_empty(field: str) -> Reader:
    """A string, or the empty one when it is absent or null."""
    inner = text(field)

    def read(document: Document) -> Any:
        return "" if document.get(field) is None else inner(document)

    return read


def texts(field: str) -> Reader:
    """An array of strings."""

    def read(document: Document) -> list[str]:
        value = _present(document, field)
        if type(value) is not list or any(type(item) is not str for item in value):
            raise DecodeError(f"{field}: expected an array of strings")
        return value

    return read


def word(field: str, words: type) -> Reader:
    """One of the words that an enum column has."""
    allowed = frozenset(str(member) for member in words)  # type: ignore[attr-defined]
    inner = text(field)

    def read(document: Document) -> Any:
        value = inner(document)
        if value not in allowed:
            raise DecodeError(f"{field}: {value!r} is not one of {', '.join(sorted(allowed))}")
        return value

    return read


def decimal(field: str) -> Reader:
    """A decimal string. It is passed on as it is, so that it stays exact."""
    inner = text(field)

    def read(document: Document) -> Any:
        value = inner(document)
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise DecodeError(f"{field}: not a decimal") from error
        if not number.is_finite() or number.adjusted() >= INTEGER_DIGITS:
            raise DecodeError(f"{field}: not a decimal below 10^{INTEGER_DIGITS}")
        return value

    return read


def number(field: str) -> Reader:
    """A binary floating-point number, such as a score."""

    def read(document: Document) -> Any:
        value = _present(document, field)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DecodeError(f"{field}: expected a number")
        return value

    return read


def integer(field: str, bits: int) -> Reader:
    """A whole number that fits an unsigned column of that many bits."""
    largest = MAX_UNSIGNED[bits]

    def read(document: Document) -> int:
        value = _present(document, field)
        if type(value) is not int or not 0 <= value <= largest:
            raise DecodeError(f"{field}: expected a whole number from 0 to {largest}")
        return value

    return read


def flag(field: str) -> Reader:
    """True or false."""

    def read(document: Document) -> bool:
        value = _present(document, field)
        if type(value) is not bool:
            raise DecodeError(f"{field}: expected true or false")
        return value

    return read


def moment(field: str) -> Reader:
    """UTC milliseconds, as a datetime, which is written as ISO 8601 with a Z."""

    def read(document: Document) -> datetime:
        value = _present(document, field)
        if type(value) is not int or not EARLIEST_MS <= value < LATEST_MS:
            raise DecodeError(f"{field}: expected UTC milliseconds between 2000 and 2100")
        return EPOCH + timedelta(milliseconds=value)

    return read


def moment_or_null(field: str) -> Reader:
    """UTC milliseconds, or None when they are absent or null."""
    inner = moment(field)

    def read(document: Document) -> Any:
        return None if document.get(field) is None else inner(document)

    return read


def json_object(field: str) -> Reader:
    """An object as JSON text for ClickHouse's JSON functions; empty when absent or null."""

    def read(document: Document) -> str:
        value = document.get(field)
        if value is None:
            return ""
        if type(value) is not dict:
            raise DecodeError(f"{field}: expected an object")
        return orjson.dumps(value).decode()

    return read


def within(field: str, inner: Reader) -> Reader:
    """Read from the object in a field."""

    def read(document: Document) -> Any:
        value = _present(document, field)
        if type(value) is not dict:
            raise DecodeError(f"{field}: expected an object")
        try:
            return inner(value)
        except DecodeError as error:
            raise DecodeError(f"{field}.{error}") from error

    return read


def default(inner: Reader, field: str, value: object) -> Reader:
    """Read with `inner`, or give `value` where the field is absent or null."""

    def read(document: Document) -> Any:
        return value if document.get(field) is None else inner(document)

    return read


def _present(document: Document, field: str) -> Any:
    try:
        return document[field]
    except KeyError as error:
        raise DecodeError(f"{field}: missing") from error
