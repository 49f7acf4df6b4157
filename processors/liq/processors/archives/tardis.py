"""tardis.dev: downloadable CSV files of `liquidations`.

Sources: docs.tardis.dev, "Downloadable CSV files" (read 2026); tardis-node's mappers of
liquidations (2021 to 2026); a public inspection of four files of 2025-03-01.

- Times are in microseconds. Rows are in the order of `local_timestamp`, the receipt at tardis.
- `side` is the forced order's on every venue: sell means that a long was liquidated.
- `price` and `amount` are the venue's, per contract and in contracts; for Binance, the order's
  limit and the filled quantity.
- Files of trades have the same columns, so the path must contain `liquidations`, or the user must
  name the format.
- Equal rows that arrived together are separate liquidations; the live feed counts them, too.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from liq.processors.archives.csv_rows import (
    MALFORMED,
    column_names,
    milliseconds_of_us,
    rows,
    split_row,
)
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
from liq.processors.archives.tardis_venues import NOT_IMPORTED, VENUES, TardisRow
from liq.processors.archives.together import Copies, read_together
from liq.processors.normalizers.instruments import InstrumentBook

COLUMNS: Final = (
    "exchange",
    "symbol",
    "timestamp",
    "local_timestamp",
    "id",
    "side",
    "price",
    "amount",
)


def recognizes(head: FileHead) -> bool:
    """Return whether a file has the columns, and its path contains `liquidations`."""
    return column_names(head.first) == COLUMNS and "liquidations" in head.path


def open_file(head: FileHead, _: InstrumentBook) -> Reader:
    """Return the reader of a file.

    Raises:
        UnusableFileError: it has other columns, or is of a venue that cannot be imported.
    """
    if column_names(head.first) != COLUMNS:
        raise UnusableFileError(
            f"{head.name} is no file of liquidations of tardis.dev: its first line is not "
            f"{','.join(COLUMNS)}."
        )
    exchange = (split_row(head.second) or [""])[0]
    if head.second.strip() and exchange not in VENUES:
        raise UnusableFileError(f"{head.name} cannot be imported: {_why_not(exchange)}")
    return read


def read(lines: Iterable[Line]) -> Iterator[Item]:
    """Convert the rows to messages of their venues' feeds."""
    found = (
        each if isinstance(each, BadLine) else _row(*each)
        for each in rows(lines, len(COLUMNS), COLUMNS)
    )
    for copies in read_together(found, lambda row: row.local_us):
        yield copies if isinstance(copies, BadLine) else _item(copies)


def _row(line: Line, fields: list[str]) -> tuple[Line, TardisRow] | BadLine:
    exchange, symbol, timestamp, local, own_id, side, price, amount = fields
    if exchange not in VENUES:
        return BadLine(line.number, "unknown_exchange", _why_not(exchange))
    try:
        time_ms = milliseconds_of_us(timestamp, "timestamp")
        local_ms = milliseconds_of_us(local, "local_timestamp")
    except ValueError as error:
        return BadLine(line.number, MALFORMED, str(error))
    return line, TardisRow(
        exchange, symbol, own_id, side, price, amount, time_ms, local_ms, int(local)
    )


def _item(copies: Copies[TardisRow]) -> Item:
    line, row, times, resume = copies
    venue = VENUES[row.exchange]
    entry = venue.entry(row)
    if isinstance(entry, str):
        return BadLine(line.number, "unsupported", entry, resume)
    message = venue.message(row, [entry] * times)
    feed = venue.feed(row.symbol)
    return ArchivedFrame(
        line.number, venue.exchange, feed, message, row.local_ms, line.content, resume
    )


def _why_not(exchange: str) -> str:
    reason = NOT_IMPORTED.get(exchange)
    if reason is not None:
        return f"of {exchange}, {reason}."
    return f"{exchange!r} is none of {', '.join(sorted(VENUES))}."


ARCHIVE: Final = Archive(
    name="tardis",
    title="tardis.dev, liquidations (CSV)",
    ids="those of the live feed for BitMEX, Kraken (cryptofacilities) and dYdX, and for Deribit "
    "where the taker was liquidated; for Bybit, OKX, HTX and Bitget where the venue writes numbers "
    "without zeros at their ends; never for Binance, whose average price is not there",
    recognizes=recognizes,
    open=open_file,
)
