"""Columns: each reads and checks the values of one column from many JSON documents at once.

ClickHouse silently replaces a missing field with the column's default, and truncates decimals and
times that do not fit, so this module checks presence, type, words and range before inserting. It
works column by column, at a third of the cost of record by record. A message names the field but
not the document; `liq.sinks.clickhouse.encoding` finds the document.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

import orjson

from liq.schemas.codec import DecodeError
from liq.schemas.plausible_time import EARLIEST_STORED_MS
from liq.sinks.clickhouse.field_values import (
    Documents,
    checked_milliseconds,
    checked_nanoseconds,
    expect_types,
    expect_within,
    is_iso_date,
    text_array_bytes,
    text_bytes,
    texts_of,
    values_of,
)
from liq.sinks.clickhouse.native import blobs, null_map, packed

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
    return Column("String", lambda documents: text_bytes(field, texts_of(field, documents)))


def text_or_null(field: str) -> Column:
    """Read a string; null if it is absent or null."""

    def read(documents: Documents) -> bytes:
        values = [document.get(field) for document in documents]
        filled = ["" if value is None else value for value in values]
        expect_types(field, filled, {str}, "a string")
        return null_map(values) + text_bytes(field, filled)

    return Column("Nullable(String)", read)


def texts(field: str) -> Column:
    """Read an array of strings."""

    def read(documents: Documents) -> bytes:
        return text_array_bytes(field, values_of(field, documents))

    return Column("Array(String)", read)


def word(field: str, words: type[StrEnum]) -> Column:
    """Read one of the words of an enum column."""
    allowed = frozenset(str(member) for member in words)

    def read(documents: Documents) -> bytes:
        values = texts_of(field, documents)
        for value in set(values) - allowed:
            raise DecodeError(f"{field}: {value!r} is not one of {', '.join(sorted(allowed))}")
        return text_bytes(field, values)

    return Column("String", read)


def decimal(field: str, places: int = DECIMAL_PLACES) -> Column:
    """Read a decimal string without an exponent, exactly."""
    decimal_lines = re.compile(
        rf"(?:-?[0-9]{{1,{INTEGER_DIGITS}}}(?:\.[0-9]{{1,{places}}}0*)?\n)*+"
    )

    def read(documents: Documents) -> bytes:
        values = texts_of(field, documents)
        lines = "\n".join(values) + "\n"
        if lines.count("\n") != len(values) or decimal_lines.fullmatch(lines) is None:
            raise DecodeError(
                f"{field}: not a plain decimal of at most {INTEGER_DIGITS} digits before and "
                f"{places} after the point"
            )
        return text_bytes(field, values)

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
        values = values_of(field, documents)
        expect_types(field, values, {int, float}, "a number")
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
        values = values_of(field, documents)
        sentence = f"a whole number from 0 to {largest}"
        expect_types(field, values, {int}, sentence)
        expect_within(field, values, 0, largest, sentence)
        return packed(INTEGER_CODES[bits], values)

    return Column(f"UInt{bits}", read)


def integers(field: str, bits: int) -> Column:
    """Read an array of integers that fit an unsigned column of `bits`."""
    inner = integer(field, bits)

    def read(documents: Documents) -> bytes:
        values = values_of(field, documents)
        expect_types(field, values, {list}, "an array of whole numbers")
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
        values = values_of(field, documents)
        expect_types(field, values, {bool}, "true or false")
        return bytes(values)

    return Column("Bool", read)


def moment(field: str) -> Column:
    """Read UTC milliseconds."""
    return Column(
        "DateTime64(3, 'UTC')",
        lambda documents: packed("q", checked_milliseconds(field, values_of(field, documents))),
    )


def moment_or_null(field: str) -> Column:
    """Read UTC milliseconds; null if they are absent or null."""

    def read(documents: Documents) -> bytes:
        values = [document.get(field) for document in documents]
        filled = [EARLIEST_STORED_MS if value is None else value for value in values]
        return null_map(values) + packed("q", checked_milliseconds(field, filled))

    return Column("Nullable(DateTime64(3, 'UTC'))", read)


def moment_or_epoch(field: str) -> Column:
    """Read UTC milliseconds; 1970 if they are absent or null."""

    def read(documents: Documents) -> bytes:
        values = [document.get(field) for document in documents]
        known = iter(checked_milliseconds(field, [value for value in values if value is not None]))
        return packed("q", [0 if value is None else next(known) for value in values])

    return Column("DateTime64(3, 'UTC')", read)


def moment_ns(field: str) -> Column:
    """Read UTC nanoseconds."""
    return Column(
        "DateTime64(9, 'UTC')",
        lambda documents: packed("q", checked_nanoseconds(field, values_of(field, documents))),
    )


def iso_date(field: str) -> Column:
    """Read a date like 2026-07-08."""

    def read(documents: Documents) -> bytes:
        values = texts_of(field, documents)
        if not all(map(is_iso_date, set(values))):
            raise DecodeError(f"{field}: expected a date like 2026-07-08")
        return text_bytes(field, values)

    return Column("String", read)


def raw_bytes(field: str) -> Column:
    """Read bytes unchanged."""
    return Column("String", lambda documents: blobs(values_of(field, documents)))


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
        values = values_of(field, documents)
        expect_types(field, values, {dict}, "an object")
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
