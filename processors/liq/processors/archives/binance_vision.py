"""Binance Vision: `liquidationSnapshot`, the daily files of data.binance.vision.

Sources: files of BTCUSD_PERP and ETHUSD_PERP of 2023-06 to 2024-10 as several public studies
describe them (columns, first rows, checksums), and a published test of a file without a header.

- The symbol is in the file's name (BTCUSD_PERP-liquidationSnapshot-2023-06-25.zip), not in the
  rows. A symbol in the form of a COIN-M contract counts as one.
- `side` is the forced order's, `accumulated_fill_quantity` and `average_price` are what the live
  message has as `z` and `ap`; `time` is in milliseconds.
- In the COIN-M files every row is followed by its copy. At most one order per symbol and second is
  published, so a repeated row is the same order.
- Numbers may have fewer trailing zeros than in the live message.
- Binance has removed the files of USD-M; earlier downloads can be imported.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

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
from liq.processors.normalizers.instruments import InstrumentBook

EXCHANGE: Final = "binance"
COLUMNS: Final = (
    "time",
    "side",
    "order_type",
    "time_in_force",
    "original_quantity",
    "price",
    "average_price",
    "order_status",
    "last_fill_quantity",
    "accumulated_fill_quantity",
)
# The names of the last two columns in some files.
OTHER_ENDING: Final = ("last_filled_quantity", "accumulated_filled_quantity")

_NAMED = re.compile(r"(?P<symbol>[^/]+)-liquidationSnapshot-[0-9]{4}-[0-9]{2}")
_ROW = re.compile(rb"[0-9]{13,16},(?:BUY|SELL),[A-Z_]+,[A-Z]+,")
_COINM = re.compile(r".+USD_(?:PERP|[0-9]{6})")


def recognizes(head: FileHead) -> bool:
    """Return whether a file has the columns, a row of such columns, or the name."""
    return (
        column_names(head.first)[: len(COLUMNS) - 2] == COLUMNS[:-2]
        or _ROW.match(head.first) is not None
        or _NAMED.search(head.path) is not None
    )


def open_file(head: FileHead, _: InstrumentBook) -> Reader:
    """Return the reader of a file of one symbol.

    Raises:
        UnusableFileError: the name has no symbol, or the rows have another form.
    """
    found = _NAMED.search(head.path)
    if found is None:
        raise UnusableFileError(
            f"{head.name} does not say of which symbol it is: call it by the name that Binance "
            "gave it, such as BTCUSD_PERP-liquidationSnapshot-2023-06-25.csv."
        )
    names = column_names(head.first)
    if names not in (COLUMNS, COLUMNS[:-2] + OTHER_ENDING) and not _ROW.match(head.first):
        raise UnusableFileError(
            f"{head.name} has other columns than a liquidationSnapshot of Binance: {names}."
        )
    return partial(read, found["symbol"], () if _ROW.match(head.first) else names)


def read(symbol: str, header: tuple[str, ...], lines: Iterable[Line]) -> Iterator[Item]:
    """Convert the rows to forced orders of the live feed."""
    feed = "coinm" if _COINM.fullmatch(symbol) else "usdm"
    for row in rows(lines, len(COLUMNS), header):
        if isinstance(row, BadLine):
            yield row
            continue
        line, fields = row
        time, side, order_type, in_force, quantity, price, average, status, last, filled = fields
        try:
            time_ms = milliseconds(time, "time")
        except ValueError as error:
            yield BadLine(line.number, MALFORMED, str(error))
            continue
        order = {
            "s": symbol,
            "S": side,
            "o": order_type,
            "f": in_force,
            "q": quantity,
            "p": price,
            "ap": average,
            "X": status,
            "l": last,
            "z": filled,
            "T": time_ms,
        }
        message = {"e": "forceOrder", "E": time_ms, "o": order}
        yield ArchivedFrame(line.number, EXCHANGE, feed, message, time_ms, line.content)


ARCHIVE: Final = Archive(
    name="binance-vision",
    title="Binance Vision, liquidationSnapshot (CSV, zip)",
    ids="those of the live feed where it writes numbers without zeros at their ends, else others "
    "that stay the same",
    recognizes=recognizes,
    open=open_file,
)
