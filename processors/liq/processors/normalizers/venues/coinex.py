"""CoinEx: `liquidation-history` of every linear market, which is polled.

Sources: docs.coinex.com, API v2, "Get Market Liquidation History" (read 2026); three public readers
of 2026 that take the same fields.

- `side` is the side of the POSITION: long or short.
- `liq_amount` is in units of the base. That is documented by a word only ("liquidation amount");
  linear contracts of CoinEx are units of the base everywhere else.
- `bkr_price` is the bankruptcy price, at which the venue closes a position. `liq_price` is the mark
  price at which the liquidation begins, and is not read.
- `created_at` is in milliseconds.
- Every liquidation is listed, as the documentation reads.
- No id. Ids are made of every field of a row.
- BTCUSDT is linear. Inverse markets (BTCUSD) are not polled, and are rejected
  (`unsupported_quote`): their amounts are not documented. The documentation's example has a blank
  before the market's name, which is dropped.
"""

from functools import lru_cache
from typing import Any, Final

from liq.processors.normalizers.kit import (
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
    split_quote,
    take,
    text,
    timestamp,
    unknown_message,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, ContractKind, PriceKind, Side

LIQUIDATED: Final = {"long": Side.LONG, "short": Side.SHORT}
COMPLETENESS: Final = Completeness.COMPLETE
PRICE_KIND: Final = PriceKind.BANKRUPTCY
QUOTES: Final = ("USDT", "USDC")
ROW_FIELDS: Final = needed("market", "side", "liq_price", "liq_amount", "bkr_price", "created_at")


def read_answer(reading: Reading, message: Any) -> None:
    """Read an answer: the liquidations of one market."""
    if type(message) is not dict or "data" not in message:
        raise unknown_message(message)
    reading.entries(array_field(message, "data"), read_row)


def read_row(reading: Reading, row: Any) -> Liquidation:
    """Read one liquidated position."""
    symbol, side, liquidation, amount, bankruptcy, time = take(row_object(row), ROW_FIELDS)
    market = linear_market(text(symbol, "market").strip())
    liquidated = liquidated_side(side, "side", LIQUIDATED)
    price = positive_price(bankruptcy, "bkr_price")
    size = positive_decimal(amount, "liq_amount")
    timestamp_ms = timestamp(time, "created_at", reading.received_at_ms)
    return reading.liquidation(
        market,
        reading.row_id(
            f"{market.native_symbol}|{side}|{liquidation}|{bankruptcy}|{amount}|{timestamp_ms}"
        ),
        liquidated,
        price,
        size,
        timestamp_ms,
        PRICE_KIND,
        COMPLETENESS,
    )


@lru_cache(maxsize=8192)
def linear_market(symbol: str) -> Market:
    """Resolve BTCUSDT.

    Raises:
        EntryError: invalid_symbol or unsupported_quote.
    """
    base, quote = split_quote(check_symbol(symbol), QUOTES)
    return new_market(symbol, base, quote, settle=quote, contract=ContractKind.LINEAR)


LIQUIDATIONS: Final = Feed(
    read=read_answer,
    publishes="every liquidation of linear markets, polled",
    completeness=COMPLETENESS,
    price_kind=PRICE_KIND,
    long_when="`side` = long (the position's)",
    quantity="units of the base",
    unsettled="completeness; the unit of `liq_amount` where a contract is not a unit",
)
VENUE: Final = Venue(
    exchange="coinex",
    feeds={
        "liquidations": LIQUIDATIONS,
        "liquidations-history": history_of(LIQUIDATIONS, read_answer),
    },
)
