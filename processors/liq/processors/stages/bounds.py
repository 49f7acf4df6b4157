"""Bounds on the clocks in detection's input: a record's time is limited by its append time.

Records of the engine's workers keep these bounds themselves (`liq.runtime.believed_time`). Foreign
records, and those of older releases, may violate them.
"""

from typing import Any, Final

from liq.processors.cascades.observation import EventView
from liq.processors.stages.clocks import ClockEpisodes, Origin, claim_detail
from liq.runtime.believed_time import append_time_ms, believed_ms, claimed_ms
from liq.runtime.metrics import CLOCK_CORRECTED
from liq.schemas.codec import DecodeError
from liq.schemas.headers import CLOCK_MS, text_header
from liq.schemas.records import CascadeAlert, FeedStatus, Pulse
from liq.schemas.units import SECOND_MS

#: The `exchange` of feed records about a topic of the engine, whose name is the `feed`.
NO_EXCHANGE: Final = ""


class ClockBounds:
    """The believed times of records, with reports of the times that are not believed."""

    def __init__(self, connection: str) -> None:
        """Start without an episode; `connection` names this reader in the feed records."""
        self._connection = connection
        self._episodes = ClockEpisodes()
        self._statuses: list[FeedStatus] = []

    def clock_ms(self, record: Any) -> int | None:
        """Return the clock in a record's header (UTC, ms), limited to the believed time.

        Returns None without a valid time in the header.
        """
        text = text_header(record.headers, CLOCK_MS)
        clock_ms = claimed_ms(text)
        if clock_ms is None:
            if text:
                self._report(record, CLOCK_MS, text, None, record.timestamp)
            return None
        counted_ms = believed_ms(clock_ms, append_time_ms(record))
        if counted_ms != clock_ms:
            self._report(record, CLOCK_MS, text, clock_ms, counted_ms)
        return counted_ms

    def view(self, record: Any, view: EventView) -> EventView:
        """Return the view of an event with its believed time of receipt."""
        if view is None:
            return None
        counted_ms = believed_ms(view.received_at_ms, append_time_ms(record))
        if counted_ms == view.received_at_ms:
            return view
        self._report(record, "received_at_ms", "", view.received_at_ms, counted_ms)
        return view._replace(received_at_ms=counted_ms)

    def check(self, record: Any, item: Pulse | CascadeAlert) -> None:
        """Check that a pulse record's time is not after its append time.

        Raises:
            DecodeError: the record's time is long after its append time.
        """
        # `timestamp_ms` is the end of a second; the start of that second is compared.
        begun_ms = item.timestamp_ms - SECOND_MS
        counted_ms = believed_ms(begun_ms, append_time_ms(record))
        if counted_ms != begun_ms:
            self._report(record, "timestamp_ms", "", begun_ms, counted_ms)
            raise DecodeError(
                f"timestamp_ms: {item.timestamp_ms} is long after the record was appended"
            )

    def report(self, topic: str, at_ms: int, detail: str) -> None:
        """Report a stored time that is not believed."""
        self._add(topic, at_ms, detail)

    def take_statuses(self) -> list[FeedStatus]:
        """Return the feed records since the last call."""
        statuses, self._statuses = self._statuses, []
        return statuses

    def _report(
        self, record: Any, name: str, text: str, time_ms: int | None, counted_ms: int
    ) -> None:
        self._add(record.topic, counted_ms, claim_detail(name, text, time_ms, counted_ms))

    def _add(self, topic: str, at_ms: int, detail: str) -> None:
        CLOCK_CORRECTED.labels(topic).inc()
        origin = Origin(NO_EXCHANGE, topic, self._connection)
        status = self._episodes.disbelieve(origin, at_ms, detail)
        if status is not None:
            self._statuses.append(status)
