"""The Kafka key of a raw frame: the venue's own symbol, so that the frames of a symbol keep order.

The key has no other meaning downstream. The key of a frame without a symbol in the expected place
is its exchange. The key of a frame with several symbols is the first one.
"""

from typing import Any, Final

import orjson

from liq.producers.feeds.registry import FEEDS
from liq.producers.feeds.spec import SymbolOf

# The longest symbol that the normalizers accept, 128 characters, in UTF-8.
MAX_KEY_BYTES: Final = 512
# The feeds of one exchange have their symbol in the same places.
_SYMBOLS: Final = {exchange: feeds[0].symbol_of for exchange, feeds in FEEDS.items()}


def record_key(exchange: str, frame: bytes) -> bytes:
    """Return the native symbol in a frame, or the exchange's name; never raise."""
    find = _SYMBOLS.get(exchange)
    if find is None:
        return exchange.encode()
    try:
        message = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return exchange.encode()
    return message_key(exchange, find, message)


def message_key(exchange: str, find: SymbolOf, message: Any) -> bytes:
    """Return the key of a frame whose JSON is parsed already."""
    try:
        symbol = find(message)
    except (LookupError, TypeError, AttributeError):
        return exchange.encode()
    if not isinstance(symbol, str):
        return exchange.encode()
    key = symbol.encode(errors="replace")
    return key if 0 < len(key) <= MAX_KEY_BYTES else exchange.encode()
