"""Pacifica: `trades`, in which a trade tells its cause.

Source: docs.pacifica.fi, websocket "Trades" (read 2026); causes seen by a public recorder, 2026.

- `d` says what the taker did: with a liquidation for its cause, `close_long` closes a long.
- `tc` is the cause. The documentation names market_liquidation and backstop_liquidation, and
  insolvency_liquidation was seen, too, so that every cause that ends in LIQUIDATION_SUFFIX is taken
  for one, but AUTO_DELEVERAGING: its party won (docs.pacifica.fi, account liquidations; the word in
  the balance events of the API, 2026), and it is rejected as `not_a_liquidation`. Neither a normal
  trade nor a settlement is an event.
- `a` is in units of the base; `p` is the fill's price; `t` is in milliseconds.
- Every fill is published, so one liquidated position may be many events. There is no channel of
  liquidations alone.
- The id is symbol, `h` (history) and `li`.
- Markets are quoted and settled in USDC. kBONK is a thousand BONK.
"""

import re
from functools import lru_cache
from typing import Any, Final

from liq.processors.normalizers.kit import (
    EntryError,
    Feed,
    Market,
    Reading,
    Venue,
    array_field,
    check_symbol,
    liquidated_side,
    needed,
    new_market,
    positive_decimal,
    positive_price,
    row_object,
    shown,
    take,
    text,
    text_field,
    timestamp,
    unknown_message,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, ContractKind, PriceKind, RejectReason, Side

LIQUIDATED: Final = {"close_long": Side.LONG, "close_short": Side.SHORT}
COMPLETENESS: Final = Completeness.COMPLETE
PRICE_KIND: Final = PriceKind.FILL
LIQUIDATION_SUFFIX: Final = "_liquidation"
AUTO_DELEVERAGING: Final = "adl_liquidation"
OTHER_CAUSES: Final = frozenset({"normal", "settlement"})
CONTROL_CHANNELS: Final = frozenset({"subscribe", "unsubscribe", "pong", "error"})
TRADE_FIELDS: Final = needed("s", "d", "p", "a", "t", "h", "li")
MAX_ID: Final = 2**63 - 1
QUOTE: Final = "USDC"

_THOUSANDS = re.compile(r"k(?=[^\W\d_a-z])")


def read_trades(reading: Reading, message: Any) -> None:
    """Read a `trades` message, or a control frame."""
    if type(message) is not dict:
        raise unknown_message(message)
    channel = message.get("channel")
    if channel == "trades":
        reading.entries(array_field(message, "data"), read_trade)
    elif type(channel) is not str or channel not in CONTROL_CHANNELS:
        raise unknown_message(message)


def read_trade(reading: Reading, trade: Any) -> Liquidation | None:
    """Read one trade; only one that a liquidation caused is an event."""
    fields = row_object(trade)
    cause = text_field(fields, "tc")
    if not cause.endswith(LIQUIDATION_SUFFIX):
        if cause in OTHER_CAUSES:
            return None
        raise EntryError(
            RejectReason.UNKNOWN_MESSAGE, f"No known trade has the cause {shown(cause)}."
        )
    if cause == AUTO_DELEVERAGING:
        raise EntryError(
            RejectReason.NOT_A_LIQUIDATION,
            "An auto-deleveraging closes a winner's position; nobody is liquidated.",
        )
    symbol, direction, raw_price, size, time, history, last = take(fields, TRADE_FIELDS)
    identity = f"{symbol}|{trade_number(history, 'h')}|{trade_number(last, 'li')}"
    return reading.liquidation(
        perpetual_market(text(symbol, "s")),
        reading.own_id(identity),
        liquidated_side(direction, "d", LIQUIDATED),
        positive_price(raw_price, "p"),
        positive_decimal(size, "a"),
        timestamp(time, "t", reading.received_at_ms),
        PRICE_KIND,
        COMPLETENESS,
    )


def trade_number(value: object, name: str) -> int:
    """Return one of the numbers that identify a trade.

    Raises:
        EntryError: missing_field.
    """
    if type(value) is not int or not 0 <= value <= MAX_ID:
        raise EntryError(
            RejectReason.MISSING_FIELD, f"{name} is {shown(value)}, not the number of a trade."
        )
    return value


@lru_cache(maxsize=8192)
def perpetual_market(symbol: str) -> Market:
    """Resolve BTC, or kBONK.

    Raises:
        EntryError: invalid_symbol.
    """
    base = _THOUSANDS.sub("1000", check_symbol(symbol), count=1)
    return new_market(symbol, base, QUOTE, settle=QUOTE, contract=ContractKind.LINEAR)


VENUE: Final = Venue(
    exchange="pacifica",
    feeds={
        "trades": Feed(
            read=read_trades,
            publishes="every fill of a liquidated position",
            completeness=COMPLETENESS,
            price_kind=PRICE_KIND,
            long_when="`d` = close_long (the position's)",
            quantity="units of the base",
            identity="symbol, h, li",
            unsettled="the causes `tc`",
        )
    },
)
