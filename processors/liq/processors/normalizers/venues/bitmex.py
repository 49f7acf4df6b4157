"""BitMEX: the `liquidation` table, which holds the liquidation orders that are in the book.

Sources: bitmex.com/app/wsAPI, the API explorer's `Instrument` and the guides
bitmex.com/app/quantoPerpetualsGuide and seriesGuide/ETHUSD (read 2026); recorded messages of an
insert and its delete.

- The feed is a table: `insert` is a new order and thus an event. `update` (less is left, or the
  price was amended) and `delete` belong to orders that were counted at their insert. `partial`,
  the table at subscription, repeats orders of before; one that was inserted while nobody listened
  is therefore lost.
- `side` is the order's: Sell closes a long.
- `leavesQty` counts contracts: dollars for XBTUSD, small fractions of the base for linear ones.
  What a contract is worth is metadata. Of an insert it is the whole order, part of which may
  never be filled.
- Quanto contracts (ETHUSD) pay a fixed amount of bitcoin for each dollar of the price: a contract
  is worth price times multiplier (0.000001 XBT for ETHUSD) in bitcoin, times bitcoin's price in
  dollars, and as many units of the base as that value divided by the price. Bitcoin's price is the
  rate that the frame came with; without one they are rejected (`unsupported_instrument`).
- Contracts in euros (XBTEUR) and in bitcoin take a rate likewise.
- `price` is the order's limit. The venue sends no time: it is that of the receipt, and two
  producers give one event two times, though one id.
- The id is the venue's `orderID`.
"""

import re
from typing import Any, Final

from liq.processors.normalizers.kit import (
    ContractList,
    Contracts,
    EntryError,
    Feed,
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
BITCOIN_ROOT: Final = "XBT"
BITCOIN_PERPETUAL: Final = "XBTUSD"

# A root, the letter of a month and two digits of the year.
_DATED = re.compile(r"(?P<root>[A-Z0-9]{2,20})[FGHJKMNQUVXZ][0-9]{2}", re.ASCII)


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
    """Read a liquidation order that entered the book."""
    order_id, symbol, raw_side, price, size = take(row_object(order), ORDER_FIELDS)
    if not 0 < len(text(order_id, "orderID")) <= MAX_ORDER_ID_CHARACTERS:
        raise EntryError(RejectReason.MISSING_FIELD, f"orderID is {shown(order_id)}, not an id.")
    return reading.liquidation(
        reading.contract(text(symbol, "symbol"), family_of),
        reading.own_id(order_id),
        liquidated_side(raw_side, "side", LIQUIDATED),
        positive_price(price, "price"),
        positive_decimal(size, "leavesQty"),
        timestamp(reading.received_at_ms, "The time of receipt", reading.received_at_ms),
        PRICE_KIND,
        COMPLETENESS,
    )


def family_of(symbol: str) -> str:
    """Return the root of a dated contract (XBTM25, ETHUSDTZ25), or the symbol itself.

    The root XBT belongs to XBTUSD: a dollar a contract in all recorded lists (bmoscon/cryptofeed,
    `sample_data`, 2021 to 2023).
    """
    match = _DATED.fullmatch(symbol)
    root = symbol if match is None else match["root"]
    return BITCOIN_PERPETUAL if root == BITCOIN_ROOT else root


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
        listed_by=(
            ContractList(
                setting="BITMEX_CONTRACTS_URL",
                address="https://www.bitmex.com/api/v1/instrument/active",
                parse=from_bitmex,
                lists=lambda _: True,
            ),
        ),
        family_of=family_of,
        sources={
            "2021-04-17": "bmoscon/cryptofeed, `sample_data` (`instrument/active`, and trades of "
            "2021-04-05): contracts of altcoins against USDT paid bitcoin then; the day on which "
            "they became linear is not known, 2022-01-01 is assumed",
            "2022-06-30": "crypto-crawler/crypto-crawler-rs, "
            "`crypto-contract-value/src/exchanges/bitmex.rs`: `multiplier` of `instrument/active`, "
            "in millionths of a coin",
            "2025-06-30": "ccxt's recorded markets (`bitmex.json`)",
        },
    ),
)
