"""Parse only those fields of a liquidation that the detector reads.

`decode_observation(data)` equals `view_event(decode(Liquidation, data))`, errors included, with two
exceptions. It does not check fields that detection does not read; the sinks check every field of
the same record. And it rejects names and times of receipt that no normalizer writes: long names
would fill the state, and a far receive time would move the clock beyond all later records.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

import orjson

from liq.processors.cascades.observation import (
    EventView,
    ImplausibleEvent,
    Observation,
    cents,
    is_plausible,
)
from liq.schemas.codec import DecodeError, parse_decimal
from liq.schemas.plausible_time import LATEST_MS
from liq.schemas.vocabulary import Arrival, Completeness, PriceKind, Side

Word = TypeVar("Word", bound=str)

MAX_NAME_CHARACTERS: Final = 256

_SIDES: Final = {word.value: word for word in Side}
_PRICE_KINDS: Final = {word.value: word.value for word in PriceKind}
_COMPLETENESS: Final = {word.value: word for word in Completeness}
_ARRIVALS: Final = {word.value: word for word in Arrival}
_LIVE: Final = Arrival.LIVE
_COMPLETE: Final = Completeness.COMPLETE


def decode_observation(data: bytes, *, takes_history: bool = False) -> EventView:
    """Parse the JSON of a liquidation into the detector's view of it.

    With `takes_history`, events that arrived as history are parsed like live ones, for backtests.

    Raises:
        DecodeError: not JSON, or a field that the detector reads is missing or has a wrong value;
            the message names the first one in the order of the record.
    """
    try:
        fields = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"not JSON: {error}") from error
    if type(fields) is not dict:
        raise DecodeError("expected an object for Liquidation")
    event_id = _name(fields, "event_id")
    exchange = _name(fields, "exchange")
    symbol = _name(fields, "symbol")
    base = _name(fields, "base")
    side = _word(fields, "side", _SIDES)
    price = _decimal(fields, "price")
    price_kind = _word(fields, "price_kind", _PRICE_KINDS)
    value_usd = _decimal(fields, "value_usd")
    timestamp_ms = _integer(fields, "timestamp_ms")
    received_at_ms = _receipt(fields)
    is_complete = _word(fields, "completeness", _COMPLETENESS) is _COMPLETE
    # Records without the field are older than it, and live.
    is_late = "arrival" in fields and _word(fields, "arrival", _ARRIVALS) is not _LIVE
    if is_late and not takes_history:
        return None
    if not is_plausible(price, value_usd):
        return ImplausibleEvent(received_at_ms)
    return Observation(
        event_id,
        base,
        side,
        exchange,
        symbol,
        timestamp_ms,
        received_at_ms,
        cents(value_usd),
        price,
        is_complete,
        price_kind,
    )


def _name(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if type(value) is not str:
        raise _wrong(fields, name, f"expected str, got {type(value).__name__}")
    if not 0 < len(value) <= MAX_NAME_CHARACTERS:
        raise _wrong(fields, name, f"{len(value)} characters, not 1 to {MAX_NAME_CHARACTERS}")
    return value


def _receipt(fields: dict[str, Any]) -> int:
    value = _integer(fields, "received_at_ms")
    if not 0 <= value < LATEST_MS:
        raise _wrong(fields, "received_at_ms", f"{value} is no UTC time in ms before 2100")
    return value


def _integer(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int:
        raise _wrong(fields, name, f"expected int, got {type(value).__name__}")
    return value


def _word(fields: dict[str, Any], name: str, words: Mapping[str, Word]) -> Word:
    value = fields.get(name)
    word = words.get(value) if type(value) is str else None
    if word is None:
        raise _wrong(fields, name, f"{value!r} is not one of {', '.join(words)}")
    return word


def _decimal(fields: dict[str, Any], name: str) -> Decimal:
    try:
        return parse_decimal(fields.get(name))
    except DecodeError as error:
        raise _wrong(fields, name, str(error)) from error


def _wrong(fields: dict[str, Any], name: str, problem: str) -> DecodeError:
    return DecodeError(f"{name}: {problem if name in fields else 'missing'}")
