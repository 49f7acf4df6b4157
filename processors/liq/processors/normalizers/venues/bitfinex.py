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
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from liq.processors.normalizers.kit import (
    JSON_NUMBERS,
    EntryError,
    Feed,
    Market,
    Reading,
    Venue,
    check_symbol,
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
_amount = attrgetter("amount")

_PERPETUAL = re.compile(r"t(?!TEST)([^:]{1,60})F0:([A-Z0-9]{1,20})F0")


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that says the price at which a position, or a part of it, was taken over."""

    market: Market
    position: int
    side: Side
    price: Decimal
    amount: Decimal
    timestamp_ms: int


@dataclass(slots=True)
class Position:
    """The rows of one position in one frame; `triggered` is its size where a trigger says it."""

    triggered: Decimal | None = None
    whole: list[Taken] = field(default_factory=list)
    executed: list[Taken] = field(default_factory=list)


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
    positions: dict[int, Position] = {}
    reading.entries(rows, read_row, positions)
    reading.entries(positions.values(), read_position)


def read_row(reading: Reading, row: Any, positions: dict[int, Position]) -> None:
    """Add one row of a derivative to its position."""
    if type(row) is not list or len(row) < ROW_LENGTH or row[0] != "pos":
        raise EntryError(RejectReason.MISSING_FIELD, "An entry is not a row of twelve with a pos.")
    number, is_match, amount, time = row[POSITION_ID], row[IS_MATCH], row[AMOUNT], row[TIME]
    market = derivative_market(text(row[SYMBOL], "SYMBOL"))
    if market is None:
        return
    if type(number) is not int or type(is_match) is not int:
        raise EntryError(
            RejectReason.MISSING_FIELD,
            f"POS_ID and IS_MATCH are {shown(number)} and {shown(is_match)}, not integers.",
        )
    if type(amount) not in JSON_NUMBERS:
        raise unusable(RejectReason.INVALID_NUMBER, amount, "AMOUNT", "a number")
    size = positive_decimal(abs(amount), "AMOUNT")
    position = positions.setdefault(number, Position())
    if row[PRICE_ACQUIRED] is None:
        position.triggered = size
        return
    taken = Taken(
        market,
        number,
        Side.LONG if amount > 0 else Side.SHORT,
        positive_price(row[PRICE_ACQUIRED], "PRICE_ACQUIRED"),
        size,
        timestamp(int(time) if type(time) is float else time, "MTS", reading.received_at_ms),
    )
    (position.executed if is_match else position.whole).append(taken)


def read_position(reading: Reading, position: Position) -> Liquidation | None:
    """Make the event of one position, which is never larger than the position was."""
    priced = position.whole or position.executed
    if not priced:
        return None
    largest = max(priced, key=_amount)
    amount, price, price_kind = largest.amount, largest.price, PRICE_KIND
    # Rows repeat where a recorder's do.
    parts = dict.fromkeys(position.executed)
    if not position.whole and position.triggered is not None and len(parts) > 1:
        total = sum_exactly(one.amount for one in parts)
        if total <= position.triggered:
            paid = sum_exactly(EXACT.multiply(one.amount, one.price) for one in parts)
            price = stored(EXACT.divide(paid, total), "The mean price", SMALLEST_PRICE)
            amount, price_kind = total, PriceKind.AVERAGE_FILL
    return reading.liquidation(
        largest.market,
        reading.own_id(str(largest.position)),
        largest.side,
        price,
        amount,
        largest.timestamp_ms,
        price_kind,
        COMPLETENESS,
    )


def sum_exactly(numbers: Iterable[Decimal]) -> Decimal:
    """The sum of decimals, whatever the thread's own context."""
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


VENUE: Final = Venue(
    exchange="bitfinex",
    feeds={
        "status": Feed(
            read=read_status,
            publishes="positions taken over, of derivatives",
            completeness=COMPLETENESS,
            price_kind=PRICE_KIND,
            long_when="AMOUNT above zero (the position's)",
            quantity="units of the base",
            identity="POS_ID",
            unsettled="executions in later frames",
        )
    },
)
