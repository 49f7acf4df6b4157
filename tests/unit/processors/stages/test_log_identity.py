"""Which log an offset belongs to, and what a new owner of a partition starts from."""

import pytest

from liq.processors.stages.log_identity import LogPosition, Start, is_beyond, start_of
from liq.runtime.log_notes import note_with_log, split_note

OLD, NEW = "7a4c8ede-4287-405b-b4c2-3122c4a29b00", "f0ccce61-5069-40fd-a607-99faa278ce0f"


@pytest.mark.parametrize("note", ["", "clock_ms=1783000010000"])
@pytest.mark.parametrize("log", ["", OLD])
def test_a_note_comes_back_with_its_log(note: str, log: str) -> None:
    assert split_note(note_with_log(note, log)) == (note, log)


@pytest.mark.parametrize(
    "text", [None, "clock_ms=1;log=", "clock_ms=1;log=<script>", f";log={OLD * 9}"]
)
def test_a_note_that_is_none_of_ours_says_nothing(text: str | None) -> None:
    assert split_note(text) == ("", "")


@pytest.mark.parametrize(
    ("position", "stored_log", "is_claimed", "start"),
    [
        (LogPosition(NEW, 10, 20), NEW, True, Start.SNAPSHOTS),
        (LogPosition(NEW, 10, 20), OLD, True, Start.NEW_LOG),
        # Kafka deletes a group's offsets with the topic.
        (LogPosition(NEW, None, 20), OLD, True, Start.NEW_LOG),
        # The claim was written after the log was replaced, the first commit was not.
        (LogPosition(NEW, 10, 20, is_replaced=True), NEW, True, Start.SNAPSHOTS),
        # No ids: what was committed tells.
        (LogPosition("", 10, 5, is_replaced=True), "", True, Start.NEW_LOG),
        # Written by a release without names.
        (LogPosition(NEW, 10, 20), "", True, Start.SNAPSHOTS),
        (LogPosition(NEW, 10, 20), "", False, Start.LOST_STATE),
        # Nothing was committed, so nothing is lost.
        (LogPosition(NEW, None, 20), "", False, Start.SNAPSHOTS),
        (LogPosition(NEW, 0, 20), "", False, Start.SNAPSHOTS),
    ],
)
def test_what_an_owner_starts_from(
    position: LogPosition, stored_log: str, start: Start, *, is_claimed: bool
) -> None:
    assert start_of(position, stored_log, is_claimed=is_claimed) is start


@pytest.mark.parametrize(
    ("end", "last_offset", "expected"), [(9, 9, True), (10, 9, False), (0, -1, False)]
)
def test_a_state_with_offsets_that_its_log_does_not_have_is_of_another_log(
    end: int, last_offset: int, *, expected: bool
) -> None:
    assert is_beyond(LogPosition(end=end), last_offset) is expected
    assert not is_beyond(LogPosition(), last_offset)
