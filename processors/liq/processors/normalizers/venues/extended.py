"""Extended: `publicTrades` of all markets, in which a trade has a type.

Sources: api.docs.extended.exchange, "Trades stream" (read 2026); x10xchange/python_sdk, the public
trade's model (read 2026); the type LIQUIDATION was seen on the tape by a public recorder on
2026-09-27.

- `S` is the taker's side. The venue closes a position with a taker order, so that SELL closes a
  long. That the taker of a LIQUIDATION is the liquidated account is not documented; a public reader
  of 2026 supposes the same.
- `tT` is TRADE, LIQUIDATION or DELEVERAGE. A DELEVERAGE closes the position of an account that
  wins, and is rejected as `not_a_liquidation`.
- `q` is in units of the base; `p` is the trade's price; `T` is in milliseconds.
- Every trade is published, so one liquidated position may be many events. The venue sends no trades
  of the past; its REST answers with the newest 50 of a market only.
- The id is market and `i`.
- Markets are named BTC-USD; the collateral is USDC. Markets of metals, currencies and indices have
  names of the same form.
"""

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

#: By the taker's side.
LIQUIDATED: Final = {"SELL": Side.LONG, "BUY": Side.SHORT}
COMPLETENESS: Final = Completeness.COMPLETE
PRICE_KIND: Final = PriceKind.FILL
TRADE: Final = "TRADE"
LIQUIDATION: Final = "LIQUIDATION"
DELEVERAGE: Final = "DELEVERAGE"
TRADE_FIELDS: Final = needed("m", "S", "T", "p", "q", "i")
MAX_ID: Final = 2**63 - 1
SETTLE: Final = "USDC"


def read_trades(reading: Reading, message: Any) -> None:
    """Read a message of the trades stream."""
    if type(message) is not dict or "data" not in message:
        raise unknown_message(message)
    reading.entries(array_field(message, "data"), read_trade)


def read_trade(reading: Reading, trade: Any) -> Liquidation | None:
    """Read one trade; only a liquidation is an event."""
    fields = row_object(trade)
    kind = text_field(fields, "tT")
    if kind == TRADE:
        return None
    if kind == DELEVERAGE:
        raise EntryError(
            RejectReason.NOT_A_LIQUIDATION,
            "A deleverage closes a winner's position; nobody is liquidated.",
        )
    if kind != LIQUIDATION:
        raise EntryError(
            RejectReason.UNKNOWN_MESSAGE, f"No known trade has the type {shown(kind)}."
        )
    market, side, time, raw_price, size, number = take(fields, TRADE_FIELDS)
    return reading.liquidation(
        perpetual_market(text(market, "m")),
        reading.own_id(f"{market}|{trade_number(number)}"),
        liquidated_side(side, "S", LIQUIDATED),
        positive_price(raw_price, "p"),
        positive_decimal(size, "q"),
        timestamp(time, "T", reading.received_at_ms),
        PRICE_KIND,
        COMPLETENESS,
    )


def trade_number(value: object) -> int:
    """Return the number that identifies a trade of a market.

    Raises:
        EntryError: missing_field.
    """
    if type(value) is not int or not 0 <= value <= MAX_ID:
        raise EntryError(
            RejectReason.MISSING_FIELD, f"i is {shown(value)}, not the number of a trade."
        )
    return value


@lru_cache(maxsize=8192)
def perpetual_market(symbol: str) -> Market:
    """Resolve BTC-USD.

    Raises:
        EntryError: invalid_symbol or unsupported_quote.
    """
    base, _, quote = check_symbol(symbol).rpartition("-")
    return new_market(symbol, base, quote, settle=SETTLE, contract=ContractKind.LINEAR)


VENUE: Final = Venue(
    exchange="extended",
    feeds={
        "trades": Feed(
            read=read_trades,
            publishes="every fill of a liquidated position",
            completeness=COMPLETENESS,
            price_kind=PRICE_KIND,
            long_when="`S` = SELL (the taker's)",
            quantity="units of the base",
            identity="market, i",
            unsettled="that the taker is the liquidated account",
        )
    },
)
