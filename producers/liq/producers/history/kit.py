"""Tools for declaring a history, in one import."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from liq.producers.feeds import FeedSpec, SymbolListing
from liq.producers.history.spec import CallLimit, HistorySpec, Poll, Question, Row, RowOrder
from liq.schemas.units import SECOND_MS

__all__ = [
    "CallLimit",
    "HistorySpec",
    "Poll",
    "Question",
    "Row",
    "RowOrder",
    "identity",
    "iso_ms",
    "iso_text",
    "renamed",
    "seconds_of",
]


def identity(row: Any) -> str:
    """Return a text that is equal for equal rows: JSON with sorted keys."""
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode()


def renamed(feed: FeedSpec, setting: str) -> SymbolListing:
    """Return a live feed's listing of markets with another setting for its address.

    Raises:
        ValueError: the feed has no listing.
    """
    if feed.listing is None:
        raise ValueError(f"{feed.label} lists no markets")
    return replace(feed.listing, setting=setting)


def seconds_of(value: Any) -> int:
    """Return whole seconds as milliseconds.

    Raises:
        TypeError: the value is not an integer.
    """
    if type(value) is not int:
        raise TypeError(f"{value!r:.40} is no whole second")
    return value * SECOND_MS


def iso_ms(text: str) -> int:
    """Return a time in ISO 8601 with a zone as milliseconds since 1970.

    Raises:
        ValueError, TypeError: the text is not such a time.
    """
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r:.40} has no zone")
    return round(found.timestamp() * SECOND_MS)


def iso_text(time_ms: int) -> str:
    """Return a time (UTC, ms) in ISO 8601, in milliseconds and with the zone Z."""
    time = datetime.fromtimestamp(time_ms / SECOND_MS, UTC)
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
