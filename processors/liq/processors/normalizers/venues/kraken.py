"""Kraken Futures: `trade`, in which a trade says that it was a liquidation.

Sources: docs.kraken.com, futures websocket "Trade" and OpenAPI of the futures history (read 2026);
a recorded message of 2020-07-01; a live count of 2026-09-07 over 80 perpetuals, in which 38 of 39
liquidations were `partialLiquidation`.

- `side` is the taker's. That the liquidated account is the taker is not documented, only plausible
  for an order sent to the market: SIDE_OF_THE_LIQUIDATED is that choice.
- Every `type` that ends in "liquidation" is one: liquidation, partialLiquidation (a part of the
  position is closed before the whole must be) and coveredLiquidation. REST writes the words apart.
- Assignments, hedge assignments, unwinds and terminations hand a position over outside the order
  book, and liquidate nobody's position here: they are rejected as `not_a_liquidation`, so that they
  can be counted. Fills, blocks and RFQs are trades of people's own will and give nothing.
- `qty` is in contracts of one dollar for PI_ and FI_ (inverse), in units of the base for PF_ and
  FF_ (linear, settled in dollars out of many collaterals). Other contracts are rejected.
- `price` is the fill's and `time` is in milliseconds.
- Every fill is published, so one liquidated position may be many events.
- `derivatives/api/v3/history` answers with the same trades and `uid`s, by product.
- The id is product and `uid`. A `trade_snapshot` repeats past trades under their own ids.
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
    history_of,
    iso_milliseconds,
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

# The liquidated position by the taker's side, if the taker is liquidated.
SIDE_OF_THE_LIQUIDATED: Final = {"sell": Side.LONG, "buy": Side.SHORT}
COMPLETENESS: Final = Completeness.COMPLETE
PRICE_KIND: Final = PriceKind.FILL
LIQUIDATION: Final = "liquidation"
ORDINARY_TYPES: Final = frozenset({"fill", "block", "rfq"})
HANDED_OVER: Final = frozenset({"termination", "assignment", "hedge", "hedgeassignment", "unwind"})
TRADE_FIELDS: Final = needed("product_id", "uid", "side", "time", "qty", "price")
HISTORY_FIELDS: Final = needed("time", "size")
CONTRACT_KINDS: Final = {
    "PI": ContractKind.INVERSE,
    "FI": ContractKind.INVERSE,
    "PF": ContractKind.LINEAR,
    "FF": ContractKind.LINEAR,
}
QUOTE: Final = "USD"


def read_public(reading: Reading, message: Any) -> None:
    """Read a message of the public socket."""
    if type(message) is not dict:
        raise unknown_message(message)
    feed = message.get("feed")
    if feed == "trade" and "uid" in message:
        reading.entries([message], read_trade)
    elif feed == "trade_snapshot" and "trades" in message:
        reading.entries(array_field(message, "trades"), read_trade)
    elif "event" not in message and feed != "heartbeat":
        raise unknown_message(message)


def read_history(reading: Reading, message: Any) -> None:
    """Read an answer of `history`, whose trades name no product and have times in ISO 8601."""
    reading.entries(array_field(row_object(message), "history"), read_past_trade)


def read_past_trade(reading: Reading, trade: Any) -> Liquidation | None:
    """Read one trade of the history of the product that was asked for."""
    fields = row_object(trade)
    if text_field(fields, "type") in ORDINARY_TYPES:
        return None
    time, size = take(fields, HISTORY_FIELDS)
    same = {"product_id": reading.subject, "qty": size, "time": iso_milliseconds(time, "time")}
    return read_trade(reading, {**fields, **same})


def read_trade(reading: Reading, trade: Any) -> Liquidation | None:
    """Read one trade; only a liquidation is an event."""
    fields = row_object(trade)
    kind = text_field(fields, "type")
    if kind in ORDINARY_TYPES:
        return None
    if kind != LIQUIDATION and not is_liquidation(kind):
        return None
    product, uid, raw_side, time, size, raw_price = take(fields, TRADE_FIELDS)
    market = futures_market(text(product, "product_id"))
    return reading.liquidation(
        market,
        reading.own_id(f"{product}|{text(uid, 'uid')}"),
        liquidated_side(raw_side, "side", SIDE_OF_THE_LIQUIDATED),
        positive_price(raw_price, "price"),
        positive_decimal(size, "qty"),
        timestamp(time, "time", reading.received_at_ms),
        PRICE_KIND,
        COMPLETENESS,
    )


def is_liquidation(kind: str) -> bool:
    """Tell every spelling of every kind of liquidation from ordinary trades.

    Raises:
        EntryError: not_a_liquidation for a position handed over, unknown_message for other types.
    """
    word = kind.replace(" ", "").replace("_", "").replace("-", "").lower()
    if word.endswith(LIQUIDATION):
        return True
    if word in ORDINARY_TYPES:
        return False
    if word in HANDED_OVER:
        raise EntryError(
            RejectReason.NOT_A_LIQUIDATION,
            f"A trade of the type {shown(kind)} hands a position over; nobody is liquidated.",
        )
    raise EntryError(RejectReason.UNKNOWN_MESSAGE, f"No known trade has the type {shown(kind)}.")


@lru_cache(maxsize=8192)
def futures_market(product: str) -> Market:
    """Resolve PF_XBTUSD or PI_XBTUSD, or FI_XBTUSD_250627 with a delivery date.

    Raises:
        EntryError: invalid_symbol, unsupported_quote, or unsupported_instrument for another kind.
    """
    kind, _, rest = check_symbol(product).partition("_")
    contract = CONTRACT_KINDS.get(kind)
    if contract is None:
        raise EntryError(
            RejectReason.UNSUPPORTED_INSTRUMENT,
            f"The units of {shown(product)} are not known.",
        )
    pair = rest.partition("_")[0]
    base = pair.removesuffix(QUOTE)
    quote = QUOTE if pair.endswith(QUOTE) else ""
    settle = base if contract is ContractKind.INVERSE else QUOTE
    return new_market(product, base, quote, settle=settle, contract=contract)


TRADE: Final = Feed(
    read=read_public,
    publishes="every fill of a liquidated position",
    completeness=COMPLETENESS,
    price_kind=PRICE_KIND,
    long_when="`side` = sell (the taker's)",
    quantity="dollars (inverse), units of the base (linear)",
    identity="product_id, uid",
    unsettled="that the taker is the liquidated account",
)
VENUE: Final = Venue(
    exchange="kraken",
    feeds={"trade": TRADE, "trade-history": history_of(TRADE, read_history)},
)
