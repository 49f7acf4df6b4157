"""ClickHouse's Native format: blocks of columns, little-endian.

A block starts with its numbers of columns and rows; each column's name, type and values follow. The
server casts a column whose declared type differs from the table's, with the same errors as for
text. So JSON's texts are sent as String.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Longer strings need more than one byte for their length.
SHORT = 128
_SHORT_LENGTHS = tuple(chr(length) for length in range(SHORT))


@dataclass(frozen=True, slots=True)
class NativeColumn:
    """A column's name, its type in the block, and the bytes of its values."""

    name: str
    type: str
    data: bytes


def block(row_count: int, columns: Sequence[NativeColumn]) -> bytes:
    """Return the bytes of a block of columns with `row_count` values each."""
    parts = [_variable_integer(len(columns)), _variable_integer(row_count)]
    for column in columns:
        parts += (blob(column.name.encode()), blob(column.type.encode()), column.data)
    return b"".join(parts)


def strings(values: Sequence[str]) -> bytes:
    """Encode the values of a String column.

    Raises:
        UnicodeEncodeError: a value contains a lone surrogate.
    """
    distinct = set(values)
    if 2 * len(distinct) <= len(values):
        encoded = {value: blob(value.encode()) for value in distinct}
        return b"".join(map(encoded.__getitem__, values))
    if max(map(len, values), default=0) < SHORT:
        joined = "".join([_SHORT_LENGTHS[len(value)] + value for value in values])
        if joined.isascii():
            return joined.encode()
    return b"".join([blob(value.encode()) for value in values])


def blobs(values: Iterable[bytes]) -> bytes:
    """Encode the values of a String column that need not be text."""
    return b"".join(map(blob, values))


def blob(value: bytes) -> bytes:
    """Encode one value of a String column: its length and its bytes."""
    return _variable_integer(len(value)) + value


def packed(code: str, values: Sequence[float]) -> bytes:
    """Encode the values of a number column; `code` is its type's letter in `struct`."""
    return struct.pack(f"<{len(values)}{code}", *values)


def null_map(values: Iterable[object]) -> bytes:
    """Encode the null map, which precedes the values of a Nullable column."""
    return bytes([value is None for value in values])


def _variable_integer(number: int) -> bytes:
    encoded = bytearray()
    while number >= SHORT:
        encoded.append(number % SHORT | SHORT)
        number //= SHORT
    encoded.append(number)
    return bytes(encoded)
