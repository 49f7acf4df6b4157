"""dYdX v4: the indexer's `v4_trades`, in which a trade says that it was a liquidation.

Sources: dydxprotocol/v4-chain, the indexer's trade types and fill types (read 2026); a recorded
message of 2024-08-04.

- `side` is the taker's, and a LIQUIDATED trade is a fill of a liquidated taker order: SELL closes
  a long.
- LIMIT and TWAP_SUBORDER are ordinary trades. DELEVERAGED sets a bankrupt account off against a
  profitable one, which is no order on the book and no event here.
- `size` is in units of the base; `price` is the fill's. The collateral is USDC, though markets are
  named BTC-USD.
- `createdAt` is the time of the block, in ISO 8601.
- Every fill is published, so one liquidated position may be many events.
- The id is market and `id`. The answer to a subscription carries past trades under their own ids.
- The indexer's `trades/perpetualMarket/{ticker}` answers with the same trades under the same ids
  (docs.dydx.xyz, Indexer HTTP, read 2026); the market is what was asked for.
- The ticker of an isolated market holds the asset, where it is traded and the token's address,
  separated by commas (FARTCOIN,RAYDIUM,9BB6...-USD): the asset is the first of them.
"""

from functools import lru_cache
from typing import Any, Final

from liq.processors.normalizers.kit import (
    EntryError,
    Feed,
    JsonObject,
    Market,
    Reading,
    Venue,
    array_field,
    check_symbol,
    history_of,
    iso_milliseconds,
    liquidated_side,
    needed,
    new_market,
    object_field,
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

LIQUIDATED: Final = {"SELL": Side.LONG, "BUY": Side.SHORT}
COMPLETENESS: Final = Completeness.COMPLETE
PRICE_KIND: Final = PriceKind.FILL
LIQUIDATION: Final = "LIQUIDATED"
OTHER_TYPES: Final = frozenset({"LIMIT", "TWAP_SUBORDER", "DELEVERAGED"})
CHANNEL: Final = "v4_trades"
DATA_TYPES: Final = frozenset({"subscribed", "channel_data"})
BATCH_TYPE: Final = "channel_batch_data"
CONTROL_TYPES: Final = frozenset({"connected", "unsubscribed", "error", "pong"})
TRADE_FIELDS: Final = needed("id", "side", "size", "price", "createdAt")
QUOTE: Final = "USD"
SETTLE: Final = "USDC"


def read_trades(reading: Reading, message: Any) -> None:
    """Read a message of `v4_trades`, or a control frame."""
    if type(message) is not dict:
        raise unknown_message(message)
    kind = message.get("type")
    if type(kind) is str and message.get("channel") == CHANNEL:
        if kind in DATA_TYPES:
            read_contents(reading, message, object_field(message, "contents"))
            return
        if kind == BATCH_TYPE:
            for contents in array_field(message, "contents"):
                read_contents(reading, message, row_object(contents))
            return
    if type(kind) is not str or kind not in CONTROL_TYPES:
        raise unknown_message(message)


def read_contents(reading: Reading, message: JsonObject, contents: JsonObject) -> None:
    """Read the trades of one market."""
    ticker = text_field(message, "id")
    reading.entries(array_field(contents, "trades"), read_trade, ticker)


def read_history(reading: Reading, message: Any) -> None:
    """Read an answer of the indexer's trades of one market; the answer does not name the market."""
    reading.entries(array_field(row_object(message), "trades"), read_trade, reading.subject)


def read_trade(reading: Reading, trade: Any, ticker: str) -> Liquidation | None:
    """Read one trade; only a liquidation is an event."""
    fields = row_object(trade)
    kind = text_field(fields, "type")
    if kind != LIQUIDATION:
        if kind in OTHER_TYPES:
            return None
        raise EntryError(
            RejectReason.UNKNOWN_MESSAGE, f"No known trade has the type {shown(kind)}."
        )
    trade_id, raw_side, size, raw_price, created_at = take(fields, TRADE_FIELDS)
    return reading.liquidation(
        perpetual_market(ticker),
        reading.own_id(f"{ticker}|{text(trade_id, 'id')}"),
        liquidated_side(raw_side, "side", LIQUIDATED),
        positive_price(raw_price, "price"),
        positive_decimal(size, "size"),
        timestamp(iso_milliseconds(created_at, "createdAt"), "createdAt", reading.received_at_ms),
        PRICE_KIND,
        COMPLETENESS,
    )


@lru_cache(maxsize=8192)
def perpetual_market(ticker: str) -> Market:
    """Resolve BTC-USD, or FARTCOIN,RAYDIUM,9BB6...-USD.

    Raises:
        EntryError: invalid_symbol or unsupported_quote.
    """
    base, _, quote = check_symbol(ticker).rpartition("-")
    if quote != QUOTE:
        quote = ""
    asset = base.partition(",")[0]
    return new_market(ticker, asset, quote, settle=SETTLE, contract=ContractKind.LINEAR)


TRADES: Final = Feed(
    read=read_trades,
    publishes="every fill of a liquidated position",
    completeness=COMPLETENESS,
    price_kind=PRICE_KIND,
    long_when="`side` = SELL (the taker's)",
    quantity="units of the base",
    identity="market, id",
)
VENUE: Final = Venue(
    exchange="dydx",
    feeds={"trades": TRADES, "trades-history": history_of(TRADES, read_history)},
)
