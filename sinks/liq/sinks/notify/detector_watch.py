"""Reports from the statuses of detection and from their absence. Pure: the caller passes time."""

from typing import Final

from liq.schemas.records import DetectionStatus
from liq.schemas.units import SECOND_MS
from liq.sinks.notify.notices import Condition, DetectorReport

#: A status arrives every five seconds; a restart after a kill may take half a minute.
SILENT_SECONDS: Final = 45


class DetectorWatch:
    """The detector's condition under the patience of one rule; each change yields one report.

    Detection is behind if its newest status is `patience_seconds` behind or has not decided
    anything. It is silent without a status for `patience_seconds`, at least `SILENT_SECONDS`.
    """

    def __init__(self, patience_seconds: int) -> None:
        self._patience_seconds = patience_seconds
        self._condition: Condition | None = None
        self._status: DetectionStatus | None = None
        self._heard_ms: int | None = None

    def restore(self, report: DetectorReport) -> None:
        """Continue from a report of an earlier process."""
        self._condition = report.condition
        self._status = report.status

    def note(self, arrived_ms: int, status: DetectionStatus) -> DetectorReport | None:
        """Record a status; return a report if the condition has changed."""
        self._heard_ms = arrived_ms
        self._status = status
        behind_ms = status.behind_ms
        if behind_ms is None or behind_ms >= self._patience_seconds * SECOND_MS:
            return self._change(Condition.BEHIND, status.timestamp_ms)
        if self._condition is None:
            return None
        return self._change(Condition.RECOVERED, status.timestamp_ms)

    def tick(self, now_ms: int) -> DetectorReport | None:
        """Return a report if detection has become silent.

        Call it only while statuses can arrive, and `listen_again` after a time without reception.
        """
        if self._heard_ms is None:
            self._heard_ms = now_ms
        silent_ms = max(SILENT_SECONDS, self._patience_seconds) * SECOND_MS
        if now_ms - self._heard_ms < silent_ms:
            return None
        return self._change(Condition.SILENT, self._heard_ms)

    def listen_again(self) -> None:
        """Restart the measurement of silence, after a time in which no status could arrive."""
        self._heard_ms = None

    def _change(self, condition: Condition, since_ms: int) -> DetectorReport | None:
        if condition is self._condition:
            return None
        self._condition = condition
        return DetectorReport(
            condition=condition,
            patience_seconds=self._patience_seconds,
            since_ms=since_ms,
            status=self._status,
        )
