"""Deribit: `trades` of futures and perpetuals; those with a liquidated party are flagged.

Sources: docs.deribit.com, `trades.{kind}.{currency}.{interval}` and `public/get_instruments` (read
2026); recorded trades of 2020-03-13 with the flags T and M.

- `direction` is the taker's. `liquidation` says which party was liquidated: T the taker, M the
  maker, who traded the other way, MT both. Without it a trade is an ordinary one.
- T and sell close a long, M and buy close a long. MT gives two events, a long's and a short's.
- `amount` is in dollars for contracts settled in their coin (BTC-PERPETUAL, BTC-27JUN25), and in
  units of the base for linear ones (SOL_USDC-PERPETUAL, and BTC_EURR-PERPETUAL in euros, whose
  value takes a rate). Options, spreads and spot are rejected
  (`unsupported_instrument`): price and amount alone do not say what their liquidation is worth.
- `price` is a fill. `timestamp` is in milliseconds.
- Every fill is published, so that one liquidation order gives many events where other venues give
  one: compare dollars, not counts.
- `public/get_last_trades_by_currency_and_time` answers with the same trades, flags and ids.
- `trade_id` is unique in a currency; the id holds instrument and party besides.
"""

import re
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
    unusable,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, ContractKind, PriceKind, RejectReason, Side

# The position that the taker's direction closes, if it is the taker who was liquidated.
TAKER_LIQUIDATED: Final = {"sell": Side.LONG, "buy": Side.SHORT}
COMPLETENESS: Final = Completeness.COMPLETE
PRICE_KIND: Final = PriceKind.FILL
PARTIES: Final = {"T": ("T",), "M": ("M",), "MT": ("T", "M")}
TRADE_FIELDS: Final = needed(
    "instrument_name", "direction", "price", "amount", "timestamp", "trade_id"
)
MAX_TRADE_ID_CHARACTERS: Final = 64

_FUTURE = re.compile(
    r"(?P<base>[^_-]+)(?:_(?P<quote>(?:USD|EUR)[A-Z]))?-(?:PERPETUAL|[0-9]{1,2}[A-Z]{3}[0-9]{2})"
)


def read_trades(reading: Reading, message: Any) -> None:
    """Read a notification of a trades channel, or a control frame."""
    if type(message) is not dict:
        raise unknown_message(message)
    if message.get("method") != "subscription":
        if message.get("method") == "heartbeat" or "result" in message or "error" in message:
            return
        raise unknown_message(message)
    parameters = object_field(message, "params")
    if not text_field(parameters, "channel").startswith("trades."):
        raise unknown_message(message)
    read_flagged(reading, array_field(parameters, "data"))


def read_history(reading: Reading, message: Any) -> None:
    """Read an answer of `public/get_last_trades_by_currency_and_time`."""
    read_flagged(reading, array_field(object_field(row_object(message), "result"), "trades"))


def read_flagged(reading: Reading, trades: list[Any]) -> None:
    """Read the trades that have a liquidated party."""
    for trade in trades:
        if type(trade) is dict and "liquidation" not in trade:
            continue
        try:
            fields = row_object(trade)
            parties = liquidated_parties(fields["liquidation"])
        except EntryError as error:
            reading.reject(error)
            continue
        reading.entries(parties, read_party, fields)


def liquidated_parties(flag: object) -> tuple[str, ...]:
    """Return the liquidated parties: taker (T), maker (M), or both.

    Raises:
        EntryError: invalid_side: an unknown flag; missing_field: neither a string nor a number.
    """
    parties = PARTIES.get(flag) if type(flag) is str else None
    if parties is None:
        raise unusable(RejectReason.INVALID_SIDE, flag, "liquidation", "T, M or MT")
    return parties


def read_party(reading: Reading, party: str, trade: JsonObject) -> Liquidation:
    """Read a trade as the liquidation of one of its parties."""
    symbol, direction, raw_price, amount, time, trade_id = take(trade, TRADE_FIELDS)
    market = future_market(text(symbol, "instrument_name"))
    side = liquidated_side(direction, "direction", TAKER_LIQUIDATED)
    if not 0 < len(text(trade_id, "trade_id")) <= MAX_TRADE_ID_CHARACTERS:
        raise EntryError(RejectReason.MISSING_FIELD, f"trade_id is {shown(trade_id)}, not an id.")
    return reading.liquidation(
        market,
        reading.own_id(f"{symbol}|{trade_id}|{party}"),
        side if party == "T" else side.opposite,
        positive_price(raw_price, "price"),
        positive_decimal(amount, "amount"),
        timestamp(time, "timestamp", reading.received_at_ms),
        PRICE_KIND,
        COMPLETENESS,
    )


@lru_cache(maxsize=8192)
def future_market(symbol: str) -> Market:
    """Resolve BTC-PERPETUAL or BTC-27JUN25 (inverse), or SOL_USDC-PERPETUAL (linear).

    Raises:
        EntryError: invalid_symbol, unsupported_quote, or unsupported_instrument for anything else.
    """
    match = _FUTURE.fullmatch(check_symbol(symbol))
    if match is None:
        raise EntryError(
            RejectReason.UNSUPPORTED_INSTRUMENT, f"{shown(symbol)} is not a future or perpetual."
        )
    base, quote = match["base"], match["quote"]
    if quote is None:
        return new_market(symbol, base, "USD", settle=base, contract=ContractKind.INVERSE)
    return new_market(symbol, base, quote, settle=quote, contract=ContractKind.LINEAR)


TRADES: Final = Feed(
    read=read_trades,
    publishes="every fill with a liquidated party",
    completeness=COMPLETENESS,
    price_kind=PRICE_KIND,
    long_when="T and sell, or M and buy (`direction` is the taker's)",
    quantity="dollars (inverse), units of the base (linear)",
    identity="instrument, trade_id, party",
)
VENUE: Final = Venue(
    exchange="deribit",
    feeds={"trades": TRADES, "trades-history": history_of(TRADES, read_history)},
)
