"""Verdicts of feeds and of the clock, from counts alone."""

from collections.abc import Callable

import pytest
from rich.console import Console

from liq.cli.doctor.clock import clock_check
from liq.cli.doctor.examination import FeedReport, Report
from liq.cli.doctor.findings import Finding, Level, exit_code, summary
from liq.cli.doctor.judgement import judge
from liq.cli.doctor.observations import ConnectionSeen, FeedSeen
from liq.cli.doctor.report import print_report
from liq.producers.feeds.registry import FEEDS
from liq.schemas.records import FeedStatus
from liq.schemas.vocabulary import FeedEvent, RejectReason

NAMES = ("SWAP", "FUTURES")


@pytest.fixture
def seen() -> FeedSeen:
    """A feed that is subscribed to both of its names."""
    [feed] = FEEDS["okx"]
    one = ConnectionSeen(0.0, NAMES, frozenset(NAMES), answer_seconds=0.1)
    return FeedSeen(feed, {"c": one})


def status(event: FeedEvent, detail: str = "", connection: str = "c") -> FeedStatus:
    return FeedStatus(
        exchange="okx",
        feed="public",
        connection=connection,
        event=event,
        timestamp_ms=1_783_000_000_000,
        detail=detail,
    )


def rejected(reason: RejectReason, count: int) -> Callable[[FeedSeen], None]:
    def change(seen: FeedSeen) -> None:
        seen.frames += count
        seen.rejected[reason] += count
        seen.details[reason] = "A detail."

    return change


def told(event: FeedEvent, detail: str = "") -> Callable[[FeedSeen], None]:
    return lambda seen: seen.note_status(status(event, detail), 1.0)


def read(count: int) -> Callable[[FeedSeen], None]:
    def change(seen: FeedSeen) -> None:
        seen.frames += count
        seen.events += count

    return change


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ([], Level.OK, "no data in 60 s, and silences of up to"),
        ([read(3)], Level.OK, "3 events of 3 frames"),
        ([read(3), rejected(RejectReason.MISSING_FIELD, 2)], Level.WARNING, "2 entries"),
        ([read(2), rejected(RejectReason.MISSING_FIELD, 3)], Level.FAILED, "A detail. Send"),
        # What is read and has no place here is no change of a dialect.
        ([rejected(RejectReason.NOT_A_LIQUIDATION, 9)], Level.OK, "Reads well"),
        ([rejected(RejectReason.UNSUPPORTED_QUOTE, 9)], Level.OK, "Reads well"),
        ([told(FeedEvent.MOVED, "to b")], Level.WARNING, "to b"),
        ([told(FeedEvent.STALE)], Level.WARNING, "silent for"),
    ],
)
def test_a_feed_is_judged_by_what_it_did(
    seen: FeedSeen, changes: list[Callable[[FeedSeen], None]], level: Level, words: str
) -> None:
    for change in changes:
        change(seen)
    finding = judge(seen, 60.0, None)
    assert finding.level is level, finding
    assert words in finding.sentence


def test_subscriptions_that_wait_for_the_venues_pace_are_no_failure(seen: FeedSeen) -> None:
    seen.connections["d"] = ConnectionSeen(0.0, tuple(f"M{number}" for number in range(8)))
    finding = judge(seen, 60.0, None)
    assert finding.level is Level.WARNING
    assert "8 of 10 subscriptions are still to be sent" in finding.sentence
    assert "--seconds" in finding.sentence


def test_a_refusal_of_some_names_ends_no_connection(seen: FeedSeen) -> None:
    seen.note_status(status(FeedEvent.CONNECTED), 1.0)
    seen.note_status(status(FeedEvent.REFUSED, "FUTURES: no"), 1.0)
    assert seen.end_count == 0
    seen.note_status(status(FeedEvent.LOST, "closed"), 2.0)
    assert (seen.end_count, list(seen.ends)) == (1, ["closed"])


def test_the_worst_findings_are_said() -> None:
    findings = [Finding(Level.WARNING, "Mild."), Finding(Level.FAILED, "Bad.")]
    assert summary(findings) == Finding(Level.FAILED, "Bad.")


@pytest.mark.parametrize(
    ("level", "code"),
    [
        (Level.SKIPPED, 0),
        (Level.OK, 0),
        (Level.WARNING, 0),
        (Level.NOT_REACHED, 69),
        (Level.FAILED, 2),
    ],
)
def test_the_exit_code_tells(level: Level, code: int) -> None:
    assert exit_code(level) == code


@pytest.mark.parametrize(
    ("witnesses", "level", "words"),
    [
        ({}, Level.SKIPPED, "Nothing that was heard"),
        ({"bybit": 240}, Level.OK, "agrees with bybit"),
        ({"bybit": 240, "gate": 180, "kafka": -2}, Level.OK, "agrees with 3 clocks"),
        ({"bybit": 60_000, "gate": 180, "kafka": -2}, Level.OK, "agrees"),
        ({"bybit": 2_240, "gate": 2_180, "kafka": 2_000}, Level.WARNING, "ahead of 3 clocks"),
        ({"bybit": -9_000, "gate": -9_100, "kafka": -9_200}, Level.FAILED, "behind 3 clocks"),
    ],
)
def test_this_machines_clock_is_judged_by_most_of_the_others(
    witnesses: dict[str, int], level: Level, words: str
) -> None:
    check = clock_check(witnesses)
    assert check.level is level
    assert words in check.sentence


def test_what_a_venue_writes_does_not_reach_the_terminal_as_it_is(seen: FeedSeen) -> None:
    seen.connections["c"].accepted = frozenset({"SWAP"})
    seen.connections["c"].refused = {"FUTURES": "\x1b[31m[link=http://x]no\u202e"}
    console = Console(record=True, width=200)
    feeds = (FeedReport(seen, judge(seen, 60.0, None)),)
    print_report(console, Report(0, 60.0, feeds, ()), None)
    text = console.export_text()
    assert "[link=http://x]no" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
