"""Checks of the values of one field in many JSON documents.

A message names the field but not the document.
"""

from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from typing import Any

from liq.schemas.codec import DecodeError
from liq.schemas.plausible_time import EARLIEST_STORED_MS, LATEST_MS, STORED_YEARS
from liq.schemas.units import MILLISECOND_NS
from liq.sinks.clickhouse.documents import Document
from liq.sinks.clickhouse.native import packed, strings

Documents = Sequence[Document]


def values_of(field: str, documents: Documents) -> list[Any]:
    """Return the values of a required field, one for each document.

    Raises:
        DecodeError: a document has no such field.
    """
    try:
        return [document[field] for document in documents]
    except KeyError as error:
        raise DecodeError(f"{field}: missing") from error


def texts_of(field: str, documents: Documents) -> list[str]:
    """Return the values of a required field that is a string in each document.

    Raises:
        DecodeError: a document has no such field, or no string in it.
    """
    values = values_of(field, documents)
    expect_types(field, values, {str}, "a string")
    return values


def text_array_bytes(field: str, values: Sequence[Any]) -> bytes:
    """Encode the values of an Array(String) column.

    Raises:
        DecodeError: a value is no array of strings, or a string has a lone surrogate.
    """
    expect_types(field, values, {list}, "an array of strings")
    flat = [item for value in values for item in value]
    expect_types(field, flat, {str}, "an array of strings")
    return packed("Q", list(accumulate(map(len, values)))) + text_bytes(field, flat)


def text_bytes(field: str, values: Sequence[str]) -> bytes:
    """Encode the values of a String column.

    Raises:
        DecodeError: a value has a lone surrogate.
    """
    try:
        return strings(values)
    except UnicodeEncodeError as error:
        raise DecodeError(f"{field}: not text") from error


def checked_milliseconds(field: str, values: Sequence[Any]) -> Sequence[int]:
    """Return UTC milliseconds unchanged after checking their type and range.

    Raises:
        DecodeError: a value is no integer, or before 2000 or after 2099.
    """
    sentence = "UTC milliseconds between 2000 and 2100"
    expect_types(field, values, {int}, sentence)
    expect_within(field, values, EARLIEST_STORED_MS, LATEST_MS - 1, sentence)
    return values


def checked_nanoseconds(field: str, values: Sequence[Any]) -> Sequence[int]:
    """Return UTC nanoseconds unchanged after checking their type and range.

    Raises:
        DecodeError: a value is no integer, or before 2000 or after 2099.
    """
    sentence = "UTC nanoseconds between 2000 and 2100"
    earliest, latest = EARLIEST_STORED_MS * MILLISECOND_NS, LATEST_MS * MILLISECOND_NS - 1
    expect_types(field, values, {int}, sentence)
    expect_within(field, values, earliest, latest, sentence)
    return values


def expect_types(field: str, values: Sequence[Any], types: set[type], sentence: str) -> None:
    """Raise a DecodeError that expects `sentence` unless all values have exactly these types."""
    # Exact types, because Python's bool is a subclass of int but JSON's true is no integer.
    if not set(map(type, values)) <= types:
        raise DecodeError(f"{field}: expected {sentence}")


def expect_within(
    field: str, values: Sequence[int], smallest: int, largest: int, sentence: str
) -> None:
    """Raise a DecodeError that expects `sentence` unless all values are within these bounds."""
    if values and not (smallest <= min(values) and max(values) <= largest):
        raise DecodeError(f"{field}: expected {sentence}")


def is_iso_date(value: str) -> bool:
    """Return whether a text is a date like 2026-07-08 in a year that ClickHouse stores."""
    try:
        found = date.fromisoformat(value)
    except ValueError:
        return False
    return found.isoformat() == value and found.year in STORED_YEARS
