"""Parsing of CSV lines, and of fields that several archives share."""

import csv
from collections.abc import Iterable, Iterator
from typing import Final

from liq.processors.archives.entries import BadLine, Line
from liq.processors.normalizers.errors import shown

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
DIGITS_OF_MS: Final = 13
DIGITS_OF_US: Final = 16
MALFORMED: Final = "malformed_line"


def split_row(content: bytes) -> list[str] | None:
    """Return the fields of a line; None if it is not CSV in UTF-8."""
    try:
        text = content.removeprefix(BYTE_ORDER_MARK).decode().rstrip("\r")
    except UnicodeDecodeError:
        return None
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True), None)
    except csv.Error:
        return None


def column_names(content: bytes) -> tuple[str, ...]:
    """Return the names of a header in lower case; an empty tuple if the line is not CSV."""
    return tuple(name.strip().lower() for name in split_row(content) or ())


def rows(
    lines: Iterable[Line], count: int, header: tuple[str, ...] = ()
) -> Iterator[tuple[Line, list[str]] | BadLine]:
    """Yield each line with its `count` fields, or a bad line; skip headers and empty lines."""
    for line in lines:
        if not line.content.strip():
            continue
        fields = split_row(line.content)
        if fields is None:
            yield BadLine(line.number, MALFORMED, "The line is no CSV in UTF-8.")
        elif len(fields) != count:
            yield BadLine(
                line.number, MALFORMED, f"The line has {len(fields)} fields, not {count}."
            )
        elif not header or column_names(line.content) != header:
            yield line, fields


def whole_time(text: str, name: str, *, digits: int, unit: str) -> int:
    """Parse a time with the number of digits that its unit has in this century.

    Raises:
        ValueError: it is in another unit or not a number; the message is a sentence.
    """
    if len(text) == digits and text.isascii() and text.isdigit():
        return int(text)
    raise ValueError(f"{name} is {shown(text)}, not {unit} since 1970.")


def milliseconds(text: str, name: str) -> int:
    """Parse a time in milliseconds.

    Raises:
        ValueError: as for `whole_time`.
    """
    return whole_time(text, name, digits=DIGITS_OF_MS, unit="milliseconds")


def milliseconds_of_us(text: str, name: str) -> int:
    """Parse a time in microseconds; return milliseconds.

    Raises:
        ValueError: as for `whole_time`.
    """
    return whole_time(text, name, digits=DIGITS_OF_US, unit="microseconds") // 1_000
