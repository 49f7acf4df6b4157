"""Paradex: `trades` of every perpetual, in which a trade has a type, which is polled.

Sources: docs.paradex.trade, "Trade tape" (read 2026); OpenChainBench, which counted the type
LIQUIDATION on the public tape on 2026-09-27. The websocket's trades are binary (SBE) since
2026-09-21, and are not read.

- `side` is the taker's (documented). The venue closes a position by an order that takes, so that
  SELL closes a long. That the taker of a LIQUIDATION is the liquidated account is not documented.
- `trade_type` is LIQUIDATION. FILL, RPI, BLOCK_TRADE, TRANSFER and SETTLE_MARKET are no events.
- `size` is in units of the base; `price` is the fill's; `created_at` is in milliseconds.
- Every fill is published, so one liquidated position may be many events.
- The id is market and `id`.
- Perpetuals are named BTC-USD-PERP and settled in USDC. kPEPE is a thousand PEPE. Options are
  neither polled nor read (`unsupported_instrument`).
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
    history_of,
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
LIQUIDATION: Final = "LIQUIDATION"
OTHER_TYPES: Final = frozenset({"FILL", "RPI", "BLOCK_TRADE", "TRANSFER", "SETTLE_MARKET"})
TRADE_FIELDS: Final = needed("id", "market", "side", "size", "price", "created_at")
PERPETUAL: Final = "-PERP"
SETTLE: Final = "USDC"

_THOUSANDS = re.compile(r"k(?=[^\W\d_a-z])")


def read_answer(reading: Reading, message: Any) -> None:
    """Read an answer: the trades of one market."""
    if type(message) is not dict or "results" not in message:
        raise unknown_message(message)
    reading.entries(array_field(message, "results"), read_trade)


def read_trade(reading: Reading, trade: Any) -> Liquidation | None:
    """Read one trade; only a liquidation is an event."""
    fields = row_object(trade)
    kind = text_field(fields, "trade_type")
    if kind != LIQUIDATION:
        if kind in OTHER_TYPES:
            return None
        raise EntryError(
            RejectReason.UNKNOWN_MESSAGE, f"No known trade has the type {shown(kind)}."
        )
    number, symbol, side, size, raw_price, time = take(fields, TRADE_FIELDS)
    return reading.liquidation(
        perpetual_market(text(symbol, "market")),
        reading.own_id(f"{symbol}|{trade_id(number)}"),
        liquidated_side(side, "side", LIQUIDATED),
        positive_price(raw_price, "price"),
        positive_decimal(size, "size"),
        timestamp(time, "created_at", reading.received_at_ms),
        PRICE_KIND,
        COMPLETENESS,
    )


def trade_id(value: Any) -> str:
    """Return the text that identifies a trade of a market.

    Raises:
        EntryError: missing_field.
    """
    found = text(value, "id")
    if not found:
        raise EntryError(RejectReason.MISSING_FIELD, "id is empty.")
    return found


@lru_cache(maxsize=8192)
def perpetual_market(symbol: str) -> Market:
    """Resolve BTC-USD-PERP, or kPEPE-USD-PERP.

    Raises:
        EntryError: invalid_symbol, unsupported_quote or unsupported_instrument.
    """
    if not check_symbol(symbol).endswith(PERPETUAL):
        raise EntryError(
            RejectReason.UNSUPPORTED_INSTRUMENT, f"{shown(symbol)} does not end with {PERPETUAL}."
        )
    base, _, quote = symbol.removesuffix(PERPETUAL).rpartition("-")
    base = _THOUSANDS.sub("1000", base, count=1) if base.startswith("k") else base
    return new_market(symbol, base, quote, settle=SETTLE, contract=ContractKind.LINEAR)


TRADES: Final = Feed(
    read=read_answer,
    publishes="every fill of a liquidated position, polled",
    completeness=COMPLETENESS,
    price_kind=PRICE_KIND,
    long_when="`side` = SELL (the taker's)",
    quantity="units of the base",
    identity="market, id",
    unsettled="that the taker is the liquidated account; what a TRANSFER is",
)
VENUE: Final = Venue(
    exchange="paradex",
    feeds={"trades": TRADES, "trades-history": history_of(TRADES, read_answer)},
)
