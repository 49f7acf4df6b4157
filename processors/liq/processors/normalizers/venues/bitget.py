"""Bitget v3: `liquidation` of each kind of futures.

Sources: www.bitget.live/api-doc, "Liquidation Channel" of the unified account (read 2026); a
recorded message of 2026-04-28.

- `side` is the side of the POSITION: buy means that a long was liquidated.
- The unit of `amount` is disputed: some read it as units of the base. AMOUNT_IS_QUOTE supposes
  dollars, since both recorded amounts divided by their prices are round to one decimal place.
- What `price` is, is not documented either. PRICE_KIND supposes the bankruptcy price, which keeps
  it out of market prices.
- `ts` of a row is in milliseconds; rows are up to 20 seconds older than the message.
- One message a second, with the largest long and the largest short of each pair only.
- No id.
- usdt-futures and usdc-futures are linear (BTCUSDT; BTCPERP is quoted in USDC), coin-futures are
  inverse (BTCUSD).
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
    liquidated_side,
    needed,
    new_market,
    object_field,
    positive_decimal,
    positive_price,
    row_object,
    shown,
    split_quote,
    take,
    text,
    text_field,
    timestamp,
    unknown_message,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, ContractKind, PriceKind, RejectReason, Side

LIQUIDATED: Final = {"buy": Side.LONG, "sell": Side.SHORT}
COMPLETENESS: Final = Completeness.SAMPLED
AMOUNT_IS_QUOTE: Final = True
PRICE_KIND: Final = PriceKind.BANKRUPTCY
TOPIC: Final = "liquidation"
# The quotes that the symbols of a product may end with.
PRODUCT_QUOTES: Final = {
    "usdt-futures": ("USDT",),
    "usdc-futures": ("PERP", "USDC"),
    "coin-futures": ("USD",),
}
INVERSE_PRODUCT: Final = "coin-futures"
ROW_FIELDS: Final = needed("symbol", "side", "price", "amount", "ts")

_DELIVERY = re.compile(r"(?<=USD|SDT|SDC|ERP)[FGHJKMNQUVXZ][0-9]{2}$", re.ASCII)


def read_public(reading: Reading, message: Any) -> None:
    """Read a message of the public socket."""
    if type(message) is not dict:
        raise unknown_message(message)
    if "data" not in message:
        if "event" not in message:
            raise unknown_message(message)
        return
    argument = object_field(message, "arg")
    if argument.get("topic") != TOPIC:
        raise unknown_message(message)
    product = text_field(argument, "instType").lower()
    if product not in PRODUCT_QUOTES:
        raise EntryError(
            RejectReason.UNSUPPORTED_INSTRUMENT,
            f"instType is {shown(product)}, not {' or '.join(PRODUCT_QUOTES)}.",
        )
    reading.entries(array_field(message, "data"), read_row, product)


def read_row(reading: Reading, row: Any, product: str) -> Liquidation:
    """Read one liquidated position."""
    symbol, raw_side, raw_price, amount, time = take(row_object(row), ROW_FIELDS)
    market = futures_market(text(symbol, "symbol"), product)
    side = liquidated_side(raw_side, "side", LIQUIDATED)
    price = positive_price(raw_price, "price")
    size = positive_decimal(amount, "amount")
    timestamp_ms = timestamp(time, "ts", reading.received_at_ms)
    return reading.liquidation(
        market,
        reading.row_id(f"{symbol}|{raw_side}|{raw_price}|{amount}|{timestamp_ms}"),
        side,
        price,
        size,
        timestamp_ms,
        PRICE_KIND,
        COMPLETENESS,
        size_is_quote=AMOUNT_IS_QUOTE,
    )


@lru_cache(maxsize=8192)
def futures_market(symbol: str, product: str) -> Market:
    """Resolve a symbol by its product: BTCUSDT, BTCPERP, BTCUSD, or BTCUSDM25 with a delivery.

    Raises:
        EntryError: invalid_symbol or unsupported_quote.
    """
    pair = _DELIVERY.sub("", check_symbol(symbol))
    base, quote = split_quote(pair, PRODUCT_QUOTES[product])
    if quote == "PERP":
        quote = "USDC"
    if product == INVERSE_PRODUCT:
        return new_market(symbol, base, quote, settle=base, contract=ContractKind.INVERSE)
    return new_market(symbol, base, quote, settle=quote, contract=ContractKind.LINEAR)


VENUE: Final = Venue(
    exchange="bitget",
    feeds={
        "liquidation": Feed(
            read=read_public,
            publishes="the largest long and short of a pair and second",
            completeness=COMPLETENESS,
            price_kind=PRICE_KIND,
            long_when="`side` = buy (the position's)",
            quantity="dollars",
            breaks="none known: the feed is of 2026",
            unsettled="the unit of `amount`; what the price is",
        )
    },
    control_texts=frozenset({b"ping", b"pong"}),
)
