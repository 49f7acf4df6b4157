"""cryptofeed: liquidations from its `to_dict`, written as CSV.

Source: bmoscon/cryptofeed, `types.pyx` and `exchanges/` of versions 2.1 to 2.5 (2021 to 2026).

- `timestamp` is in seconds with a fraction; some versions kept Bybit's milliseconds.
- `side` is the venue's own word: the order's for Binance, OKX and BitMEX, the position's for Bybit.
- `symbol` is cryptofeed's: BTC-USDT-PERP. The venue's name of a dated contract is not recovered.
- `quantity` (older: leaves_qty) is in contracts if the venue's is. For Binance it is the order's,
  so only filled orders can be used, and `price` is the limit.
- Deribit's rows lack whether taker or maker was liquidated, so their side is unknown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from liq.processors.archives.csv_rows import MALFORMED, column_names, rows
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
from liq.processors.normalizers.errors import EntryError, shown
from liq.processors.normalizers.instruments import InstrumentBook
from liq.processors.normalizers.numbers import positive_decimal
from liq.schemas.units import SECOND_MS

REQUIRED: Final = frozenset({"exchange", "symbol", "side", "price", "timestamp"})
QUANTITIES: Final = ("quantity", "leaves_qty")
# At least one of these columns distinguishes the form from other tables with the same columns.
OWN: Final = frozenset({"status", "receipt_timestamp"})
EARLIEST_MS_TEXT: Final = 1e11
DELIVERED: Final = "-PERP"


class _Row(NamedTuple):
    exchange: str
    pair: tuple[str, str]
    side: str
    quantity: str
    price: str
    own_id: str
    status: str
    time_ms: int


class _Venue(NamedTuple):
    exchange: str
    feed: Callable[[_Row], str]
    message: Callable[[_Row], Any]


def recognizes(head: FileHead) -> bool:
    """Return whether a file has the columns, in any order."""
    names = set(column_names(head.first))
    return names >= REQUIRED and not names.isdisjoint(QUANTITIES) and not names.isdisjoint(OWN)


def open_file(head: FileHead, _: InstrumentBook) -> Reader:
    """Return the reader of a file.

    Raises:
        UnusableFileError: the file has other columns.
    """
    if not recognizes(head):
        raise UnusableFileError(
            f"{head.name} has not the columns of cryptofeed's liquidations: "
            f"{', '.join(sorted(REQUIRED))}, quantity, and status or receipt_timestamp."
        )
    return partial(read, column_names(head.first))


def read(names: tuple[str, ...], lines: Iterable[Line]) -> Iterator[Item]:
    """Convert the rows to messages of their venues' feeds."""
    for fields in rows(lines, len(names), names):
        if isinstance(fields, BadLine):
            yield fields
            continue
        line, values = fields
        by_name = dict(zip(names, values, strict=True))
        try:
            row = _row(by_name)
            received_ms = _milliseconds(by_name.get("receipt_timestamp") or by_name["timestamp"])
            venue = VENUES[row.exchange]
            message = venue.message(row)
        except (EntryError, ValueError) as error:
            yield BadLine(line.number, getattr(error, "reason", MALFORMED), str(error))
            continue
        yield ArchivedFrame(
            line.number, venue.exchange, venue.feed(row), message, received_ms, line.content
        )


def _row(fields: Mapping[str, str]) -> _Row:
    """Parse a row.

    Raises:
        ValueError: the row cannot be used; the message is a sentence.
        EntryError: its time is not a number.
    """
    exchange = fields["exchange"].upper()
    if exchange not in VENUES:
        why = NOT_IMPORTED.get(exchange, f"it is none of {', '.join(VENUES)}")
        raise ValueError(f"exchange is {shown(fields['exchange'])}: {why}.")
    base, _, rest = fields["symbol"].partition("-")
    quote, _, kind = rest.partition("-")
    if kind != "PERP":
        raise ValueError(f"symbol is {shown(fields['symbol'])}: only BASE-QUOTE-PERP can be used.")
    side = fields["side"].lower()
    if side not in {"buy", "sell"}:
        raise ValueError(f"side is {shown(fields['side'])}, neither buy nor sell.")
    status = fields.get("status", "").lower()
    if exchange.startswith("BINANCE") and status not in {"", "filled"}:
        raise ValueError(f"status is {shown(fields['status'])}: how much was filled is not there.")
    quantity = next(fields[name] for name in QUANTITIES if name in fields)
    time_ms = _milliseconds(fields["timestamp"])
    own_id = fields.get("id", "")
    return _Row(exchange, (base, quote), side, quantity, fields["price"], own_id, status, time_ms)


def _milliseconds(text: str) -> int:
    """Parse a time in seconds, or in milliseconds as in some versions; return milliseconds.

    Raises:
        EntryError: the text is not a number above zero.
    """
    seconds = positive_decimal(text.strip(), "timestamp")
    return round(seconds if seconds >= EARLIEST_MS_TEXT else seconds * SECOND_MS)


def _binance(symbol: Callable[[_Row], str]) -> Callable[[_Row], Any]:
    def message(row: _Row) -> Any:
        order = {
            "s": symbol(row),
            "S": row.side.upper(),
            "p": row.price,
            "ap": "0",
            "z": row.quantity,
            "T": row.time_ms,
        }
        return {"e": "forceOrder", "E": row.time_ms, "o": order}

    return message


def _bybit(row: _Row) -> Any:
    symbol = "".join(row.pair)
    position = {
        "T": row.time_ms,
        "s": symbol,
        "S": row.side.capitalize(),
        "v": row.quantity,
        "p": row.price,
    }
    return {"topic": f"allLiquidation.{symbol}", "data": [position]}


def _okx(row: _Row) -> Any:
    detail = {
        "side": row.side,
        "posSide": "long" if row.side == "sell" else "short",
        "bkPx": row.price,
        "sz": row.quantity,
        "ts": str(row.time_ms),
    }
    instrument = {
        "instId": f"{row.pair[0]}-{row.pair[1]}-SWAP",
        "instType": "SWAP",
        "details": [detail],
    }
    return {"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": [instrument]}


def _bitmex(row: _Row) -> Any:
    base, quote = row.pair
    order = {
        "orderID": row.own_id,
        "symbol": f"{'XBT' if base == 'BTC' else base}{quote}",
        "side": row.side.capitalize(),
        "price": row.price,
        "leavesQty": row.quantity,
    }
    return {"table": "liquidation", "action": "insert", "data": [order]}


VENUES: Final[Mapping[str, _Venue]] = {
    "BINANCE_FUTURES": _Venue("binance", lambda _: "usdm", _binance(lambda row: "".join(row.pair))),
    "BINANCE_DELIVERY": _Venue(
        "binance", lambda _: "coinm", _binance(lambda row: f"{''.join(row.pair)}_PERP")
    ),
    "BYBIT": _Venue("bybit", lambda row: "inverse" if row.pair[1] == "USD" else "linear", _bybit),
    "OKX": _Venue("okx", lambda _: "public", _okx),
    "BITMEX": _Venue("bitmex", lambda _: "liquidation", _bitmex),
}
NOT_IMPORTED: Final[Mapping[str, str]] = {
    "DERIBIT": "whether taker or maker was liquidated is not there, and so not the side",
    "FTX": "there is no normalizer, for the venue closed in 2022",
}

ARCHIVE: Final = Archive(
    name="cryptofeed",
    title="cryptofeed, liquidations (CSV)",
    ids="those of the live feed for BitMEX, and for Bybit and OKX where the venue writes numbers "
    "as cryptofeed does; others for Binance, whose average price is not there; they stay the same",
    recognizes=recognizes,
    open=open_file,
)
