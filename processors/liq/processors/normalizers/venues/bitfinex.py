"""Bitfinex: `liq:global` of the status channel.

Sources: docs.bitfinex.com, "Liquidations" of REST and "Status" of the websocket (read 2026);
recorded rows of 2020-06-30, 2020-07-06 and 2024-01-28 (ccxt/ccxt#20989).

A message is the channel and its rows; a sequence number, a time and the channel's name may follow
where configuration flags are set. A row is `["pos", POS_ID, MTS, -, SYMBOL, AMOUNT, BASE_PRICE, -,
IS_MATCH, IS_MARKET_SOLD, -, PRICE_ACQUIRED]`.

- AMOUNT, in units of the base, is the POSITION's: above zero, a long was liquidated.
- BASE_PRICE is where the position was opened: as a price it would miss the whole loss.
  PRICE_ACQUIRED is where the position was taken over, and the price of the event.
- One liquidation gives several rows within milliseconds: a trigger with the whole position and
  mostly without a price, sometimes the whole position again with the price at which it was taken
  over, and executions of it (recorded on 2024-01-28: 0.0392 without a price, 0.0392 at 42735 and
  0.03908247 at 42735; on 2020-07-06 a trigger of 8.6007 and an execution of 4.56671421). Summing
  them would count the position twice, so that a position gives one event and has one id, whichever
  row or frame says it. In a frame with a priced row of the whole position (IS_MATCH 0), that is the
  event. Otherwise it is the executions (IS_MATCH 1) together, at their mean price, where the frame
  has the trigger and they do not exceed it, and else the largest of them. Executions in a later
  frame bear the same id, and replace the event downstream rather than add to it: a position is
  counted at most as large as it was. What IS_MARKET_SOLD means is documented in two opposite ways;
  it is not used.
- Derivatives end in F0 on both sides (tBTCF0:USTF0). The feed also has margin positions in spot
  pairs (tBTCUSD); they are no derivatives and give nothing. UST is Tether here. TEST pairs are
  paper trading.
- MTS is in milliseconds, recorded with a fraction at times (1574697680828.2002), which is cut.
  There is no throttle.
- The id is POS_ID.
- `v2/liquidations/hist` answers with the same rows, each in an array of its own.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

from liq.processors.normalizers.kit import (
    JSON_NUMBERS,
    EntryError,
    Feed,
    Market,
    Reading,
    Venue,
    check_symbol,
    history_of,
    new_market,
    positive_decimal,
    positive_price,
    shown,
    text,
    timestamp,
    unknown_message,
    unusable,
)
from liq.processors.normalizers.numbers import EXACT, SMALLEST_PRICE, stored
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, ContractKind, PriceKind, RejectReason, Side

POSITION_ID: Final = 1
TIME: Final = 2
SYMBOL: Final = 4
AMOUNT: Final = 5
IS_MATCH: Final = 8
PRICE_ACQUIRED: Final = 11
ROW_LENGTH: Final = 12
ZERO: Final = Decimal(0)
MIN_MESSAGE_LENGTH: Final = 2
# Channel, rows, sequence number, time, and the names that recorders add.
MAX_MESSAGE_LENGTH: Final = 6
# The venue's spellings of assets, as ccxt 4.5.90 resolves them.
ASSETS: Final = {"ALG": "ALGO", "ATO": "ATOM", "DSH": "DASH", "IOT": "IOTA"}
QUOTES: Final = {"UST": "USDT"}
COMPLETENESS: Final = Completeness.COMPLETE
PRICE_KIND: Final = PriceKind.FILL
# A heartbeat, and the checksums that a configuration flag asks for.
CONTROL_CONTENTS: Final = frozenset({"hb", "cs"})

_PERPETUAL = re.compile(r"t(?!TEST)([^:]{1,60})F0:([A-Z0-9]{1,20})F0")


class Row(NamedTuple):
    """A row of a derivative; one without a price is a trigger, whose time does not matter."""

    market: Market
    position: int
    is_execution: bool
    side: Side
    amount: Decimal
    price: Decimal | None
    timestamp_ms: int


def read_status(reading: Reading, message: Any) -> None:
    """Read rows of the channel, a heartbeat, or a control frame."""
    if type(message) is dict and type(message.get("event")) is str:
        return
    if type(message) is not list or not MIN_MESSAGE_LENGTH <= len(message) <= MAX_MESSAGE_LENGTH:
        raise unknown_message(message)
    rows = message[1]
    if type(rows) is str and rows in CONTROL_CONTENTS:
        return
    if type(rows) is not list:
        raise unknown_message(message)
    read_rows(reading, rows)


def read_history(reading: Reading, message: Any) -> None:
    """Read an answer of `liquidations/hist`: arrays of one row each."""
    if type(message) is not list:
        raise unknown_message(message)
    parts = (part if type(part) is list else [part] for part in message)
    read_rows(reading, [row for part in parts for row in part])


def read_rows(reading: Reading, rows: list[Any]) -> None:
    """Read rows, and add one event for each position among them."""
    positions: dict[int, list[Row]] = {}
    reading.entries(rows, read_row, positions)
    reading.entries(positions.values(), read_position)


def read_row(reading: Reading, row: Any, positions: dict[int, list[Row]]) -> None:
    """Add one row of a derivative to those of its position."""
    if type(row) is not list or len(row) < ROW_LENGTH or row[0] != "pos":
        raise EntryError(RejectReason.MISSING_FIELD, "An entry is not a row of twelve with a pos.")
    market = derivative_market(text(row[SYMBOL], "SYMBOL"))
    if market is None:
        return
    number, is_match, amount = row[POSITION_ID], row[IS_MATCH], row[AMOUNT]
    if type(number) is not int or type(is_match) is not int:
        raise EntryError(
            RejectReason.MISSING_FIELD,
            f"POS_ID and IS_MATCH are {shown(number)} and {shown(is_match)}, not integers.",
        )
    if type(amount) not in JSON_NUMBERS:
        raise unusable(RejectReason.INVALID_NUMBER, amount, "AMOUNT", "a number")
    size, acquired = positive_decimal(abs(amount), "AMOUNT"), row[PRICE_ACQUIRED]
    is_execution = is_match != 0
    side = Side.LONG if amount > 0 else Side.SHORT
    if acquired is None:
        one = Row(market, number, is_execution, side, size, None, 0)
    else:
        time = row[TIME]
        price = positive_price(acquired, "PRICE_ACQUIRED")
        time_ms = int(time) if type(time) is float else time
        timestamp_ms = timestamp(time_ms, "MTS", reading.received_at_ms)
        one = Row(market, number, is_execution, side, size, price, timestamp_ms)
    if number in positions:
        positions[number].append(one)
    else:
        positions[number] = [one]


def read_position(reading: Reading, rows: list[Row]) -> Liquidation | None:
    """Return the event of one position, which is never larger than the position was."""
    counted: Row | None = None
    triggered: Decimal | None = None
    for row in rows:
        if row.price is None:
            triggered = row.amount
        elif counted is None or counts_rather(row, counted):
            counted = row
    if counted is None or counted.price is None:
        return None
    amount, price, price_kind = counted.amount, counted.price, PRICE_KIND
    if counted.is_execution and triggered is not None and len(rows) > 2:  # noqa: PLR2004 - trigger and one
        parts = priced_once(rows)
        total = sum_exactly(part.amount for part in parts)
        if len(parts) > 1 and total <= triggered:
            paid = sum_exactly(EXACT.multiply(part.amount, part.price or ZERO) for part in parts)
            price = stored(EXACT.divide(paid, total), "The mean price", SMALLEST_PRICE)
            amount, price_kind = total, PriceKind.AVERAGE_FILL
    return reading.liquidation(
        counted.market,
        reading.own_id(str(counted.position)),
        counted.side,
        price,
        amount,
        counted.timestamp_ms,
        price_kind,
        COMPLETENESS,
    )


def priced_once(rows: list[Row]) -> list[Row]:
    """Return the rows with a price, each once, even if a recorder has repeated it."""
    found: dict[tuple[object, ...], Row] = {}
    for row in rows:
        if row.price is not None:
            # Hashing a whole market would take longer than the rest of a row.
            found.setdefault((row.market.native_symbol, *row[1:]), row)
    return list(found.values())


def counts_rather(row: Row, counted: Row) -> bool:
    """Whether a row says more than another of its position: the whole of it, or a larger part."""
    if row.is_execution is not counted.is_execution:
        return counted.is_execution
    return row.amount > counted.amount


def sum_exactly(numbers: Iterable[Decimal]) -> Decimal:
    """Return the sum of decimals, independent of the thread's decimal context."""
    total = ZERO
    for number in numbers:
        total = EXACT.add(total, number)
    return total


@lru_cache(maxsize=8192)
def derivative_market(symbol: str) -> Market | None:
    """Resolve tBTCF0:USTF0; None for what is not a derivative, or only on paper.

    Raises:
        EntryError: invalid_symbol or unsupported_quote.
    """
    match = _PERPETUAL.fullmatch(check_symbol(symbol))
    if match is None:
        return None
    base, quote = match.groups()
    quote = QUOTES.get(quote, quote)
    return new_market(
        symbol, ASSETS.get(base, base), quote, settle=quote, contract=ContractKind.LINEAR
    )


STATUS: Final = Feed(
    read=read_status,
    publishes="positions taken over, of derivatives",
    completeness=COMPLETENESS,
    price_kind=PRICE_KIND,
    long_when="AMOUNT above zero (the position's)",
    quantity="units of the base",
    identity="POS_ID",
    unsettled="executions in later frames",
)
VENUE: Final = Venue(
    exchange="bitfinex",
    feeds={"status": STATUS, "status-history": history_of(STATUS, read_history)},
)
