"""The detecting stage's note: what it says is read back, and foreign text says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.processors.stages.detect_note import DetectNote
from liq.runtime.log_notes import note_with_log

TIMES = st.integers(0, 10**15 - 1)
LEARNED = st.sampled_from(["", "okx:120", "bybit:3,okx:120"])


@given(TIMES, st.none() | TIMES, LEARNED, LEARNED)
def test_a_note_is_read_as_it_was_committed(
    clock_ms: int, jumped_from_ms: int | None, venues: str, blind: str
) -> None:
    note = DetectNote(clock_ms=clock_ms, jumped_from_ms=jumped_from_ms, venues=venues, blind=blind)
    assert DetectNote.from_text(note.to_text()) == note
    assert DetectNote.from_metadata(note_with_log(note.to_text(), "0a1b")) == note


@pytest.mark.parametrize("text", [None, "", "clock_ms=", "clock_ms=-5", "of another program"])
def test_other_metadata_says_nothing(text: str | None) -> None:
    assert DetectNote.from_metadata(text) == DetectNote()


def test_an_unconfirmed_jump_does_not_count() -> None:
    assert DetectNote.from_text("clock_ms=900<400").confirmed_clock_ms == 400
    assert DetectNote.from_text("clock_ms=900").confirmed_clock_ms == 900
