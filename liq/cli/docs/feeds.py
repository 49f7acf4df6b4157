"""The table of docs/feeds.md: what each feed subscribes to, and its settings."""

from collections.abc import Iterable
from typing import Final

from liq.cli.docs.page import DOCS, code, table, with_part
from liq.producers.feeds import FeedSpec
from liq.producers.feeds.registry import ALL_FEEDS

COLUMNS: Final = (
    "exchange", "feed", "subscribes to", "address setting", "names setting", "listing setting",
)  # fmt: skip


def feeds_page() -> str:
    """Return the text of docs/feeds.md, with its table made of the feeds' declarations."""
    page = (DOCS / "feeds.md").read_text(encoding="utf-8")
    return with_part(page, "feeds", feeds_table(ALL_FEEDS))


def feeds_table(feeds: Iterable[FeedSpec]) -> str:
    """Return a row a feed."""
    rows = [
        (
            code(feed.exchange),
            code(feed.name),
            feed.subscribes_to,
            code(feed.address_setting),
            code(feed.names_setting or ""),
            code(feed.listing.setting if feed.listing else ""),
        )
        for feed in feeds
    ]
    return table(COLUMNS, rows)
