"""The declaration of a venue's history: where to ask, how to page, and how to read each answer.

The worker requests the liquidations of a time over HTTP (GET, or POST of JSON; answers in JSON). It
does everything that a declaration does not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from liq.producers.feeds import SymbolListing
from liq.producers.feeds.frames import MAX_FRAME_BYTES
from liq.schemas.units import SECOND_MS

#: The ending of the feed's name in raw frames of its history.
HISTORY_ENDING: Final = "-history"
DELAY_MS: Final = 60 * SECOND_MS


class RowOrder(StrEnum):
    """The order of a history's rows, which decides how the next page is requested."""

    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"
    UNORDERED = "unordered"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of an answer: its time (UTC, ms), and whether it is a liquidation.

    `identity` distinguishes it from other rows of the same time.
    """

    time_ms: int
    identity: str
    is_liquidation: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """The time that one request asks for, both bounds (UTC, ms) included.

    `subject` is the market, family or currency, empty for the whole venue. `cursor` is the venue's
    own cursor of a page, empty on the first page and where the venue has no cursors.
    """

    subject: str
    from_ms: int
    to_ms: int
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimit:
    """A limit of `calls` in any `seconds` from one address; `source` as of an ISO date."""

    calls: int
    seconds: float
    source: str
    as_of: str

    def in_words(self) -> str:
        """Return the limit in a few words."""
        return f"{self.calls:,} calls in {self.seconds:g} s and address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """Regular requests to a history, whose answers are raw frames of `feed`.

    `is_live`: the venue pushes no such feed, so the poll is the feed itself. Otherwise it
    completes the live feed. A time is requested `delay_ms` after it has passed. Each poll also
    requests the `overlap_ms` before it again, for rows that the venue lists late; answers without
    a new row are not published.
    """

    feed: str
    every_seconds: float
    delay_ms: int
    is_live: bool = False
    overlap_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySpec:
    """The history of one feed, or a part of it.

    Attributes:
        exchange: The exchange.
        feed: The live feed whose gaps it fills.
        setting: The environment variable that replaces the address.
        address: The address without the path and query of a question.
        query: Return the parameters of a question.
        read: Return the rows of a parsed answer; raise `ValueError` with a sentence for an
            answer that reports an error.
        order: How rows are sorted.
        page_rows: The number of rows of a full page.
        join: The fields that match a row with the live feed's event, in a few words.
        limit: The venue's limit of requests.
        path: Return the path that a question adds to the address, before the query.
        is_posted: Whether the parameters are posted as a JSON document, instead of a query.
        subjects: The subjects that need requests of their own; a single empty subject requests all.
        subjects_setting: The environment variable that replaces the subjects, or None.
        listing: The listing of the subjects, instead of `subjects`.
        longest_ms: The longest time that one request may cover; None for any.
        depth_ms: How far back the history reaches; None for years.
        depth_rows: How many of a subject's newest rows the history has; None for all. A repair then
            also requests rows of before its time, which show that the history reaches back to it.
        delay_ms: The time between a gap's report and the first request.
        unit_ms: The unit of its times.
        next_cursor: Return the venue's cursor of the page after an answer to a question, empty on
            the last.
        is_bounded: Whether answers have no rows after the requested time; False where the first
            page has the venue's newest rows.
        tells_subject: Whether rows have the subject themselves.
        max_answer_bytes: The size of the largest answer.
        split: Divide an answer that is too large for a raw frame into frames of at most a number of
            bytes; None if no answer is.
        left_out: What of the live feed is not requested, as a sentence for the gap's record; empty
            for nothing.
        left_out_setting: The environment variable that is 0 if nothing is left out, or None.
        poll: How the history is polled, or None.
    """

    exchange: str
    feed: str
    setting: str
    address: str
    query: Callable[[Question], Mapping[str, str | int | bool]]
    read: Callable[[Any], list[Row]]
    order: RowOrder
    page_rows: int
    join: str
    limit: CallLimit
    path: Callable[[Question], str] = lambda _: ""
    is_posted: bool = False
    subjects: tuple[str, ...] = ("",)
    subjects_setting: str | None = None
    listing: SymbolListing | None = None
    longest_ms: int | None = None
    depth_ms: int | None = None
    depth_rows: int | None = None
    delay_ms: int = DELAY_MS
    unit_ms: int = 1
    next_cursor: Callable[[Any, Question], str] | None = None
    is_bounded: bool = True
    tells_subject: bool = True
    max_answer_bytes: int = MAX_FRAME_BYTES
    split: Callable[[bytes, int], list[bytes]] | None = None
    left_out: str = ""
    left_out_setting: str | None = None
    poll: Poll | None = None

    @property
    def name(self) -> str:
        """Return the feed of its raw frames."""
        return f"{self.feed}{HISTORY_ENDING}"

    @property
    def label(self) -> str:
        """Return exchange and name, for logs."""
        return f"{self.exchange}.{self.name}"
