"""The desk: the leader's notices, which to send and which are entered already. It does no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from liq.runtime.metrics import NOTIFY_LEFT_OUT, NOTIFY_SELECTED
from liq.schemas.records import DetectionStatus
from liq.schemas.units import SECOND_MS
from liq.sinks.notify.detector_watch import DetectorWatch
from liq.sinks.notify.notices import (
    DetectorReport,
    Notice,
    ReceiverReport,
    detector_notice,
    receiver_notice,
)
from liq.sinks.notify.outbox import Entry, Outbox
from liq.sinks.notify.rules import DetectorConditions, Rules
from liq.sinks.notify.selection import Selection

#: The disabling of a receiver is reported for this long.
REPORT_SECONDS: Final = 3_600


@dataclass(frozen=True, slots=True)
class Found:
    """A notice or a status of detection, and the time of its publication (UTC, ms)."""

    what: Notice | DetectionStatus
    published_ms: int


class Desk:
    """The outbox, the selection by rules and the watches of detection."""

    def __init__(self, rules: Rules) -> None:
        self.outbox = Outbox(rules)
        self._selection = Selection(rules, _count_left_out)
        # By receiver, the time of the disabling that was reported last.
        self._reported: dict[str, int] = {}
        self._watches = {
            rule.conditions.patience_seconds: DetectorWatch(rule.conditions.patience_seconds)
            for rule in rules.rules
            if isinstance(rule.conditions, DetectorConditions)
        }

    def restore(self, entry: Entry) -> None:
        """Add an entry that the ledger has from an earlier leader."""
        self.outbox.add(entry)
        self._selection.restore(entry.notice, entry.selected)
        report = entry.notice.record
        if isinstance(report, DetectorReport) and report.patience_seconds in self._watches:
            self._watches[report.patience_seconds].restore(report)

    def add(self, entries: Iterable[Entry]) -> None:
        """Add new entries that the ledger has acknowledged."""
        for entry in entries:
            for rule in set(entry.selected.values()):
                NOTIFY_SELECTED.labels(rule).inc()
            self.outbox.add(entry)

    def listen_again(self) -> None:
        """Restart the watches' patience: nothing could be read in the meantime."""
        for watch in self._watches.values():
            watch.listen_again()

    def notices_of(self, found: Found, arrived_ms: int) -> list[tuple[Notice, int]]:
        """Return the notices in a record of the topics, each with its time of publication (ms)."""
        if isinstance(found.what, Notice):
            return [(found.what, found.published_ms)]
        reports = [watch.note(arrived_ms, found.what) for watch in self._watches.values()]
        return [(detector_notice(each), found.published_ms) for each in reports if each is not None]

    def notices_due(self, disabled: Iterable[ReceiverReport], now: int) -> list[Notice]:
        """Return the notices that time causes: of a late detector, of disabled receivers.

        After a kill those of receivers have the same ids again, by which the outbox recognizes
        them.
        """
        reports = [watch.tick(now) for watch in self._watches.values()]
        fresh = [
            report
            for report in disabled
            if report.disabled_at_ms > now - REPORT_SECONDS * SECOND_MS
            and self._reported.get(report.name) != report.disabled_at_ms
        ]
        self._reported |= {report.name: report.disabled_at_ms for report in fresh}
        return [
            *(detector_notice(report) for report in reports if report is not None),
            *map(receiver_notice, fresh),
        ]

    def select(self, notices: Iterable[tuple[Notice, int]], arrived_ms: int) -> list[Entry]:
        """Return the entries of notices that a rule selects or the outbox needs, without repeats.

        `notices` are pairs of a notice and its time of publication (ms).
        """
        entries: dict[str, Entry] = {}
        for notice, published_ms in notices:
            if notice.id in self.outbox or notice.id in entries:
                continue
            selected = self._selection.select(notice)
            if selected or self.outbox.wants(notice):
                entries[notice.id] = Entry(
                    notice=notice,
                    arrived_ms=arrived_ms,
                    published_ms=published_ms,
                    selected=selected,
                )
        return list(entries.values())


def _count_left_out(rule: str, reason: str) -> None:
    NOTIFY_LEFT_OUT.labels(rule, reason).inc()
