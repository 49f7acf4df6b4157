"""BitMEX: the `liquidation` table, which holds the liquidation orders that are in the book.

Sources: bitmex.com/app/wsAPI and the API explorer's `Instrument` (read 2026); recorded messages of
an insert and its delete.

- The feed is a table: `insert` is a new order and thus an event. `update` (less is left, or the
  price was amended) and `delete` belong to orders that were counted at their insert. `partial`,
  the table at subscription, repeats orders of before; one that was inserted while nobody listened
  is therefore lost.
- `side` is the order's: Sell closes a long.
- `leavesQty` counts contracts: dollars for XBTUSD, small fractions of the base for linear ones.
  What a contract is worth is metadata. Of an insert it is the whole order, part of which may
  never be filled.
- Quanto contracts (ETHUSD) pay bitcoin by a rate that is not in the message. No rate feed is read
  here, so they are rejected (`unsupported_instrument`) rather than valued by a guess.
- `price` is the order's limit. The venue sends no time: it is that of the receipt, and two
  producers give one event two times, though one id.
- The id is the venue's `orderID`.
"""

from typing import Any, Final

from liq.processors.normalizers.kit import (
    Contracts,
    EntryError,
    Feed,
    OwnList,
    Reading,
    Venue,
    array_field,
    from_bitmex,
    liquidated_side,
    needed,
    positive_decimal,
    positive_price,
    row_object,
    shown,
    take,
    text,
    timestamp,
    unknown_message,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, PriceKind, RejectReason, Side

EXCHANGE: Final = "bitmex"
LIQUIDATED: Final = {"Sell": Side.LONG, "Buy": Side.SHORT}
COMPLETENESS: Final = Completeness.COMPLETE
PRICE_KIND: Final = PriceKind.ORDER
EVENT_ACTION: Final = "insert"
OTHER_ACTIONS: Final = frozenset({"partial", "update", "delete"})
CONTROL_FIELDS: Final = frozenset({"info", "success", "subscribe", "unsubscribe", "error"})
ORDER_FIELDS: Final = needed("orderID", "symbol", "side", "price", "leavesQty")
MAX_ORDER_ID_CHARACTERS: Final = 64


def read_liquidation(reading: Reading, message: Any) -> None:
    """Read a change of the table, or a control frame."""
    if type(message) is not dict:
        raise unknown_message(message)
    if "table" not in message:
        if CONTROL_FIELDS.isdisjoint(message):
            raise unknown_message(message)
        return
    if message["table"] != "liquidation":
        raise unknown_message(message)
    action = message.get("action")
    if action == EVENT_ACTION:
        reading.entries(array_field(message, "data"), read_order)
    elif type(action) is not str or action not in OTHER_ACTIONS:
        raise EntryError(RejectReason.UNKNOWN_MESSAGE, f"No known action is {shown(action)}.")


def read_order(reading: Reading, order: Any) -> Liquidation:
    """Read a liquidation order that was put into the book."""
    order_id, symbol, raw_side, price, size = take(row_object(order), ORDER_FIELDS)
    if not 0 < len(text(order_id, "orderID")) <= MAX_ORDER_ID_CHARACTERS:
        raise EntryError(RejectReason.MISSING_FIELD, f"orderID is {shown(order_id)}, not an id.")
    return reading.liquidation(
        reading.instruments.market(EXCHANGE, text(symbol, "symbol")),
        reading.own_id(order_id),
        liquidated_side(raw_side, "side", LIQUIDATED),
        positive_price(price, "price"),
        positive_decimal(size, "leavesQty"),
        timestamp(reading.received_at_ms, "The time of receipt", reading.received_at_ms),
        PRICE_KIND,
        COMPLETENESS,
    )


VENUE: Final = Venue(
    exchange=EXCHANGE,
    feeds={
        "liquidation": Feed(
            read=read_liquidation,
            publishes="every liquidation order put into the book",
            completeness=COMPLETENESS,
            price_kind=PRICE_KIND,
            long_when="`side` = Sell (the order's)",
            quantity="contracts",
            identity="orderID",
            breaks="orders that stand at a reconnect are missed",
            unsettled="contract sizes",
        )
    },
    control_texts=frozenset({b"ping", b"pong"}),
    contracts=Contracts(
        listed_by=OwnList(
            address="https://www.bitmex.com/api/v1/instrument/active", parse=from_bitmex
        ),
        sources={
            "2022-06-30": "crypto-crawler/crypto-crawler-rs, "
            "`crypto-contract-value/src/exchanges/bitmex.rs`: `multiplier` of `instrument/active`, "
            "in millionths of a coin",
            "2025-06-30": "ccxt's recorded markets (`bitmex.json`)",
        },
    ),
)
