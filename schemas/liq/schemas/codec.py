"""The conversion of records to JSON bytes and back.

Encoding is canonical: equal records give equal bytes. Decoding checks types and enumerations,
ignores unknown fields (of a newer writer), and accepts absent optional fields (of an older one).
Decimals are written as plain decimal strings, bytes as base64.
"""

import re
import types
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import orjson

from liq.schemas.records import Liquidation

Record = TypeVar("Record")
Converter = Callable[[Any], Any]

# The format of `decimal_text`. Python's parser also accepts exponents, underscores and digits of
# other scripts; the 11 bytes of "1E+99999999" would become a hundred million.
DECIMAL_GRAMMAR: Final = r"-?[0-9]+(\.[0-9]+)?"
_is_decimal: Final = re.compile(DECIMAL_GRAMMAR).fullmatch


class DecodeError(ValueError):
    """The bytes are not a valid record of the wanted type; the message has the field."""


def encode(record: object) -> bytes:
    """Return the canonical JSON of a record (a dataclass of `liq.schemas.records`)."""
    document = _document(record) if type(record) is Liquidation else record
    # Copy: orjson's bytes keep a buffer of up to 16 KiB in memory.
    return memoryview(orjson.dumps(document, default=_encode_scalar)).tobytes()


def decode(record_type: type[Record], data: bytes) -> Record:
    """Parse JSON bytes into `record_type`, a dataclass of `liq.schemas.records`.

    Raises:
        DecodeError: not JSON, a required field is missing, or a value has the wrong type.
    """
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"not JSON: {error}") from error
    converter: Converter = _converter(cast("Any", record_type))
    converted: Record = converter(document)
    return converted


def decimal_text(value: Decimal) -> str:
    """Return a decimal as text without an exponent, which every consumer can parse."""
    text = str(value)  # takes half the time of `format`, and rarely has an exponent
    return text if "E" not in text else format(value, "f")


def parse_decimal(value: object) -> Decimal:
    """Parse a decimal in the format of `decimal_text`.

    Raises:
        DecodeError: the value has another format.
    """
    if type(value) is not str:
        raise DecodeError("expected a decimal string")
    if not _is_decimal(value):
        raise DecodeError(f"not a decimal: {value!r}")
    return Decimal(value)


def _document(event: Liquidation) -> dict[str, Any]:
    # orjson writes the same bytes for the dataclass itself, but more slowly: it looks up every
    # attribute by name, and calls back for every decimal.
    rate = event.rate
    return {
        "event_id": event.event_id,
        "exchange": event.exchange,
        "symbol": event.symbol,
        "native_symbol": event.native_symbol,
        "base": event.base,
        "quote": event.quote,
        "settle": event.settle,
        "contract": event.contract,
        "side": event.side,
        "price": decimal_text(event.price),
        "price_kind": event.price_kind,
        "quantity": decimal_text(event.quantity),
        "value_usd": decimal_text(event.value_usd),
        "timestamp_ms": event.timestamp_ms,
        "received_at_ms": event.received_at_ms,
        "completeness": event.completeness,
        "evidence": event.evidence,
        "is_institutional": event.is_institutional,
        "price_level": decimal_text(event.price_level),
        "liquidated_user": event.liquidated_user,
        "liquidator": event.liquidator,
        "source": event.source,
        "contract_version": event.contract_version,
        "rate": None if rate is None else decimal_text(rate),
        "rate_currency": event.rate_currency,
        "rate_age_ms": event.rate_age_ms,
        "arrival": event.arrival,
        "stamped_at_ms": event.stamped_at_ms,
        "schema_version": event.schema_version,
    }


def _encode_scalar(value: object) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _to_bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise DecodeError("expected base64 text")
    try:
        return b64decode(value, validate=True)
    except (Base64Error, ValueError) as error:
        raise DecodeError("not base64") from error


def _to_float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError("expected a number")
    return float(value)


def _exactly(wanted: type) -> Converter:
    def convert(value: object) -> object:
        if type(value) is not wanted:
            raise DecodeError(f"expected {wanted.__name__}, got {type(value).__name__}")
        return value

    return convert


def _to_word(words: type[StrEnum]) -> Converter:
    by_text: Final = {word.value: word for word in words}

    def convert(value: object) -> StrEnum:
        word = by_text.get(value) if type(value) is str else None
        if word is None:
            raise DecodeError(f"{value!r} is not one of {', '.join(words)}")
        return word

    return convert


def _to_tuple(item: Converter) -> Converter:
    def convert(value: object) -> tuple[Any, ...]:
        if type(value) is not list:
            raise DecodeError("expected an array")
        return tuple(item(element) for element in value)

    return convert


def _optional(inner: Converter) -> Converter:
    def convert(value: object) -> object:
        return None if value is None else inner(value)

    return convert


def _to_record(record_type: Any) -> Converter:
    hints = get_type_hints(record_type)
    plan = [
        (
            field.name,
            _as_it_is(hints[field.name]),
            _converter(hints[field.name]),
            field.default is MISSING,
        )
        for field in fields(record_type)
    ]

    def convert(value: object) -> object:
        if type(value) is not dict:
            raise DecodeError(f"expected an object for {record_type.__name__}")
        arguments = {}
        for name, as_it_is, converter, is_required in plan:
            item = value.get(name, MISSING)
            if type(item) is as_it_is:
                arguments[name] = item
            elif item is not MISSING:
                try:
                    arguments[name] = converter(item)
                except DecodeError as error:
                    raise DecodeError(f"{name}: {error}") from error
            elif is_required:
                raise DecodeError(f"{name}: missing")
        return record_type(**arguments)

    return convert


def _as_it_is(hint: Any) -> type | None:
    """Return the type of the field's values that need no converter; None if all need one."""
    if hint in (str, int, bool):
        return cast("type", hint)
    return type(None) if get_origin(hint) in (Union, types.UnionType) else None


SCALARS: dict[type, Converter] = {Decimal: parse_decimal, bytes: _to_bytes, float: _to_float}


@cache
def _converter(hint: Any) -> Converter:
    if hint in SCALARS:
        return SCALARS[hint]
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = next(argument for argument in get_args(hint) if argument is not type(None))
        return _optional(_converter(inner))
    if origin is tuple:
        return _to_tuple(_converter(get_args(hint)[0]))
    if isinstance(hint, type) and is_dataclass(hint):
        return _to_record(hint)
    if issubclass(hint, StrEnum):
        return _to_word(hint)
    return _exactly(hint)
