"""The stored form of single values: integers, prices, cells, slices."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from liq.processors.cascades.prices import NO_SERIES, Quote, Series, Span, series_of
from liq.processors.cascades.ring import Top
from liq.processors.cascades.snapshot_codec import rows
from liq.schemas.codec import decimal_text

INTEGER_BITS: Final = 63


def write_integer(value: int) -> int | str:
    """Write an integer of any size: as text if it exceeds 64 bits."""
    return value if value.bit_length() <= INTEGER_BITS else str(value)


def write_price(quote: Quote | None, since_ms: int = 0) -> list[Any] | None:
    """Write time and price without the series; the time is in ms after `since_ms`."""
    return None if quote is None else [quote[1] - since_ms, decimal_text(quote[2])]


def read_price(series: Series, stored: Sequence[Any], since_ms: int = 0) -> Quote:
    """Read a price of `series`; the stored time is in ms after `since_ms`."""
    after_ms, price = stored
    return series, after_ms + since_ms, Decimal(price)


def read_series(stored: Sequence[str]) -> Series:
    """Read [exchange, symbol, kind]; without a kind, there is no series."""
    exchange, symbol, kind = stored
    return series_of(exchange, symbol, kind) if kind else NO_SERIES


def write_prices(prices: Mapping[Series, Span]) -> dict[str, list[Any]]:
    """Write the spans of prices by series as columns."""
    spans = prices.values()
    return {
        "series": [[exchange, symbol, kind] for _, exchange, symbol, kind in prices],
        "first": [write_price(span.first) for span in spans],
        "last": [write_price(span.last) for span in spans],
        "cents": [write_integer(span.cents) for span in spans],
    }


def read_prices(stored: Mapping[str, Any]) -> dict[Series, Span]:
    """Read what `write_prices` has written."""
    prices = {}
    for row in rows(stored):
        series = read_series(row["series"])
        first, last = (read_price(series, row[name]) for name in ("first", "last"))
        prices[series] = Span(first, last, int(row["cents"]))
    return prices


def write_top(top: Top) -> list[Any]:
    """Write the cents and the id of a largest liquidation."""
    return [write_integer(top[0]), top[1]]


def read_top(stored: Sequence[Any]) -> tuple[int, str]:
    """Read what `write_top` has written."""
    cents, event_id = stored
    return int(cents), event_id


def write_cells(cells: Mapping[tuple[str, str, int], int]) -> list[Any]:
    """Write the cents of cells as [group, symbol, part, cents], sorted."""
    return [[*cell, write_integer(cents)] for cell, cents in sorted(cells.items())]


def read_cells(stored: Sequence[Any]) -> dict[tuple[str, str, int], int]:
    """Read what `write_cells` has written."""
    return {(group, symbol, part): int(cents) for group, symbol, part, cents in stored}


def write_slices(slices: Any) -> list[Any]:
    """Write slices as [second, count, cents]."""
    return [[second, count, write_integer(cents)] for second, count, cents in slices]


def read_slices(stored: Sequence[Any]) -> tuple[tuple[int, int, int], ...]:
    """Read what `write_slices` has written."""
    return tuple((second, count, int(cents)) for second, count, cents in stored)
