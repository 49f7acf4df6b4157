"""The Kafka key of a raw frame: the venue's own symbol, so that a symbol keeps its order.

Only a key: nothing downstream takes meaning from it, and a frame without a symbol in the expected
place is keyed by its exchange. Frames that carry several symbols are keyed by the first one.
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
    """The native symbol in a frame, or the exchange's name; never raises."""
    find = _SYMBOLS.get(exchange)
    if find is None:
        return exchange.encode()
    try:
        message = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return exchange.encode()
    return message_key(exchange, find, message)


def message_key(exchange: str, find: SymbolOf, message: Any) -> bytes:
    """The same for a message that was parsed already."""
    try:
        symbol = find(message)
    except (LookupError, TypeError, AttributeError):
        return exchange.encode()
    if not isinstance(symbol, str):
        return exchange.encode()
    key = symbol.encode(errors="replace")
    return key if 0 < len(key) <= MAX_KEY_BYTES else exchange.encode()
