"""Bitfinex: `liq:global` of the status channel.

Sources: docs.bitfinex.com, "Liquidations" of REST and "Status" of the websocket (read 2026);
recorded rows of 2020-06-30 and 2020-07-06.

A row is `["pos", POS_ID, MTS, -, SYMBOL, AMOUNT, BASE_PRICE, -, IS_MATCH, IS_MARKET_SOLD, -,
PRICE_ACQUIRED]`.

- AMOUNT, in units of the base, is the POSITION's: above zero, a long was liquidated.
- BASE_PRICE is where the position was opened: as a price it would miss the whole loss.
  PRICE_ACQUIRED is where the position was taken over, and the price of the event.
- One liquidation gives several rows: a trigger with the whole position and often no price, and
  executions of parts of it. Counted are the rows that say a price (COUNTED_BY), and no others, so
  that a position is not counted as a trigger and again as its executions. IS_MATCH does not tell
  them apart alone: a recorded row with a price says 0. Unsettled is whether such a row can be
  followed by executions of the same position, which would then be counted twice; both have the
  same POS_ID. What IS_MARKET_SOLD means is documented in two opposite ways; it is not used.
- Derivatives end in F0 on both sides (tBTCF0:USTF0). The feed also has margin positions in spot
  pairs (tBTCUSD); they are no derivatives and give nothing. UST is Tether here. TEST pairs are
  paper trading.
- MTS is in milliseconds. There is no throttle.
- The id is (POS_ID, MTS, IS_MATCH, AMOUNT).
"""

import re
from functools import lru_cache
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
    shown,
    text,
    timestamp,
    unknown_message,
    unusable,
)
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import Completeness, ContractKind, PriceKind, RejectReason, Side

POSITION_ID: Final = 1
TIME: Final = 2
SYMBOL: Final = 4
AMOUNT: Final = 5
IS_MATCH: Final = 8
PRICE_ACQUIRED: Final = 11
ROW_LENGTH: Final = 12
COUNTED_BY: Final = PRICE_ACQUIRED
# The venue's spellings of assets, as ccxt 4.5.90 resolves them.
ASSETS: Final = {"ALG": "ALGO", "ATO": "ATOM", "DSH": "DASH", "IOT": "IOTA"}
QUOTES: Final = {"UST": "USDT"}
COMPLETENESS: Final = Completeness.COMPLETE
PRICE_KIND: Final = PriceKind.FILL

_PERPETUAL = re.compile(r"t(?!TEST)([A-Z0-9]{1,20})F0:([A-Z0-9]{1,20})F0", re.ASCII)


def read_status(reading: Reading, message: Any) -> None:
    """Read rows of the channel, a heartbeat, or a control frame."""
    if type(message) is dict and type(message.get("event")) is str:
        return
    if type(message) is not list or len(message) != 2:  # noqa: PLR2004 - channel and content
        raise unknown_message(message)
    rows = message[1]
    if rows == "hb":
        return
    if type(rows) is not list:
        raise unknown_message(message)
    reading.entries(rows, read_row)


def read_row(reading: Reading, row: Any) -> Liquidation | None:
    """Read one row; only one with the price at which a derivative was taken over is an event."""
    if type(row) is not list or len(row) < ROW_LENGTH or row[0] != "pos":
        raise EntryError(RejectReason.MISSING_FIELD, "An entry is not a row of twelve with a pos.")
    symbol = text(row[SYMBOL], "SYMBOL")
    market = derivative_market(symbol)
    if market is None or row[COUNTED_BY] is None:
        return None
    position, is_match, amount = row[POSITION_ID], row[IS_MATCH], row[AMOUNT]
    if type(position) is not int or type(is_match) is not int:
        raise EntryError(
            RejectReason.MISSING_FIELD,
            f"POS_ID and IS_MATCH are {shown(position)} and {shown(is_match)}, not integers.",
        )
    if type(amount) not in JSON_NUMBERS:
        raise unusable(RejectReason.INVALID_NUMBER, amount, "AMOUNT", "a number")
    timestamp_ms = timestamp(row[TIME], "MTS", reading.received_at_ms)
    return reading.liquidation(
        market,
        reading.own_id(f"{position}|{timestamp_ms}|{is_match}|{amount}"),
        Side.LONG if amount > 0 else Side.SHORT,
        positive_decimal(row[PRICE_ACQUIRED], "PRICE_ACQUIRED"),
        positive_decimal(abs(amount), "AMOUNT"),
        timestamp_ms,
        PRICE_KIND,
        COMPLETENESS,
    )


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
            identity="POS_ID, MTS, IS_MATCH, AMOUNT",
            unsettled="triggers with a price",
        )
    },
)
