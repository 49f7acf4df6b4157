"""The doctor's report: tables for a person, one JSON document for a machine."""

from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from liq.cli.doctor.capture import CaptureWriter
from liq.cli.doctor.examination import FeedReport, Report
from liq.cli.doctor.findings import Level, exit_code
from liq.cli.doctor.observations import MAX_EXAMPLES, FeedSeen

VERSION: Final = 1
STYLES: Final = {
    Level.SKIPPED: "dim",
    Level.OK: "green",
    Level.WARNING: "yellow",
    Level.NOT_REACHED: "red",
    Level.FAILED: "red",
}
FEED_COLUMNS: Final = (
    "feed", "reached", "subscribed", "answered", "frames", "events", "rejected", "contracts",
    "clock", "verdict",
)  # fmt: skip


def print_report(console: Console, report: Report, capture: CaptureWriter | None) -> None:
    """Print all findings, feeds first."""
    if report.feeds:
        feeds = Table(*FEED_COLUMNS, title=f"Feeds, listened to for {report.seconds:.0f} s")
        for each in report.feeds:
            feeds.add_row(*_cells(each))
        console.print(feeds)
        for level, sentence, labels in _verdicts(report.feeds):
            console.print(_styled(level, ", ".join(labels), sentence), soft_wrap=True)
    checks = Table("check", "verdict", title="Surroundings")
    for check in report.checks:
        checks.add_row(check.name, _styled(check.level, check.level, check.sentence))
    console.print(checks)
    if capture is not None:
        console.print(Text(_printable(_capture_sentence(capture))), soft_wrap=True)
    console.print(Text(f"In all: {report.level}.", style=STYLES[report.level]))


def document(report: Report, capture: CaptureWriter | None) -> dict[str, Any]:
    """Return the report as JSON; docs/doctor.md explains each field."""
    return {
        "version": VERSION,
        "started_at_ms": report.started_at_ms,
        "seconds": report.seconds,
        "level": report.level,
        "exit_code": exit_code(report.level),
        "feeds": [_feed_document(each) for each in report.feeds],
        "checks": [
            {"name": check.name, "level": check.level, "sentence": check.sentence}
            for check in report.checks
        ],
        "capture": None
        if capture is None
        else {
            "path": str(capture.path),
            "frames": capture.frames,
            "left_out": capture.left_out,
            "accounts_replaced": capture.replaced,
        },
    }


def _feed_document(report: FeedReport) -> dict[str, Any]:
    seen = report.seen
    reason, count = _commonest(seen)
    known, unknown = len(seen.known_symbols), len(seen.unknown_contracts)
    return {
        "exchange": seen.feed.exchange,
        "feed": seen.feed.name,
        "level": report.finding.level,
        "verdict": report.finding.sentence,
        "is_reached": seen.is_reached,
        "is_subscribed": seen.is_up,
        "connections_opened": len(seen.connections),
        "connections_ended": seen.end_count,
        "ends": list(seen.ends)[-MAX_EXAMPLES:],
        "names": len(seen.names),
        "accepted": len(seen.accepted),
        "refused": len(seen.refused),
        "refused_names": dict(list(seen.refused.items())[:MAX_EXAMPLES]),
        "unanswered": len(seen.unanswered),
        "answer_seconds": seen.answer_seconds,
        "frames": seen.frames,
        "control_frames": seen.control_frames,
        "events": seen.events,
        "rejected": seen.rejected_count,
        "rejected_by_reason": dict(seen.rejected),
        "commonest_rejection": None
        if not count
        else {"reason": reason, "count": count, "detail": seen.details[reason]},
        "symbols": known + unknown,
        "contracts_known_share": known / (known + unknown) if known + unknown else None,
        "unknown_contracts": sorted(seen.unknown_contracts)[:MAX_EXAMPLES],
        "clock_offset_ms": seen.offset_ms,
    }


def _cells(report: FeedReport) -> tuple[str | Text, ...]:
    seen = report.seen
    reason, count = _commonest(seen)
    known, unknown = len(seen.known_symbols), len(seen.unknown_contracts)
    names = len(seen.names)
    rejected = f"{seen.rejected_count} ({reason})" if count else "0"
    return (
        seen.feed.label,
        "yes" if seen.is_reached else "no",
        f"{len(seen.accepted)}/{names}" if names else "",
        f"{len(seen.accepted) + len(seen.refused)}/{names}" if names else "",
        str(seen.frames),
        str(seen.events),
        rejected,
        f"{known}/{known + unknown}" if known + unknown else "",
        "" if seen.offset_ms is None else f"{seen.offset_ms:+} ms",
        Text(report.finding.level, style=STYLES[report.finding.level]),
    )


def _verdicts(feeds: tuple[FeedReport, ...]) -> list[tuple[Level, str, list[str]]]:
    """Group feeds with the same verdict, the worst first."""
    labels: dict[tuple[Level, str], list[str]] = {}
    for each in feeds:
        labels.setdefault((each.finding.level, each.finding.sentence), []).append(
            each.seen.feed.label
        )
    order = list(Level)
    found = [(level, sentence, names) for (level, sentence), names in labels.items()]
    return sorted(found, key=lambda each: order.index(each[0]), reverse=True)


def _styled(level: Level, word: str, sentence: str) -> Text:
    return Text.assemble((word, STYLES[level]), f": {_printable(sentence)}")


def _printable(text: str) -> str:
    """Return a sentence with venues' words, without characters that control a terminal."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _commonest(seen: FeedSeen) -> tuple[str, int]:
    [(reason, count)] = seen.rejected.most_common(1) or [("", 0)]
    return reason, count


def _capture_sentence(capture: CaptureWriter) -> str:
    more = f" {capture.left_out} frames beyond the limit were left out." if capture.left_out else ""
    return (
        f"{capture.frames} frames are in {capture.path}, {capture.replaced} accounts and hashes "
        f"replaced by made-up ones.{more}"
    )
