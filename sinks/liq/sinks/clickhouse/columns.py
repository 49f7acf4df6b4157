"""Columns: each reads and checks the values of one column from many JSON documents at once.

ClickHouse silently replaces a missing field with the column's default, and truncates decimals and
times that do not fit, so this module checks presence, type, words and range before inserting. It
works column by column, at a third of the cost of record by record. A message names the field but
not the document; `liq.sinks.clickhouse.encoding` finds the document.
"""

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import accumulate
from typing import Any

import orjson

from liq.schemas.codec import DecodeError
from liq.schemas.plausible_time import EARLIEST_STORED_MS, LATEST_MS, STORED_YEARS
from liq.schemas.units import MILLISECOND_NS
from liq.sinks.clickhouse.native import blobs, null_map, packed, strings

Document = Mapping[str, Any]
Documents = Sequence[Document]
Reader = Callable[[Documents], bytes]

# The digits of Decimal(38, 12) before and after the point; a price has more places.
INTEGER_DIGITS = 26
DECIMAL_PLACES = 12
PRICE_PLACES = 18
INTEGER_CODES = {16: "H", 32: "I", 64: "Q"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a block: its type, and the function that reads its values from documents."""

    type: str
    read: Reader


def text(field: str) -> Column:
    """Read a required string."""
    return Column("String", lambda documents: _strings(field, _texts(field, documents)))


def text_or_null(field: str) -> Column:
    """Read a string; null if it is absent or null."""

    def read(documents: Documents) -> bytes:
        values = [document.get(field) for document in documents]
        filled = ["" if value is None else value for value in values]
        _expect(field, filled, {str}, "a string")
        return null_map(values) + _strings(field, filled)

    return Column("Nullable(String)", read)


def texts(field: str) -> Column:
    """Read an array of strings."""

    def read(documents: Documents) -> bytes:
        return _arrays(field, _present(field, documents))

    return Column("Array(String)", read)


def word(field: str, words: type[StrEnum]) -> Column:
    """Read one of the words of an enum column."""
    allowed = frozenset(str(member) for member in words)

    def read(documents: Documents) -> bytes:
        values = _texts(field, documents)
        for value in set(values) - allowed:
            raise DecodeError(f"{field}: {value!r} is not one of {', '.join(sorted(allowed))}")
        return _strings(field, values)

    return Column("String", read)


def decimal(field: str, places: int = DECIMAL_PLACES) -> Column:
    """Read a decimal string without an exponent, exactly."""
    decimal_lines = re.compile(
        rf"(?:-?[0-9]{{1,{INTEGER_DIGITS}}}(?:\.[0-9]{{1,{places}}}0*)?\n)*+"
    )

    def read(documents: Documents) -> bytes:
        values = _texts(field, documents)
        lines = "\n".join(values) + "\n"
        if lines.count("\n") != len(values) or decimal_lines.fullmatch(lines) is None:
            raise DecodeError(
                f"{field}: not a plain decimal of at most {INTEGER_DIGITS} digits before and "
                f"{places} after the point"
            )
        return _strings(field, values)

    return Column("String", read)


def price(field: str) -> Column:
    """Read a price, which has more decimal places than an amount."""
    return decimal(field, PRICE_PLACES)


def decimal_or_null(field: str) -> Column:
    """Read a decimal string without an exponent; null if it is absent or null."""

    def read(documents: Documents) -> bytes:
        values = [document.get(field) for document in documents]
        present = [{field: "0" if value is None else value} for value in values]
        return null_map(values) + decimal(field).read(present)

    return Column("Nullable(String)", read)


def number(field: str) -> Column:
    """Read a binary floating-point number, such as a score."""

    def read(documents: Documents) -> bytes:
        values = _present(field, documents)
        _expect(field, values, {int, float}, "a number")
        try:
            return packed("d", values)
        except (OverflowError, struct.error) as error:
            raise DecodeError(f"{field}: too large a number") from error

    return Column("Float64", read)


def number_or_null(field: str) -> Column:
    """Read a binary floating-point number; null if it is absent or null."""

    def read(documents: Documents) -> bytes:
        values = [document.get(field) for document in documents]
        present = [{field: 0 if value is None else value} for value in values]
        return null_map(values) + number(field).read(present)

    return Column("Nullable(Float64)", read)


def integer(field: str, bits: int) -> Column:
    """Read an integer that fits an unsigned column of `bits`."""
    largest = 2**bits - 1

    def read(documents: Documents) -> bytes:
        values = _present(field, documents)
        sentence = f"a whole number from 0 to {largest}"
        _expect(field, values, {int}, sentence)
        _expect_within(field, values, 0, largest, sentence)
        return packed(INTEGER_CODES[bits], values)

    return Column(f"UInt{bits}", read)


def integers(field: str, bits: int) -> Column:
    """Read an array of integers that fit an unsigned column of `bits`."""
    inner = integer(field, bits)

    def read(documents: Documents) -> bytes:
        values = _present(field, documents)
        _expect(field, values, {list}, "an array of whole numbers")
        ends = packed("Q", list(accumulate(map(len, values))))
        return ends + inner.read([{field: item} for value in values for item in value])

    return Column(f"Array({inner.type})", read)


def integer_or_null(field: str, bits: int) -> Column:
    """Read an integer as `integer` does; null if it is absent or null."""
    inner = integer(field, bits)

    def read(documents: Documents) -> bytes:
        values = [document.get(field) for document in documents]
        present = [{field: 0 if value is None else value} for value in values]
        return null_map(values) + inner.read(present)

    return Column(f"Nullable({inner.type})", read)


def flag(field: str) -> Column:
    """Read true or false."""

    def read(documents: Documents) -> bytes:
        values = _present(field, documents)
        _expect(field, values, {bool}, "true or false")
        return bytes(values)

    return Column("Bool", read)


def moment(field: str) -> Column:
    """Read UTC milliseconds."""
    return Column(
        "DateTime64(3, 'UTC')",
        lambda documents: packed("q", _milliseconds(field, _present(field, documents))),
    )


def moment_or_null(field: str) -> Column:
    """Read UTC milliseconds; null if they are absent or null."""

    def read(documents: Documents) -> bytes:
        values = [document.get(field) for document in documents]
        filled = [EARLIEST_STORED_MS if value is None else value for value in values]
        return null_map(values) + packed("q", _milliseconds(field, filled))

    return Column("Nullable(DateTime64(3, 'UTC'))", read)


def moment_or_epoch(field: str) -> Column:
    """Read UTC milliseconds; 1970 if they are absent or null."""

    def read(documents: Documents) -> bytes:
        values = [document.get(field) for document in documents]
        known = iter(_milliseconds(field, [value for value in values if value is not None]))
        return packed("q", [0 if value is None else next(known) for value in values])

    return Column("DateTime64(3, 'UTC')", read)


def moment_ns(field: str) -> Column:
    """Read UTC nanoseconds."""

    def read(documents: Documents) -> bytes:
        values = _present(field, documents)
        sentence = "UTC nanoseconds between 2000 and 2100"
        _expect(field, values, {int}, sentence)
        _expect_within(
            field,
            values,
            EARLIEST_STORED_MS * MILLISECOND_NS,
            LATEST_MS * MILLISECOND_NS - 1,
            sentence,
        )
        return packed("q", values)

    return Column("DateTime64(9, 'UTC')", read)


def iso_date(field: str) -> Column:
    """Read a date like 2026-07-08."""

    def read(documents: Documents) -> bytes:
        values = _texts(field, documents)
        if not all(map(_is_date, set(values))):
            raise DecodeError(f"{field}: expected a date like 2026-07-08")
        return _strings(field, values)

    return Column("String", read)


def raw_bytes(field: str) -> Column:
    """Read bytes unchanged."""
    return Column("String", lambda documents: blobs(_present(field, documents)))


def json_object(field: str) -> Column:
    """Read an object as JSON text for ClickHouse's JSON functions; empty if absent or null."""

    def read(documents: Documents) -> bytes:
        values = [document.get(field) for document in documents]
        if any(value is not None and type(value) is not dict for value in values):
            raise DecodeError(f"{field}: expected an object")
        try:
            # One at a time, because each of orjson's results occupies a buffer of some kilobytes.
            return blobs(b"" if value is None else orjson.dumps(value) for value in values)
        except orjson.JSONEncodeError as error:
            # orjson writes fewer levels than it reads.
            raise DecodeError(f"{field}: nested too deeply") from error

    return Column("String", read)


def within(field: str, inner: Column) -> Column:
    """Read `inner` from the object in a field."""

    def read(documents: Documents) -> bytes:
        values = _present(field, documents)
        _expect(field, values, {dict}, "an object")
        try:
            return inner.read(values)
        except DecodeError as error:
            raise DecodeError(f"{field}.{error}") from error

    return Column(inner.type, read)


def default(inner: Column, field: str, value: object) -> Column:
    """Read `inner`, with `value` in place of an absent or null field."""
    replacement = {field: value}

    def read(documents: Documents) -> bytes:
        return inner.read(
            [replacement if document.get(field) is None else document for document in documents]
        )

    return Column(inner.type, read)


def _present(field: str, documents: Documents) -> list[Any]:
    try:
        return [document[field] for document in documents]
    except KeyError as error:
        raise DecodeError(f"{field}: missing") from error


def _texts(field: str, documents: Documents) -> list[str]:
    values = _present(field, documents)
    _expect(field, values, {str}, "a string")
    return values


def _arrays(field: str, values: Sequence[Any]) -> bytes:
    _expect(field, values, {list}, "an array of strings")
    flat = [item for value in values for item in value]
    _expect(field, flat, {str}, "an array of strings")
    return packed("Q", list(accumulate(map(len, values)))) + _strings(field, flat)


def _strings(field: str, values: Sequence[str]) -> bytes:
    try:
        return strings(values)
    except UnicodeEncodeError as error:
        raise DecodeError(f"{field}: not text") from error


def _milliseconds(field: str, values: Sequence[Any]) -> Sequence[int]:
    sentence = "UTC milliseconds between 2000 and 2100"
    _expect(field, values, {int}, sentence)
    _expect_within(field, values, EARLIEST_STORED_MS, LATEST_MS - 1, sentence)
    return values


def _expect(field: str, values: Sequence[Any], types: set[type], sentence: str) -> None:
    # Exact types, because Python's bool is a subclass of int but JSON's true is no integer.
    if not set(map(type, values)) <= types:
        raise DecodeError(f"{field}: expected {sentence}")


def _expect_within(
    field: str, values: Sequence[int], smallest: int, largest: int, sentence: str
) -> None:
    if values and not (smallest <= min(values) and max(values) <= largest):
        raise DecodeError(f"{field}: expected {sentence}")


def _is_date(value: str) -> bool:
    try:
        found = date.fromisoformat(value)
    except ValueError:
        return False
    return found.isoformat() == value and found.year in STORED_YEARS
