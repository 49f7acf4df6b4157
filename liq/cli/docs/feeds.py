"""The tables of docs/feeds.md: the subscriptions and settings of feeds, and venues' limits."""

from collections.abc import Iterable
from typing import Final

from liq.cli.docs.page import DOCS, code, table, with_part
from liq.producers.feeds import FeedSpec, Limits
from liq.producers.feeds.registry import ALL_FEEDS
from liq.producers.feeds.spec import never

COLUMNS: Final = (
    "exchange", "feed", "subscribes to", "address setting", "names setting", "listing setting",
)  # fmt: skip
LIMIT_COLUMNS: Final = (
    "exchange", "feeds", "the venue allows", "source", "as of", "announces the end",
)  # fmt: skip


def feeds_page() -> str:
    """Return the text of docs/feeds.md, with tables from the declarations of feeds."""
    page = (DOCS / "feeds.md").read_text(encoding="utf-8")
    page = with_part(page, "feeds", feeds_table(ALL_FEEDS))
    return with_part(page, "limits", limits_table(ALL_FEEDS))


def limits_table(feeds: Iterable[FeedSpec]) -> str:
    """Return a table with a row for each exchange and its limits."""
    grouped: dict[tuple[str, Limits], list[FeedSpec]] = {}
    for feed in feeds:
        grouped.setdefault((feed.exchange, feed.limits), []).append(feed)
    rows = [
        (
            code(exchange),
            ", ".join(code(feed.name) for feed in group),
            "; ".join(limits.in_words()) or "nothing is documented",
            limits.source,
            limits.as_of,
            "yes" if group[0].renew_on is not never else "",
        )
        for (exchange, limits), group in grouped.items()
    ]
    return table(LIMIT_COLUMNS, rows)


def feeds_table(feeds: Iterable[FeedSpec]) -> str:
    """Return a table with a row for each feed."""
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
