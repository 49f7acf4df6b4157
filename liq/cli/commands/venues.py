"""`liq venues`: the feeds of each exchange, and their properties."""

from typing import Final

from liq.cli.console import out

COLUMNS: Final = ("exchange", "feed", "publishes", "completeness", "price", "id made of")


def venues() -> None:
    """List every exchange and feed: its content, completeness, kind of price and event id."""
    from rich.table import Table

    from liq.processors.normalizers import known_exchanges
    from liq.processors.normalizers.registry import VENUES

    table = Table(*COLUMNS, title="Venues")
    for exchange in known_exchanges():
        for name, feed in sorted(VENUES[exchange].feeds.items()):
            table.add_row(
                exchange, name, feed.publishes, feed.completeness, feed.price_kind, feed.identity
            )
    out.print(table)
