"""Orderly: `liquidated_positions` of all accounts, which is polled (WOOFi Pro, Aden and others).

Sources: orderly.network, "Get liquidated positions info" and the public info API's "Liquidations"
and "platformPositions" (read 2026); rows that a public reader checked in 2026-09
(OpenChainBench).

- A row is a liquidation of an account, with a leg for each market in `positions_by_perp`.
- `position_qty` is the POSITION's, in units of the base: above zero a long was liquidated. A
  leg of -0.0146 BTC cost -1,233.05 dollars. A leg of zero transfers nothing and is no event.
- `transfer_price` is the price at which the liquidator took the position over, near the mark price;
  no order was filled. `cost_position_transfer` is quantity times price in dollars (245.71 for
  0.0914 ETH at 2,688.29).
- `type` is liquidated. A `claim` hands a position of the insurance fund to a liquidator: nobody is
  liquidated, and it is rejected as `not_a_liquidation`. A row without `type` counts as liquidated.
- `timestamp` is in milliseconds.
- Every liquidation is published. The venue also pushes a topic `liquidation`, whose rows have no
  price.
- The id is `liquidation_id`, the symbol and the time, because liquidators may take over an account
  in parts.
- Markets are named PERP_BTC_USDC, and are settled in USDC.
"""

from collections.abc import Iterable
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
    is_zero,
    needed,
    new_market,
    object_field,
    positive_decimal,
    positive_price,
    row_object,
    shown,
    split_sign,
    take,
    text,
    timestamp,
    unknown_message,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, ContractKind, PriceKind, RejectReason, Side

COMPLETENESS: Final = Completeness.COMPLETE
PRICE_KIND: Final = PriceKind.MARK
LIQUIDATED: Final = "liquidated"
CLAIM: Final = "claim"
ROW_FIELDS: Final = needed("liquidation_id", "timestamp")
LEG_FIELDS: Final = needed("symbol", "position_qty", "transfer_price")
MAX_ID: Final = 2**63 - 1
PREFIX: Final = "PERP"


def read_answer(reading: Reading, message: Any) -> None:
    """Read an answer: rows, each with the legs of one account."""
    if type(message) is not dict or "data" not in message:
        raise unknown_message(message)
    rows = array_field(object_field(message, "data"), "rows")
    reading.entries(((row, leg) for row in rows for leg in legs_of(row)), read_leg)


def legs_of(row: Any) -> Iterable[Any]:
    """Return the legs of a row; a row without an array of legs has one, for its rejection."""
    legs = row.get("positions_by_perp") if type(row) is dict else None
    return legs if type(legs) is list else [None]


def read_leg(reading: Reading, entry: tuple[Any, Any]) -> Liquidation | None:
    """Read one leg of a liquidation."""
    row = row_object(entry[0])
    array_field(row, "positions_by_perp")
    check_kind(row.get("type", LIQUIDATED))
    number, time = take(row, ROW_FIELDS)
    symbol, quantity, raw_price = take(row_object(entry[1]), LEG_FIELDS)
    is_short, size = split_sign(quantity, "position_qty")
    if is_zero(size):
        return None
    timestamp_ms = timestamp(time, "timestamp", reading.received_at_ms)
    return reading.liquidation(
        perpetual_market(text(symbol, "symbol")),
        reading.own_id(f"{liquidation_number(number)}|{symbol}|{timestamp_ms}"),
        Side.SHORT if is_short else Side.LONG,
        positive_price(raw_price, "transfer_price"),
        positive_decimal(size, "position_qty"),
        timestamp_ms,
        PRICE_KIND,
        COMPLETENESS,
    )


def check_kind(kind: Any) -> None:
    """Check that a row is a liquidation.

    Raises:
        EntryError: not_a_liquidation or unknown_message.
    """
    if kind == CLAIM:
        raise EntryError(
            RejectReason.NOT_A_LIQUIDATION,
            "A claim hands a position of the insurance fund over; nobody is liquidated.",
        )
    if kind != LIQUIDATED:
        raise EntryError(RejectReason.UNKNOWN_MESSAGE, f"No known row has the type {shown(kind)}.")


def liquidation_number(value: object) -> int:
    """Return the number of a liquidation.

    Raises:
        EntryError: missing_field.
    """
    if type(value) is not int or not 0 <= value <= MAX_ID:
        raise EntryError(
            RejectReason.MISSING_FIELD, f"liquidation_id is {shown(value)}, not a number."
        )
    return value


@lru_cache(maxsize=8192)
def perpetual_market(symbol: str) -> Market:
    """Resolve PERP_BTC_USDC.

    Raises:
        EntryError: invalid_symbol, unsupported_quote or unsupported_instrument.
    """
    prefix, _, pair = check_symbol(symbol).partition("_")
    if prefix != PREFIX:
        raise EntryError(
            RejectReason.UNSUPPORTED_INSTRUMENT, f"{shown(symbol)} does not begin with {PREFIX}_."
        )
    base, _, quote = pair.rpartition("_")
    return new_market(symbol, base, quote, settle=quote, contract=ContractKind.LINEAR)


LIQUIDATIONS: Final = Feed(
    read=read_answer,
    publishes="every liquidated position, polled",
    completeness=COMPLETENESS,
    price_kind=PRICE_KIND,
    long_when="`position_qty` above zero (the position's)",
    quantity="units of the base",
    identity="liquidation_id, symbol, timestamp",
    unsettled="whether a row changes later; that `claim` rows come; whether the price is the mark",
)
VENUE: Final = Venue(
    exchange="orderly",
    feeds={
        "liquidations": LIQUIDATIONS,
        "liquidations-history": history_of(LIQUIDATIONS, read_answer),
    },
)
