"""Gate futures: `futures.public_liquidates`.

Sources: gate.io "Futures WebSocket v4" and "Futures API v4" (read 2026); frames recorded on three
hosts on 2026-08-11 (saiy829/btc-trader@7f59026).

- On the wire `result` is one order, with its time in `time`; in the documentation it is an array of
  orders, with theirs in `time_ms`. Both are milliseconds, and both shapes are read.
- `size` is the signed size of the ORDER: below zero it sells and closes a long. REST's
  `liq_orders` has a `size` of the position, with the opposite sign; a recording of REST must not
  be fed in here. Six orders of 2026-08-11 stood in both, of one absolute size and opposite signs,
  and 104 of REST's 113 positive ones fell into falling minutes.
- Sizes are contracts, integers or decimal strings (header X-Gate-Size-Decimal). A contract is
  `quanto_multiplier` units of the base (0.0001 BTC, 0.01 ETH), or a dollar for BTC_USD: metadata.
- `price` is the order's (REST's `order_price`, to a tenth), about 0.3 % off the fill.
- At most one order per contract and second is published.
- No id.
"""

from typing import Any, Final

from liq.processors.normalizers.kit import (
    JSON_NUMBERS,
    CcxtList,
    Contracts,
    Feed,
    Reading,
    Venue,
    array_field,
    needed,
    positive_decimal,
    positive_price,
    row_object,
    take,
    text,
    timestamp,
    unknown_message,
    unusable,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, PriceKind, RejectReason, Side

EXCHANGE: Final = "gate"
CHANNEL: Final = "futures.public_liquidates"
CONTROL_EVENTS: Final = frozenset({"subscribe", "unsubscribe"})
CONTROL_CHANNELS: Final = frozenset({"futures.ping", "futures.pong"})
SIDE_OF_NEGATIVE_SIZE: Final = Side.LONG
COMPLETENESS: Final = Completeness.SAMPLED
PRICE_KIND: Final = PriceKind.ORDER
ORDER_FIELDS: Final = needed("contract", "size", "price", "time")
DOCUMENTED_FIELDS: Final = needed("contract", "size", "price", "time_ms")


def read_liquidates(reading: Reading, message: Any) -> None:
    """Read a message of the channel, or a control frame."""
    if type(message) is not dict:
        raise unknown_message(message)
    channel, event = message.get("channel"), message.get("event")
    if channel == CHANNEL and event == "update":
        result = message.get("result")
        rows = [result] if type(result) is dict else array_field(message, "result")
        reading.entries(rows, read_order)
    elif type(channel) is not str or not (
        channel in CONTROL_CHANNELS or (type(event) is str and event in CONTROL_EVENTS)
    ):
        raise unknown_message(message)


def read_order(reading: Reading, order: Any) -> Liquidation:
    """Read one forced order."""
    fields = row_object(order)
    names = DOCUMENTED_FIELDS if "time_ms" in fields else ORDER_FIELDS
    contract, size, price, time = take(fields, names)
    market = reading.instruments.market(EXCHANGE, text(contract, "contract"))
    negative, unsigned = split_sign(size)
    timestamp_ms = timestamp(time, "The time", reading.received_at_ms)
    return reading.liquidation(
        market,
        reading.row_id(f"{contract}|{size}|{price}|{timestamp_ms}"),
        SIDE_OF_NEGATIVE_SIZE if negative else SIDE_OF_NEGATIVE_SIZE.opposite,
        positive_price(price, "price"),
        positive_decimal(unsigned, "size"),
        timestamp_ms,
        PRICE_KIND,
        COMPLETENESS,
    )


def split_sign(size: Any) -> tuple[bool, object]:
    """Whether a size is below zero, and the size without its sign.

    Raises:
        EntryError: missing_field when it is neither a number nor a string.
    """
    if type(size) in JSON_NUMBERS:
        return size < 0, abs(size)
    if type(size) is str:
        return size.startswith("-"), size.removeprefix("-")
    raise unusable(RejectReason.MISSING_FIELD, size, "size", "a number")


LIQUIDATES: Final = Feed(
    read=read_liquidates,
    publishes="one forced order a contract and second",
    completeness=COMPLETENESS,
    price_kind=PRICE_KIND,
    long_when="`size` below zero (the order's)",
    quantity="contracts",
)
VENUE: Final = Venue(
    exchange=EXCHANGE,
    feeds={"usdt": LIQUIDATES, "btc": LIQUIDATES},
    contracts=Contracts(
        listed_by=CcxtList(classes=("gate",)),
        sources={
            "2022-06-30": "crypto-crawler-rs, `gate.rs`: `quanto_multiplier` of "
            "`/futures/usdt/contracts`",
            "2025-06-30": "ccxt's recorded markets (`gate.json`)",
        },
    ),
)
