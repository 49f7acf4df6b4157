"""Bybit v5 futures: `allLiquidation.{symbol}`, and the older `liquidation.{symbol}`.

Sources: bybit-exchange/docs, all-liquidation.mdx (read 2026) and the history of liquidation.mdx,
which was removed on 2025-11-19; recorded messages of both, and of 2021-09-20
in the older dialect.

- `S` (formerly `side`) is the side of the POSITION: Buy means that a long was liquidated. Before
  2023-08-31 the documentation called it the order's side; the field never changed, the text did.
  Many libraries still pass it on as the order's.
- `v` (`size`; `qty` until 2022) is in units of the base on `linear`, in contracts of one dollar on
  `inverse`.
- `p` (`price`) is the bankruptcy price, below the market for a long: never a market price. Dollars
  are off by about the maintenance margin.
- `T` (`updatedTime`, spelled `updateTime` in the old table; `time` until 2022) is in milliseconds.
- The new topic publishes all liquidations, twice a second; the old one at most one per symbol
  and second (sampled), so that Bybit's volume steps up where a recording changes from one to the
  other. An event that both topics publish has one id.
- Symbols that end in PERP, and dated ones without a quote, are quoted in USDC.
- No id. Batches may hold identical rows.
"""

import re
from functools import lru_cache, partial
from typing import Any, Final

from liq.processors.normalizers.kit import (
    Feed,
    Getter,
    JsonObject,
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
    split_quote,
    take,
    text,
    timestamp,
    unknown_message,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, ContractKind, PriceKind, Side

LIQUIDATED: Final = {"Buy": Side.LONG, "Sell": Side.SHORT}
COMPLETENESS: Final = Completeness.COMPLETE
COMPLETENESS_OF_OLD: Final = Completeness.SAMPLED
PRICE_KIND: Final = PriceKind.BANKRUPTCY
CONTROL_FIELDS: Final = frozenset({"op", "success", "ret_msg"})

# BTCPERP is quoted in USDC. USDT comes first: PERPUSDT is the coin PERP.
LINEAR_QUOTES: Final = ("USDT", "PERP", "USDC")
_INVERSE_DELIVERY = re.compile(r"(?<=USD)[FGHJKMNQUVXZ][0-9]{2}$", re.ASCII)

# Symbol, side, price, size and time, in every topic generation.
ROW_FIELDS: Final = needed("s", "S", "p", "v", "T")
OLD_SIZES: Final = ("size", "qty")
OLD_TIMES: Final = ("updatedTime", "updateTime", "time")
OLD_FIELDS: Final = {
    (size, time): needed("symbol", "side", "price", size, time)
    for size in OLD_SIZES
    for time in OLD_TIMES
}


def read_futures(contract: ContractKind, reading: Reading, message: Any) -> None:
    """Read a message of either topic generation, or a control frame."""
    if type(message) is not dict:
        raise unknown_message(message)
    topic = message.get("topic")
    if type(topic) is not str:
        if CONTROL_FIELDS.isdisjoint(message):
            raise unknown_message(message)
    elif topic.startswith("allLiquidation."):
        rows = array_field(message, "data")
        reading.entries(rows, read_row, ROW_FIELDS, contract, COMPLETENESS)
    elif topic.startswith("liquidation."):
        row = object_field(message, "data")
        reading.add(read_row(reading, row, old_fields(row), contract, COMPLETENESS_OF_OLD))
    else:
        raise unknown_message(message)


def old_fields(row: JsonObject) -> Getter:
    """Return the getter for the dialect of a row of the old topic."""
    if "size" in row and "updatedTime" in row:  # nearly all rows
        return OLD_FIELDS["size", "updatedTime"]
    size = next((name for name in OLD_SIZES if name in row), OLD_SIZES[0])
    time = next((name for name in OLD_TIMES if name in row), OLD_TIMES[0])
    return OLD_FIELDS[size, time]


def read_row(
    reading: Reading, row: Any, names: Getter, contract: ContractKind, completeness: Completeness
) -> Liquidation:
    """Read one liquidated position."""
    symbol, raw_side, raw_price, raw_size, time = take(row_object(row), names)
    market = futures_market(text(symbol, "The symbol"), contract)
    side = liquidated_side(raw_side, "The side", LIQUIDATED)
    price = positive_price(raw_price, "The price")
    size = positive_decimal(raw_size, "The size")
    timestamp_ms = timestamp(time, "The time", reading.received_at_ms)
    return reading.liquidation(
        market,
        reading.row_id(f"{symbol}|{raw_side}|{raw_price}|{raw_size}|{timestamp_ms}"),
        side,
        price,
        size,
        timestamp_ms,
        PRICE_KIND,
        completeness,
    )


@lru_cache(maxsize=8192)
def futures_market(symbol: str, contract: ContractKind) -> Market:
    """Resolve a symbol by its endpoint.

    Linear: BTCUSDT, BTCUSDT-27JUN25, BTCPERP (USDC), BTC-27JUN25 (USDC). Inverse: BTCUSD,
    BTCUSDM25.

    Raises:
        EntryError: invalid_symbol or unsupported_quote.
    """
    check_symbol(symbol)
    if contract is ContractKind.INVERSE:
        base, quote = split_quote(_INVERSE_DELIVERY.sub("", symbol), ("USD",))
        return new_market(symbol, base, quote, settle=base, contract=contract)
    pair, _, delivery = symbol.partition("-")
    base, quote = split_quote(pair, LINEAR_QUOTES)
    if quote == "PERP" or (delivery and not quote):
        quote = "USDC"
    return new_market(symbol, base, quote, settle=quote, contract=contract)


VENUE: Final = Venue(
    exchange="bybit",
    feeds={
        "linear": Feed(
            read=partial(read_futures, ContractKind.LINEAR),
            publishes="positions in USDT and USDC contracts",
            completeness=COMPLETENESS,
            price_kind=PRICE_KIND,
            long_when="`S` = Buy (the position's)",
            quantity="units of the base",
            breaks="the change of topics in 2025: volume steps up",
        ),
        "inverse": Feed(
            read=partial(read_futures, ContractKind.INVERSE),
            publishes="positions in coin-margined contracts",
            completeness=COMPLETENESS,
            price_kind=PRICE_KIND,
            long_when="`S` = Buy (the position's)",
            quantity="dollars",
            breaks="the change of topics in 2025: volume steps up",
        ),
    },
)
