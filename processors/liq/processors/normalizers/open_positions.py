"""Snapshots of open positions: an answer of a venue becomes records. Pure.

Orderly: `platformPositions` of the public info API.

Sources: orderly.network, public info API (read 2026); the rows' type in two public clients of 2026.

- `side` is the POSITION's: LONG or SHORT. `position_qty` is in units of the base, and has the
  side's sign where it has one; a row whose sign and side contradict each other is left out.
- `est_liq_price` is the mark price at which the account's margin ratio reaches the maintenance
  margin ratio, while its other positions stay as they are (Orderly liquidates by mark price). It is
  null, or not above zero, where no price liquidates the position.
- An answer has the largest positions only, as many as were requested.
- `address` and `account_id` make the record's id, and are not in it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

import orjson

from liq.processors.normalizers.kit import (
    EntryError,
    Market,
    array_field,
    needed,
    object_field,
    positive_decimal,
    positive_price,
    row_object,
    shown,
    split_sign,
    take,
    text,
    unknown_message,
)
from liq.processors.normalizers.numbers import (
    EXACT,
    SMALLEST,
    SMALLEST_PRICE,
    stored,
    stored_quantity,
)
from liq.processors.normalizers.venues.orderly import perpetual_market
from liq.schemas.records import OpenPosition
from liq.schemas.vocabulary import RejectReason, Side

ROW_FIELDS: Final = needed("symbol", "side", "position_qty", "mark_price")
SIDES: Final = {"LONG": Side.LONG, "SHORT": Side.SHORT}
ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The positions of an answer, and a sentence for each row that was left out."""

    positions: tuple[OpenPosition, ...]
    problems: tuple[str, ...]


def read_snapshot(exchange: str, answer: bytes, received_at_ms: int) -> Snapshot:
    """Return the positions of a venue's answer, received at a time (UTC, ms).

    Raises:
        ValueError: the answer is not a snapshot; the message has the reason.
    """
    try:
        rows = _ROWS[exchange](orjson.loads(answer))
    except (orjson.JSONDecodeError, EntryError) as error:
        raise ValueError(f"the snapshot cannot be read: {error}") from error
    positions: dict[str, OpenPosition] = {}
    problems = []
    for row in rows:
        try:
            position = _read_row(exchange, row_object(row), received_at_ms)
        except EntryError as error:
            problems.append(error.detail)
        else:
            positions[position.position_id] = position
    return Snapshot(tuple(positions.values()), tuple(problems))


def _orderly_rows(message: Any) -> list[Any]:
    if type(message) is not dict or message.get("success") is not True:
        raise unknown_message(message)
    return array_field(object_field(message, "data"), "rows")


_ROWS: Final[Mapping[str, Callable[[Any], list[Any]]]] = {"orderly": _orderly_rows}


def _read_row(exchange: str, row: Mapping[str, Any], received_at_ms: int) -> OpenPosition:
    symbol, raw_side, raw_quantity, raw_mark = take(dict(row), ROW_FIELDS)
    market = perpetual_market(text(symbol, "symbol"))
    side = SIDES.get(raw_side) if type(raw_side) is str else None
    is_negative, unsigned = split_sign(raw_quantity, "position_qty")
    if side is None or (is_negative and side is Side.LONG):
        raise EntryError(
            RejectReason.INVALID_SIDE,
            f"side is {shown(raw_side)}, and position_qty {shown(raw_quantity)}.",
        )
    size = positive_decimal(unsigned, "position_qty")
    quantity = stored_quantity(size.scaleb(market.base_power, EXACT))
    mark = _price(market, raw_mark, "mark_price")
    return OpenPosition(
        position_id=_id(exchange, row, market.native_symbol),
        exchange=exchange,
        symbol=market.symbol,
        native_symbol=market.native_symbol,
        base=market.base,
        side=side,
        quantity=quantity,
        value_usd=stored(EXACT.multiply(quantity, mark), "The value"),
        mark_price=mark,
        timestamp_ms=received_at_ms,
        liquidation_price=_optional_price(market, row.get("est_liq_price")),
        entry_price=_optional_price(market, row.get("average_open_price")),
    )


def _price(market: Market, value: object, name: str) -> Decimal:
    price = positive_price(value, name)
    return stored(price.scaleb(-market.base_power, EXACT), name, SMALLEST_PRICE)


def _optional_price(market: Market, value: object) -> Decimal | None:
    """Return a price to twelve places; None if it is absent or not above zero."""
    try:
        return stored(_price(market, value, "The price"), "The price", SMALLEST)
    except EntryError:
        return None


def _id(exchange: str, row: Mapping[str, Any], symbol: str) -> str:
    """Return the id of an account's position in a symbol.

    Raises:
        EntryError: missing_field: the row names no account.
    """
    account = row.get("account_id") or row.get("address")
    text_of = text(account, "account_id")
    digest = blake2b(digest_size=ID_BYTES)
    digest.update(f"{exchange}|{text_of}|{symbol}".encode(errors="surrogatepass"))
    return digest.hexdigest()
