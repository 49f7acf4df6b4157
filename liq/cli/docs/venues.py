"""The generated parts of docs/venues.md: each feed's content, and how each venue is read."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final

from liq.cli.docs.page import DOCS, code, table, with_part
from liq.processors.normalizers import venues as modules
from liq.processors.normalizers.aliases import RENAMES, SPELLINGS
from liq.processors.normalizers.registry import VENUES
from liq.processors.normalizers.venue import Venue

COLUMNS: Final = (
    "exchange", "feed", "publishes", "completeness", "a long was liquidated when",
    "quantity on the wire", "price", "known breaks in the series", "open until seen live",
)  # fmt: skip
SOURCE_COLUMNS: Final = ("exchange", "as of", "source")
SPELLING_COLUMNS: Final = ("spelling", "asset", "source", "read on")
RENAME_COLUMNS: Final = ("until then", "since", "day (UTC)", "source")


def venues_page() -> str:
    """Return the text of docs/venues.md, with its tables and the section of each venue."""
    page = (DOCS / "venues.md").read_text(encoding="utf-8")
    page = with_part(page, "venues", venues_table(VENUES))
    page = with_part(page, "readings", "\n".join(_section(name) for name in sorted(VENUES)))
    page = with_part(page, "spellings", table(SPELLING_COLUMNS, _spellings()))
    page = with_part(page, "renames", table(RENAME_COLUMNS, _renames()))
    return with_part(page, "contract sources", table(SOURCE_COLUMNS, _sources(VENUES)))


def venues_table(venues: Mapping[str, Venue]) -> str:
    """Return a table with a row for each feed, by exchange."""
    rows = [
        (
            code(exchange),
            code(name),
            feed.publishes,
            feed.completeness,
            feed.long_when,
            feed.quantity,
            feed.price_kind.replace("_", " "),
            feed.breaks,
            feed.unsettled,
        )
        for exchange, venue in sorted(venues.items())
        for name, feed in venue.feeds.items()
    ]
    return table(COLUMNS, rows)


def venue_section(docstring: str) -> str:
    """Return the section of a venue: its module's docstring, under the name before the colon.

    Raises:
        ValueError: the docstring does not begin with a name and a colon.
    """
    name, colon, reading = docstring.partition(": ")
    if not colon or "\n" in name:
        raise ValueError(f"The docstring {name[:60]!r} must begin with a venue's name and a colon.")
    return f"### {name}\n\n{reading[0].upper()}{reading[1:].strip()}\n"


def _section(exchange: str) -> str:
    return venue_section(import_module(f"{modules.__name__}.{exchange}").__doc__ or "")


def _spellings() -> Iterator[tuple[str, str, str, str]]:
    for one in SPELLINGS:
        yield code(one.alias), code(one.asset), one.source, one.read_on


def _renames() -> Iterator[tuple[str, str, str, str]]:
    for one in RENAMES:
        yield code(one.old), code(one.new), one.since.isoformat(), one.source


def _sources(venues: Mapping[str, Venue]) -> Iterator[tuple[str, str, str]]:
    for exchange, venue in sorted(venues.items()):
        if venue.contracts is not None:
            for as_of, source in venue.contracts.sources.items():
                yield code(exchange), as_of, source
