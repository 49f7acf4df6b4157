"""The Kafka key of a raw frame: the venue's own symbol, so that a symbol keeps its order.

Only a key: nothing downstream takes meaning from it, and a frame without a symbol in the expected
place is keyed by its exchange. Frames that carry several symbols are keyed by the first one.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

MAX_KEY_BYTES: Final = 64
Document = Mapping[str, Any]


def _binance(document: Document) -> Any:
    # The combined stream wraps the event of the raw stream in {"stream", "data"}.
    event = document["data"] if "stream" in document else document
    return event["o"]["s"]


def _bybit(document: Document) -> Any:
    return document["topic"].rpartition(".")[2]


def _okx(document: Document) -> Any:
    return document["data"][0]["instId"]


def _hyperliquid(document: Document) -> Any:
    data = document["data"]
    # `trades` carries a list of trades; `userFills` an object with a list of fills.
    entries = data["fills"] if isinstance(data, dict) else data
    return entries[0]["coin"]


_SYMBOLS: Final[Mapping[str, Callable[[Document], Any]]] = {
    "binance": _binance,
    "bybit": _bybit,
    "okx": _okx,
    "hyperliquid": _hyperliquid,
}


def record_key(exchange: str, frame: bytes) -> bytes:
    """The native symbol in a frame, or the exchange's name; never raises."""
    find = _SYMBOLS.get(exchange)
    if find is None:
        return exchange.encode()
    try:
        symbol = find(orjson.loads(frame))
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        return exchange.encode()
    if not isinstance(symbol, str):
        return exchange.encode()
    key = symbol.encode()
    return key if 0 < len(key) <= MAX_KEY_BYTES else exchange.encode()
