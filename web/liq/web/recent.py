"""A cascade's dollars and prices by second from memory, if ClickHouse does not answer. Pure."""

from typing import Any, Final

from liq.schemas.units import SECOND_MS
from liq.web.board import Document, dollars
from liq.web.filters import Filters
from liq.web.records import Stream
from liq.web.window import Window

MAX_RECORDS: Final = 20_000


def seconds_and_prices(
    window: Window, alert: Document
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of ClickHouse's `cascade_seconds` and `cascade_price_path` of a cascade.

    The rows cover the liquidations in the window only. They have the asset instead of the symbol.
    """
    filters = Filters(
        assets=frozenset({str(alert["asset"])} - {""}), sides=frozenset({str(alert["side"])})
    )
    end_ms = alert.get("ended_at_ms") or alert["timestamp_ms"]
    sums: dict[int, list[Any]] = {}
    prices: dict[tuple[int, str, str], float] = {}
    for record in reversed(window.newest(Stream.LIQUIDATIONS, filters, MAX_RECORDS)):
        facets = record.facets
        if not alert["started_at_ms"] <= facets.time_ms <= end_ms:
            continue
        second_ms = facets.time_ms - facets.time_ms % SECOND_MS
        found = sums.setdefault(second_ms, [0, 0, set()])
        found[0] += 1
        found[1] += facets.cents
        found[2].update(facets.exchanges)
        prices[second_ms, facets.asset, facets.exchanges[0]] = facets.price
    return (
        [
            {
                "second_ms": second_ms,
                "count": count,
                "value_usd": dollars(cents),
                "exchanges": sorted(exchanges),
            }
            for second_ms, (count, cents, exchanges) in sorted(sums.items())
        ],
        [
            {"second_ms": second_ms, "symbol": asset, "exchange": exchange, "price": str(price)}
            for (second_ms, asset, exchange), price in sorted(prices.items())
        ],
    )
