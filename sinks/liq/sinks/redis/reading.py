"""Parsing of only those fields of a liquidation that the hot state keeps, with checks. Pure.

Decoding the whole record by `liq.schemas.codec.decode` would cost more than the sink's other work
on it.
"""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

import orjson

from liq.schemas.codec import DECIMAL_GRAMMAR, DecodeError, decimal_text
from liq.schemas.vocabulary import Side

MICRO: Final = Decimal("0.000001")
#: The text fields in the lists of newest liquidations, under the record's names.
SHOWN_TEXTS: Final = (
    "event_id", "exchange", "symbol", "native_symbol", "base", "side", "price", "price_kind",
    "quantity", "value_usd", "completeness",
)  # fmt: skip
MAX_DECIMAL_CHARACTERS: Final = 64

_texts: Final = itemgetter(*SHOWN_TEXTS)
_SIDES: Final = frozenset(side.value for side in Side)
_DOLLARS: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)
_is_decimal: Final = re.compile(DECIMAL_GRAMMAR, re.ASCII).fullmatch


class HotEvent(NamedTuple):
    """The fields of a liquidation for the sums, and `shown`, its JSON for the lists.

    `level` is the price level without trailing zeros, so that equal levels are equal texts.
    """

    event_id: str
    asset: str
    side: str
    value_usd: Decimal
    level: str
    timestamp_ms: int
    received_at_ms: int
    shown: str


def read_event(value: bytes) -> HotEvent:
    """Parse a record of the events topic.

    Raises:
        DecodeError: a field that the hot state keeps is missing or has another type.
    """
    try:
        found: dict[str, Any] = orjson.loads(value)
        texts = _texts(found)
        shown = dict(zip(SHOWN_TEXTS, texts, strict=True))
        shown["timestamp_ms"] = found["timestamp_ms"]
        shown["is_institutional"] = found["is_institutional"]
        received_at_ms, level = found["received_at_ms"], found["price_level"]
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"not JSON: {error}") from error
    except KeyError as error:
        raise DecodeError(f"{error.args[0]} is missing") from error
    except TypeError as error:
        raise DecodeError("not an object") from error
    _check(texts, shown, received_at_ms)
    return HotEvent(
        event_id=shown["event_id"],
        asset=shown["base"],
        side=shown["side"],
        value_usd=Decimal(shown["value_usd"]),
        level=_level(level if isinstance(level, str) else ""),
        timestamp_ms=shown["timestamp_ms"],
        received_at_ms=received_at_ms,
        shown=orjson.dumps(shown).decode(),
    )


def micro_dollars(value_usd: Decimal) -> int:
    """Convert dollars to millionths, rounded half to even."""
    return int(value_usd.quantize(MICRO, context=_DOLLARS).scaleb(6, context=_DOLLARS))


def _check(texts: tuple[Any, ...], shown: dict[str, Any], received_at_ms: Any) -> None:
    try:
        "".join(texts)
    except TypeError as error:
        raise DecodeError(f"one of {', '.join(SHOWN_TEXTS)} is no text") from error
    for name in ("price", "quantity", "value_usd"):
        _check_decimal(name, shown[name])
    if shown["side"] not in _SIDES:
        raise DecodeError("side is neither LONG nor SHORT")
    if type(shown["timestamp_ms"]) is not int or type(received_at_ms) is not int:
        raise DecodeError("a time is no whole number")
    if type(shown["is_institutional"]) is not bool:
        raise DecodeError("is_institutional is neither true nor false")


def _check_decimal(name: str, text: str) -> None:
    if len(text) > MAX_DECIMAL_CHARACTERS or not _is_decimal(text):
        raise DecodeError(f"{name} is no decimal number")


@lru_cache(maxsize=16_384)
def _level(text: str) -> str:
    _check_decimal("price_level", text)
    return decimal_text(_DOLLARS.normalize(Decimal(text)))
