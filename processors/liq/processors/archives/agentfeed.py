"""AgentFeed: the CSV of its liquidation data set, of Binance, Bybit and OKX.

Source: seekdaseek/agentfeed, `exports/README.txt` and `export-dataset.sh` of 2026-07.

- `event` names the position: long_liquidated or short_liquidated. `ts_ms` is the venue's time.
- `size` is in coins; OKX's were converted with the contract's value, and are converted back.
- `price` is the one that its collector stored: Binance's average fill, else the bankruptcy price.
- Rows are in the order of time. Bybit's rows of a symbol and time arrived in one message.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple

from liq.processors.archives.csv_rows import MALFORMED, column_names, milliseconds, rows
from liq.processors.archives.entries import (
    Archive,
    ArchivedFrame,
    BadLine,
    FileHead,
    Item,
    Line,
    Reader,
    UnusableFileError,
)
from liq.processors.archives.together import Copies, read_together
from liq.processors.normalizers.errors import EntryError
from liq.processors.normalizers.instruments import InstrumentBook
from liq.processors.normalizers.numbers import EXACT, positive_decimal
from liq.processors.normalizers.venues.okx import family_of
from liq.schemas.codec import decimal_text

COLUMNS: Final = ("ts_ms", "utc_time", "symbol", "exchange", "event", "size", "price", "usd")
IS_LONG: Final = {"long_liquidated": True, "short_liquidated": False}


class _Row(NamedTuple):
    exchange: str
    symbol: str
    is_long: bool
    size: str
    price: str
    time_ms: int


def recognizes(head: FileHead) -> bool:
    """Return whether a file has the columns."""
    return column_names(head.first) == COLUMNS


def open_file(head: FileHead, instruments: InstrumentBook) -> Reader:
    """Return the reader of a file.

    Raises:
        UnusableFileError: the file has other columns.
    """
    if not recognizes(head):
        raise UnusableFileError(
            f"{head.name} is no data set of AgentFeed: its first line is not {','.join(COLUMNS)}."
        )
    return partial(read, instruments)


def read(instruments: InstrumentBook, lines: Iterable[Line]) -> Iterator[Item]:
    """Convert the rows to messages of their venues' feeds."""
    found = (
        each if isinstance(each, BadLine) else _row(*each)
        for each in rows(lines, len(COLUMNS), COLUMNS)
    )
    for copies in read_together(found, lambda row: row.time_ms):
        yield copies if isinstance(copies, BadLine) else _item(instruments, copies)


def _row(line: Line, fields: list[str]) -> tuple[Line, _Row] | BadLine:
    time, _, symbol, exchange, event, size, price, _ = fields
    if exchange not in _MESSAGES:
        sentence = f"exchange is {exchange[:32]!r}, none of {', '.join(_MESSAGES)}."
        return BadLine(line.number, "unknown_exchange", sentence)
    if event not in IS_LONG:
        sentence = f"event is {event[:32]!r}, neither {' nor '.join(IS_LONG)}."
        return BadLine(line.number, "invalid_side", sentence)
    try:
        time_ms = milliseconds(time, "ts_ms")
    except ValueError as error:
        return BadLine(line.number, MALFORMED, str(error))
    return line, _Row(exchange, symbol, IS_LONG[event], size, price, time_ms)


def _item(instruments: InstrumentBook, copies: Copies[_Row]) -> Item:
    line, row, times, resume = copies
    feed, message = _MESSAGES[row.exchange]
    try:
        made = message(instruments, row, times)
    except EntryError as error:
        return BadLine(line.number, error.reason, error.detail, resume)
    return ArchivedFrame(line.number, row.exchange, feed, made, row.time_ms, line.content, resume)


def _binance(_: InstrumentBook, row: _Row, __: int) -> Any:
    order = {
        "s": row.symbol,
        "S": "SELL" if row.is_long else "BUY",
        "p": row.price,
        "ap": row.price,
        "z": row.size,
        "T": row.time_ms,
    }
    return {"e": "forceOrder", "E": row.time_ms, "o": order}


def _bybit(_: InstrumentBook, row: _Row, count: int) -> Any:
    position = {
        "T": row.time_ms,
        "s": row.symbol,
        "S": "Buy" if row.is_long else "Sell",
        "v": row.size,
        "p": row.price,
    }
    return {"topic": f"allLiquidation.{row.symbol}", "data": [position] * count}


def _okx(instruments: InstrumentBook, row: _Row, count: int) -> Any:
    symbol = f"{row.symbol.removesuffix('USDT')}-USDT-SWAP"
    market = instruments.market("okx", symbol, row.time_ms, family_of)
    contracts = EXACT.divide(positive_decimal(row.size, "size"), market.contract_size)
    detail = {
        "side": "sell" if row.is_long else "buy",
        "posSide": "long" if row.is_long else "short",
        "bkPx": row.price,
        "sz": decimal_text(contracts.normalize(EXACT)),
        "ts": str(row.time_ms),
    }
    instrument = {"instId": symbol, "instType": "SWAP", "details": [detail] * count}
    return {"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": [instrument]}


_MESSAGES: Final = {
    "binance": ("usdm", _binance),
    "bybit": ("linear", _bybit),
    "okx": ("public", _okx),
}

ARCHIVE: Final = Archive(
    name="agentfeed",
    title="AgentFeed, liquidation data set (CSV)",
    ids="those of the live feed for Bybit and OKX where the venue writes numbers without zeros at "
    "their ends; others for Binance, whose order price is not there; they stay the same",
    recognizes=recognizes,
    open=open_file,
)
