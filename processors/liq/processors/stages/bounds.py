"""Bounds on the clocks of what detection reads: no record may claim more than its append time.

What our own workers write keeps these bounds by itself (`liq.runtime.believed_time`). A foreign
record, or one of an older release, may not.
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

#: The `exchange` of feed records about a topic of ours, whose name is the `feed`.
NO_EXCHANGE: Final = ""


class ClockBounds:
    """Returns the times of records that are believed, and reports those that are not."""

    def __init__(self, connection: str) -> None:
        """`connection` names this reader in the feed records."""
        self._connection = connection
        self._episodes = ClockEpisodes()
        self._statuses: list[FeedStatus] = []

    def clock_ms(self, record: Any) -> int | None:
        """Return what a record's header says that the log has reached, as far as it is believed.

        None for a header that says no time.
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
        """Return what the detector looks at of an event, with the time of receipt that counts."""
        if view is None:
            return None
        counted_ms = believed_ms(view.received_at_ms, append_time_ms(record))
        if counted_ms == view.received_at_ms:
            return view
        self._report(record, "received_at_ms", "", view.received_at_ms, counted_ms)
        return view._replace(received_at_ms=counted_ms)

    def check(self, record: Any, item: Pulse | CascadeAlert) -> None:
        """Check that what a pulse record says lies within what it may know.

        Raises:
            DecodeError: it is about a time long after it was appended.
        """
        # The end of the second that the log was in.
        begun_ms = item.timestamp_ms - SECOND_MS
        counted_ms = believed_ms(begun_ms, append_time_ms(record))
        if counted_ms != begun_ms:
            self._report(record, "timestamp_ms", "", begun_ms, counted_ms)
            raise DecodeError(
                f"timestamp_ms: {item.timestamp_ms} is long after the record was appended"
            )

    def report(self, topic: str, at_ms: int, detail: str) -> None:
        """Report a time that was stored and is not believed."""
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
