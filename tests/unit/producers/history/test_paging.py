"""Every row of a time is asked for, whatever a venue's order and pages, and nothing for ever."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liq.producers.history.notes import MAX_NOTE_BYTES, Note, read_note, write_note
from liq.producers.history.paging import (
    MAX_PAGES,
    AnswerError,
    Progress,
    after_answer,
    check_rows,
    next_question,
)
from liq.producers.history.spec import CallLimit, HistorySpec, Question, Row, RowOrder

START_MS = 1_784_000_000_000
NOW_MS = START_MS + 86_400_000


def no_query(_: Question) -> Mapping[str, str]:
    return {}


def no_rows(_: Any) -> list[Row]:
    return []


def spec(order: RowOrder, **changes: Any) -> HistorySpec:
    declared = HistorySpec(
        exchange="x",
        feed="f",
        setting="X_HISTORY_URL",
        address="http://x",
        query=no_query,
        read=no_rows,
        order=order,
        page_rows=5,
        join="id",
        limit=CallLimit(calls=1, seconds=1.0, source="s", as_of="2026-01-01"),
    )
    return replace(declared, **changes)


def answer(history: HistorySpec, rows: list[Row], question: Question) -> list[Row]:
    """Answer as a venue does: in its order, bounded as it bounds, a page at most."""
    unit = history.unit_ms
    first, last = question.from_ms // unit * unit, question.to_ms // unit * unit
    if history.order is RowOrder.NEWEST_FIRST:
        first = 0
    found = [row for row in rows if first <= row.time_ms <= last]
    if history.order is RowOrder.NEWEST_FIRST:
        found.reverse()
    return found[: history.page_rows]


def asked(history: HistorySpec, rows: list[Row], from_ms: int, to_ms: int) -> tuple[set[Row], str]:
    """Ask until nothing is left; return the rows, and the first problem."""
    stack, found, problem = [Question("", from_ms, to_ms)], set[Row](), ""
    for _ in range(MAX_PAGES):
        if not stack:
            return found, problem
        question = next_question(history, stack)
        page = answer(history, rows, question)
        check_rows(history, question, page, NOW_MS)
        found.update(page)
        paged = after_answer(history, question, page, "")
        stack[-1:] = paged.questions
        problem = problem or paged.problem
    pytest.fail("the questions have no end")


@pytest.mark.parametrize("order", RowOrder)
@pytest.mark.parametrize("unit_ms", [1, 1_000])
@given(
    offsets=st.lists(st.integers(0, 60_000), max_size=60),
    bounds=st.tuples(st.integers(0, 60_000), st.integers(0, 60_000)),
    longest_ms=st.sampled_from([None, 7_000]),
)
def test_every_row_of_the_time_is_found(
    order: RowOrder, unit_ms: int, offsets: list[int], bounds: tuple[int, int], longest_ms: Any
) -> None:
    """Unless a venue has a full page in one unit of its time: then that is said."""
    history = spec(order, unit_ms=unit_ms, longest_ms=longest_ms)
    times = sorted((START_MS + offset) // unit_ms * unit_ms for offset in offsets)
    rows = [Row(time, str(number)) for number, time in enumerate(times)]
    from_ms, to_ms = START_MS + min(bounds), START_MS + max(bounds)
    found, problem = asked(history, rows, from_ms, to_ms)
    wanted = {row for row in rows if from_ms <= row.time_ms <= to_ms}
    if wanted - found:
        assert "rows at" in problem
        fullest = max(times.count(time) for time in times)
        assert fullest >= history.page_rows
    elif problem:
        assert max(times.count(time) for time in times) >= history.page_rows


def test_a_time_longer_than_allowed_is_asked_for_in_parts() -> None:
    history = spec(RowOrder.UNORDERED, longest_ms=3_600_000)
    stack = [Question("", START_MS, START_MS + 9_000_000)]
    lengths = []
    while stack:
        question = next_question(history, stack)
        lengths.append(question.to_ms - question.from_ms)
        stack[-1:] = after_answer(history, question, [], "").questions
    assert lengths == [3_600_000, 3_600_000, 1_800_000]


def test_a_cursor_that_stands_still_is_a_problem_and_no_loop() -> None:
    history = spec(RowOrder.NEWEST_FIRST, next_cursor=lambda _: "same", is_bounded=False)
    question = Question("", START_MS, START_MS + 1_000)
    rows = [Row(START_MS + 500, "1")]
    first = after_answer(history, question, rows, "same")
    [second] = first.questions
    assert (second.cursor, first.problem) == ("same", "")
    last = after_answer(history, second, rows, "same")
    assert (last.questions, last.problem) == ((), "the venue's cursor does not move")


@pytest.mark.parametrize(
    ("time_ms", "words"),
    [
        (START_MS // 1_000, "unit"),
        (START_MS * 1_000, "unit"),
        (NOW_MS + 2 * 86_400_000, "unit"),
        (START_MS - 3_600_000, "another time"),
        (START_MS + 3_600_000, "another time"),
    ],
)
def test_an_answer_of_absurd_times_is_not_believed(time_ms: int, words: str) -> None:
    history = spec(RowOrder.OLDEST_FIRST)
    question = Question("", START_MS, START_MS + 60_000)
    with pytest.raises(AnswerError, match=words):
        check_rows(history, question, [Row(time_ms, "1")], NOW_MS)


def test_a_note_survives_and_other_notes_do_not_harm() -> None:
    progress = Progress(3, [Question("", 1, 2, "c")], 7, 4, 1, 2, "a word")
    note = Note({"x.f:1-2": progress, "y.f:1-2": progress}, {"x.f-completion": START_MS})
    mine = read_note(write_note(note, lambda exchange: exchange == "x"))
    assert mine == Note({"x.f:1-2": progress}, {"x.f-completion": START_MS})
    many = Note({f"x.f:{number}-2": progress for number in range(1_000)}, {"x.f": 7})
    written = write_note(many, lambda _: True)
    assert len(written) <= MAX_NOTE_BYTES + 100
    assert 10 < len(read_note(written).progress) < 1_000
    assert read_note(written).cursors == {"x.f": 7}
    for broken in ("", "{", "[]", '{"x": 1}', '{"progress": {"x": {}}, "cursors": {}}', "log=abc"):
        assert read_note(broken) == Note()
