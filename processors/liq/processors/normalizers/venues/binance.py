"""Binance futures, USD-M and COIN-M: `forceOrder`.

Sources: developers.binance.com, "Liquidation Order Streams" of both and changelog (read 2026);
2,293 recorded USD-M messages of 2024-08 to 2025-02, a recorded COIN-M message of 2020-07-13, and
messages of 2026-10-08 and 2026-10-09 with the fields `st` and `ps`.

- A message comes bare, or wrapped by `/stream`.
- Since the integration of both markets (notice of 2026-06-10, effective 2026-06-30) one stream may
  carry the orders of both: `st` is 1 for USD-M and 2 for COIN-M. An order is read as its market's
  whichever socket brings it. Without `st` an order is its socket's, unless its symbol has the
  shape of a COIN-M contract (BTCUSD_PERP, BTCUSD_261225).
- `serverShutdown` announces that the server closes the socket (changelog of 2026-06-09).
- `o.S` is the side of the forced order: SELL closes a long. That is beyond doubt: under this
  reading no recorded order filled at a price worse than its limit, and nearly all filled better.
- `o.z`, the accumulated filled quantity, is in units of the base (USD-M) or contracts of some
  dollars (COIN-M; by the metadata 100 for BTC and 10 for most others, whatever the price). `o.l` is
  the last fill only and would lose two thirds of the volume.
- `o.ap` is the average fill price. Where it is zero, `o.p` stands in: the order's limit, about
  1 % worse, hence the price kind `order`.
- `o.T` is the trade time in milliseconds.
- At most one order per symbol and second is published: until 2026-04-14 the latest, since then
  the largest (whether that holds for COIN-M, too, its documentation does not say). Series before
  and after that day are not comparable. In a cascade counts saturate, and sums are lower bounds.
- No id; symbol and time alone were unique in the recordings.
- Sizes and prices of 1000PEPEUSDT are per thousand of the asset.
- ETHBTC is quoted and settled in bitcoin (listed pairs of `exchangeInfo`, 2025): its value takes a
  rate.
"""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final

from liq.processors.normalizers.kit import (
    JSON_NUMBERS,
    ContractList,
    Contracts,
    Feed,
    JsonObject,
    Market,
    Reading,
    Venue,
    check_symbol,
    from_coinm,
    is_zero,
    liquidated_side,
    needed,
    new_market,
    object_field,
    positive_decimal,
    positive_price,
    split_quote,
    take,
    text,
    timestamp,
    unknown_message,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, ContractKind, PriceKind, Side

EXCHANGE: Final = "binance"
LIQUIDATED: Final = {"SELL": Side.LONG, "BUY": Side.SHORT}
COMPLETENESS: Final = Completeness.SAMPLED
PRICE_KIND: Final = PriceKind.AVERAGE_FILL
PRICE_KIND_WITHOUT_FILL: Final = PriceKind.ORDER
QUOTES: Final = ("USDT", "USDC", "FDUSD", "BUSD", "USD1", "BTC", "ETH", "EUR")
ORDER_FIELDS: Final = needed("s", "S", "p", "ap", "z", "T")
CONTROL_FIELDS: Final = frozenset({"result", "error", "code"})
# No COIN-M contract ends with one of them.
STABLE_QUOTES: Final = ("USDT", "USDC")
CONTROL_EVENTS: Final = frozenset({"serverShutdown", "eventStreamTerminated"})
USDM: Final = (1, "1")
COINM: Final = (2, "2")

_COINM_SYMBOL = re.compile(r".+USD_(?:PERP|[0-9]{6})")
_Resolve = Callable[[Reading, JsonObject, str], Market]


def read_message(resolve: _Resolve, reading: Reading, message: Any) -> None:
    """Read a message of `/ws` (bare) or `/stream` (wrapped)."""
    if type(message) is not dict:
        raise unknown_message(message)
    if "stream" in message:
        message = object_field(message, "data")
    event = message.get("e")
    if event == "forceOrder":
        reading.add(read_order(resolve, reading, object_field(message, "o")))
    elif not is_control(message, event):
        raise unknown_message(message)


def is_control(message: JsonObject, event: object) -> bool:
    """Return whether a message without an order is an answer or an announcement."""
    if "e" in message:
        return type(event) is str and event in CONTROL_EVENTS
    return not CONTROL_FIELDS.isdisjoint(message)


def read_order(resolve: _Resolve, reading: Reading, order: JsonObject) -> Liquidation:
    """Read the forced order."""
    symbol, raw_side, limit, average, size, time = take(order, ORDER_FIELDS)
    market = resolve(reading, order, text(symbol, "s"))
    side = liquidated_side(raw_side, "S", LIQUIDATED)
    # The limit is part of the id even if it is not the price.
    if type(limit) is not str and type(limit) not in JSON_NUMBERS:
        text(limit, "p")
    if is_zero(average):
        price, price_kind = positive_price(limit, "p"), PRICE_KIND_WITHOUT_FILL
    else:
        price, price_kind = positive_price(average, "ap"), PRICE_KIND
    quantity = positive_decimal(size, "z")
    timestamp_ms = timestamp(time, "T", reading.received_at_ms)
    return reading.liquidation(
        market,
        reading.row_id(f"{symbol}|{raw_side}|{limit}|{average}|{size}|{timestamp_ms}"),
        side,
        price,
        quantity,
        timestamp_ms,
        price_kind,
        COMPLETENESS,
    )


@lru_cache(maxsize=8192)
def usdm_market(symbol: str) -> Market:
    """Resolve BTCUSDT, or BTCUSDT_250627 with a delivery date.

    Raises:
        EntryError: invalid_symbol or unsupported_quote.
    """
    pair = check_symbol(symbol).partition("_")[0]
    base, quote = split_quote(pair, QUOTES)
    return new_market(symbol, base, quote, settle=quote, contract=ContractKind.LINEAR)


def listed_usdm_market(_: Reading, __: JsonObject, symbol: str) -> Market:
    """Resolve a USD-M symbol, which needs no metadata."""
    return usdm_market(symbol)


def usdm_socket_market(reading: Reading, order: JsonObject, symbol: str) -> Market:
    """Resolve the symbol of an order from the socket of USD-M.

    Raises:
        EntryError: as `usdm_market` or `coinm_market`.
    """
    kind = order.get("st")
    if kind is None:
        return shaped_usdm_market(symbol) or coinm_market(reading, symbol)
    return coinm_market(reading, symbol) if kind in COINM else usdm_market(symbol)


def coinm_socket_market(reading: Reading, order: JsonObject, symbol: str) -> Market:
    """Resolve the symbol of an order from the socket of COIN-M.

    Raises:
        EntryError: as `usdm_market` or `coinm_market`.
    """
    kind = order.get("st")
    is_usdm = kind in USDM if kind is not None else symbol.endswith(STABLE_QUOTES)
    return usdm_market(symbol) if is_usdm else coinm_market(reading, symbol)


@lru_cache(maxsize=8192)
def shaped_usdm_market(symbol: str) -> Market | None:
    """Resolve a USD-M symbol; None for the shape of a COIN-M contract, which no USD-M one has.

    Raises:
        EntryError: as `usdm_market`.
    """
    return None if _COINM_SYMBOL.fullmatch(symbol) else usdm_market(symbol)


def coinm_market(reading: Reading, symbol: str) -> Market:
    """Resolve BTCUSD_PERP, or BTCUSD_200925 with a delivery date, by its metadata.

    Raises:
        EntryError: as `InstrumentBook.market`.
    """
    return reading.contract(symbol, coinm_family)


def coinm_family(symbol: str) -> str:
    """Return the pair, BTCUSD of BTCUSD_PERP or BTCUSD_261225.

    The size is the pair's: so it was in every recorded `exchangeInfo` of 2021 to 2023
    (bmoscon/cryptofeed, `sample_data`), and messages of 2026 name the pair in `ps`.
    """
    return symbol.partition("_")[0]


VENUE: Final = Venue(
    exchange=EXCHANGE,
    feeds={
        "usdm": Feed(
            read=partial(read_message, usdm_socket_market),
            publishes="one forced order a symbol and second",
            completeness=COMPLETENESS,
            price_kind=PRICE_KIND,
            long_when="`S` = SELL (the order's)",
            quantity="units of the base",
            breaks="2026-04-14: from the latest order of a second to the largest; "
            "2026-04-23: the old address is silent",
            unsettled="the new address",
        ),
        "coinm": Feed(
            read=partial(read_message, coinm_socket_market),
            publishes="one forced order a symbol and second",
            completeness=COMPLETENESS,
            price_kind=PRICE_KIND,
            long_when="`S` = SELL (the order's)",
            quantity="contracts",
            breaks="perhaps those of `usdm`: undocumented",
            unsettled="the address; which order of a second",
        ),
    },
    contracts=Contracts(
        listed_by=(
            ContractList(
                setting="BINANCE_COINM_CONTRACTS_URL",
                address="https://dapi.binance.com/dapi/v1/exchangeInfo",
                parse=from_coinm,
                lists=lambda _: True,
            ),
        ),
        family_of=coinm_family,
        sources={
            "2025-06-30": "ccxt's recorded markets (`ts/src/test/static/markets/binance.json`) "
            "and the venue's rule: 100 dollars for BTC, 10 for others",
        },
    ),
)
