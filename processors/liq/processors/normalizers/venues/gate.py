"""Gate futures: `futures.public_liquidates`.

Sources: gate.io "Futures WebSocket v4" and "Futures API v4" (read 2026); frames recorded on three
hosts on 2026-08-11 (saiy829/btc-trader@7f59026).

- On the wire `result` is one order, with its time in `time`; in the documentation it is an array of
  orders, with theirs in `time_ms`. Both are milliseconds, and both shapes are read.
- `size` is the signed size of the ORDER: below zero it sells and closes a long. REST's
  `liq_orders`, the feed's history, has a `size` of the position, with the opposite sign, and
  `order_price` and `time` in seconds. Six orders of 2026-08-11 stood in both, of one absolute
  size and opposite signs, and 104 of REST's 113 positive ones fell into falling minutes.
- Sizes are contracts, integers or decimal strings (header X-Gate-Size-Decimal). A contract is
  `quanto_multiplier` units of the base (0.0001 BTC, 0.01 ETH), or a dollar for BTC_USD: metadata.
- `price` is the order's (REST's `order_price`, to a tenth), about 0.3 % off the fill.
- At most one order per contract and second is published.
- No id. Ids are made of the contract, the order's size, its price and the second, which the history
  tells, too.
"""

from functools import partial
from typing import Any, Final

from liq.processors.normalizers.kit import (
    ContractList,
    Contracts,
    Feed,
    Reading,
    Venue,
    array_field,
    completion_of,
    from_gate,
    history_of,
    needed,
    positive_decimal,
    positive_price,
    row_object,
    split_sign,
    take,
    text,
    timestamp,
    unknown_message,
    unusable,
)
from liq.schemas.records import Liquidation
from liq.schemas.units import SECOND_MS
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
HISTORY_FIELDS: Final = needed("contract", "size", "order_price", "time")


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
    timestamp_ms = timestamp(time, "The time", reading.received_at_ms)
    sells, unsigned = split_sign(size, "size")
    return forced_order(reading, contract, unsigned, price, timestamp_ms, sells=sells)


def read_history(reading: Reading, message: Any) -> None:
    """Read an answer of `liq_orders`: an array of orders."""
    if type(message) is not list:
        raise unknown_message(message)
    reading.entries(message, read_past_order)


def read_past_order(reading: Reading, order: Any) -> Liquidation:
    """Read one order of the history."""
    contract, size, price, seconds = take(row_object(order), HISTORY_FIELDS)
    if type(seconds) is not int:
        raise unusable(RejectReason.INVALID_TIMESTAMP, seconds, "time", "whole seconds")
    timestamp_ms = timestamp(seconds * SECOND_MS, "The time", reading.received_at_ms)
    is_short, unsigned = split_sign(size, "size")
    return forced_order(reading, contract, unsigned, price, timestamp_ms, sells=not is_short)


def forced_order(  # noqa: PLR0913 - the fields of an order
    reading: Reading,
    contract: Any,
    size: object,
    price: Any,
    timestamp_ms: int,
    *,
    sells: bool,
) -> Liquidation:
    """Return the event of an order; `size` has no sign."""
    sign = "-" if sells else ""
    return reading.liquidation(
        reading.contract(text(contract, "contract")),
        reading.row_id(f"{contract}|{sign}{size}|{price}|{timestamp_ms // SECOND_MS}"),
        SIDE_OF_NEGATIVE_SIZE if sells else SIDE_OF_NEGATIVE_SIZE.opposite,
        positive_price(price, "price"),
        positive_decimal(size, "size"),
        timestamp_ms,
        PRICE_KIND,
        COMPLETENESS,
    )


def contract_list(settle: str) -> ContractList:
    """Declare the list of the contracts that settle in a currency."""
    return ContractList(
        setting=f"GATE_{settle}_CONTRACTS_URL",
        address=f"https://api.gateio.ws/api/v4/futures/{settle.lower()}/contracts",
        parse=partial(from_gate, settle),
        lists=lambda contract: contract.settle == settle,
    )


LIQUIDATES: Final = Feed(
    read=read_liquidates,
    publishes="one forced order a contract and second",
    completeness=COMPLETENESS,
    price_kind=PRICE_KIND,
    long_when="`size` below zero (the order's)",
    quantity="contracts",
)
HISTORY: Final = history_of(LIQUIDATES, read_history)
COMPLETION: Final = completion_of(HISTORY)
VENUE: Final = Venue(
    exchange=EXCHANGE,
    feeds={
        "usdt": LIQUIDATES,
        "btc": LIQUIDATES,
        "usdt-history": HISTORY,
        "btc-history": HISTORY,
        "usdt-completion": COMPLETION,
        "btc-completion": COMPLETION,
    },
    contracts=Contracts(
        listed_by=(contract_list("USDT"), contract_list("BTC")),
        sources={
            "2022-06-30": "crypto-crawler-rs, `gate.rs`: `quanto_multiplier` of "
            "`/futures/usdt/contracts`",
            "2025-06-30": "ccxt's recorded markets (`gate.json`)",
        },
    ),
)
