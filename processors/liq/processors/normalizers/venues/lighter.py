"""Lighter: `trade/{market_id}`, whose messages list liquidations apart from other trades.

Sources: apidocs.lighter.xyz, websocket reference, "Trade" (read 2026); recorded messages of 2026,
among them rows of 2026-07-29 and 2026-09-21 without `trade_id_str`.

- `is_maker_ask` tells the sides apart, and the taker is the liquidated account: true means that
  it bought, which closes a short.
- `liquidation_trades` (an array, null, or left out) holds rows of type liquidation, deleverage and
  market-settlement; only the first is an event. `trades` is not looked at.
- `size` is in units of the base, `price` is the fill's, `usd_amount` is their product.
- `timestamp` is in milliseconds.
- Every fill is published, so one liquidated position may be many events.
- The id is market and `trade_id_str`, or `trade_id` where a row has only that: the same number, as
  an integer. The answer to a subscription carries past trades under their own ids.
- REST's `trades` answers with the same rows and ids, those of every type in one list.
- Markets are numbered. What a number stands for is metadata, without which it is rejected
  (`unknown_instrument`); `native_symbol` is the number. Markets are quoted and settled in USDC.
"""

from typing import Any, Final

from liq.processors.normalizers.kit import (
    ContractList,
    Contracts,
    EntryError,
    Feed,
    JsonObject,
    Reading,
    Venue,
    array_field,
    from_lighter,
    history_of,
    needed,
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
from liq.schemas.vocabulary import Completeness, PriceKind, RejectReason, Side

EXCHANGE: Final = "lighter"
SIDE_BY_MAKER_ASK: Final = {True: Side.SHORT, False: Side.LONG}
COMPLETENESS: Final = Completeness.COMPLETE
PRICE_KIND: Final = PriceKind.FILL
LIQUIDATION: Final = "liquidation"
OTHER_TYPES: Final = frozenset({"deleverage", "market-settlement"})
DATA_TYPES: Final = frozenset({"subscribed/trade", "update/trade"})
CONTROL_TYPES: Final = frozenset({"connected", "ping", "pong", "unsubscribed"})
TRADE_FIELDS: Final = needed("market_id", "is_maker_ask", "price", "size", "timestamp")


def read_trades(reading: Reading, message: Any) -> None:
    """Read a message of a `trade` channel, or a control frame."""
    if type(message) is not dict:
        raise unknown_message(message)
    kind = message.get("type")
    if type(kind) is str and kind in DATA_TYPES:
        if message.get("liquidation_trades") is not None:
            reading.entries(array_field(message, "liquidation_trades"), read_trade)
    elif "error" not in message and (type(kind) is not str or kind not in CONTROL_TYPES):
        raise unknown_message(message)


def read_history(reading: Reading, message: Any) -> None:
    """Read an answer of `trades`, which has trades of every type by default."""
    trades = array_field(row_object(message), "trades")
    reading.entries([each for each in trades if not is_ordinary(each)], read_trade)


def is_ordinary(trade: Any) -> bool:
    """Return whether both parties of a trade acted voluntarily."""
    return type(trade) is dict and trade.get("type") == "trade"


def read_trade(reading: Reading, trade: Any) -> Liquidation | None:
    """Read one trade of a liquidation, or of one of its neighbours."""
    fields = row_object(trade)
    kind = text_field(fields, "type")
    if kind != LIQUIDATION:
        if kind in OTHER_TYPES:
            return None
        raise EntryError(
            RejectReason.UNKNOWN_MESSAGE, f"No known trade has the type {shown(kind)}."
        )
    market_id, maker_asks, raw_price, size, time = take(fields, TRADE_FIELDS)
    if type(market_id) is not int:
        raise EntryError(
            RejectReason.MISSING_FIELD, f"market_id is {shown(market_id)}, not a market's number."
        )
    if type(maker_asks) is not bool:
        raise EntryError(
            RejectReason.INVALID_SIDE, f"is_maker_ask is {shown(maker_asks)}, not true or false."
        )
    return reading.liquidation(
        reading.contract(str(market_id)),
        reading.own_id(f"{market_id}|{id_of(fields)}"),
        SIDE_BY_MAKER_ASK[maker_asks],
        positive_price(raw_price, "price"),
        positive_decimal(size, "size"),
        timestamp(time, "timestamp", reading.received_at_ms),
        PRICE_KIND,
        COMPLETENESS,
    )


def id_of(trade: JsonObject) -> str:
    """Return the trade's id: `trade_id_str`, or the same number as `trade_id`.

    Raises:
        EntryError: missing_field.
    """
    written = trade.get("trade_id_str")
    if written is not None and written != "":
        return text(written, "trade_id_str")
    trade_id = trade.get("trade_id")
    if type(trade_id) is not int or trade_id < 0:
        raise EntryError(
            RejectReason.MISSING_FIELD,
            f"trade_id_str says nothing, and trade_id is {shown(trade_id)}, not a trade's number.",
        )
    return str(trade_id)


TRADE: Final = Feed(
    read=read_trades,
    publishes="every fill of a liquidated position",
    completeness=COMPLETENESS,
    price_kind=PRICE_KIND,
    long_when="`is_maker_ask` = false (the taker sold)",
    quantity="units of the base",
    identity="market_id, trade_id",
)
VENUE: Final = Venue(
    exchange=EXCHANGE,
    feeds={"trade": TRADE, "trade-history": history_of(TRADE, read_history)},
    contracts=Contracts(
        listed_by=(
            ContractList(
                setting="LIGHTER_CONTRACTS_URL",
                address="https://mainnet.zklighter.elliot.ai/api/v1/orderBooks?filter=all",
                parse=from_lighter,
                lists=lambda _: True,
            ),
        ),
        sources={
            "2025-12-16": "BloomFiLabs/BloomTest, `server/src/config/cached-symbols.ts`, made from "
            "the venue's order books",
        },
    ),
)
