"""When detection counts as behind, silent and recovered."""

from dataclasses import replace

from liq.schemas.records import DetectionStatus
from liq.sinks.notify.detector_watch import SILENT_SECONDS, DetectorWatch
from liq.sinks.notify.notices import (
    Condition,
    DetectorReport,
    Kind,
    detector_notice,
    read_notice,
)

STATUS = DetectionStatus(
    detector="adaptive-2:0f3a9c21",
    worker="detect-0",
    timestamp_ms=1_783_591_845_000,
    partition_count=12,
    assigned_count=12,
    behind_ms=1_000,
)


def conditions(*reports: DetectorReport | None) -> list[Condition]:
    return [report.condition for report in reports if report is not None]


def test_each_change_is_one_report() -> None:
    watch = DetectorWatch(30)
    late = replace(STATUS, behind_ms=30_000)
    found = [watch.note(n, status) for n, status in enumerate([STATUS, STATUS, late, late, STATUS])]
    assert conditions(*found) == [Condition.BEHIND, Condition.RECOVERED]


def test_a_detector_that_has_decided_nothing_is_behind() -> None:
    assert conditions(DetectorWatch(30).note(0, replace(STATUS, behind_ms=None))) == [
        Condition.BEHIND
    ]


def test_silence_is_told_once_and_ends_with_a_status() -> None:
    watch = DetectorWatch(30)
    watch.note(0, STATUS)
    end_ms = SILENT_SECONDS * 1000
    assert conditions(watch.tick(end_ms - 1), watch.tick(end_ms), watch.tick(end_ms + 1)) == [
        Condition.SILENT
    ]
    assert conditions(watch.note(end_ms + 2, STATUS)) == [Condition.RECOVERED]


def test_a_time_in_which_none_could_arrive_is_no_silence() -> None:
    watch = DetectorWatch(30)
    watch.note(0, STATUS)
    watch.listen_again()
    assert watch.tick(100_000) is None
    assert watch.tick(100_000 + SILENT_SECONDS * 1000) is not None


def test_a_restart_does_not_tell_again() -> None:
    before, after = DetectorWatch(30), DetectorWatch(30)
    late = replace(STATUS, behind_ms=99_000)
    report = before.note(0, late)
    assert report is not None
    after.restore(report)
    assert after.note(5_000, late) is None


def test_a_report_survives_the_ledger() -> None:
    report = DetectorWatch(30).note(0, replace(STATUS, behind_ms=99_000))
    assert report is not None
    made = detector_notice(report)
    assert read_notice(Kind.DETECTOR, made.document) == made
