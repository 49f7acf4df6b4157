"""What the layout's topic says, whoever has written to it."""

from dataclasses import asdict, replace

import orjson
import pytest

from liq.runtime.layout import (
    Answer,
    Layout,
    LayoutLog,
    Phase,
    answer_record,
    follows,
    layout_record,
)

ANNOUNCED = Layout(4, Phase.ANNOUNCED, 12, "a", 1)
PAUSING = replace(ANNOUNCED, phase=Phase.PAUSING, since_ms=2)
MOVING = replace(ANNOUNCED, phase=Phase.MOVING, since_ms=3)
REFUSED = replace(ANNOUNCED, phase=Phase.STABLE, refused="no answer")
GROWN = Layout(12, growth="a", since_ms=4)
NEXT = Layout(12, Phase.ANNOUNCED, 24, "b", 5)


def broken(**changes: object) -> bytes:
    return orjson.dumps(asdict(ANNOUNCED) | changes)


def read(*layouts: Layout) -> LayoutLog:
    log = LayoutLog()
    for layout in layouts:
        record = layout_record("layout", layout)
        log.note(record.key, record.value)
    return log


def test_a_layout_is_read_as_it_was_written() -> None:
    for layout in (ANNOUNCED, PAUSING, MOVING, REFUSED, GROWN):
        assert read(layout).layout == layout


@pytest.mark.parametrize(
    ("present", "steps"),
    [
        (ANNOUNCED, {ANNOUNCED, PAUSING, MOVING, REFUSED, GROWN}),
        (PAUSING, {PAUSING, MOVING, REFUSED, GROWN}),
        (MOVING, {MOVING, GROWN}),
        (GROWN, {GROWN, NEXT}),
        (REFUSED, {REFUSED, NEXT}),
    ],
)
def test_no_step_goes_back(present: Layout, steps: set[Layout]) -> None:
    every = (ANNOUNCED, PAUSING, MOVING, REFUSED, GROWN, NEXT)
    assert {each for each in every if follows(each, present)} == steps


def test_a_step_that_was_left_behind_is_ignored_until_it_is_written_over() -> None:
    log = read(ANNOUNCED, PAUSING, MOVING, REFUSED)
    assert (log.layout, log.is_overwritten) == (MOVING, True)
    record = layout_record("layout", MOVING)
    log.note(record.key, record.value)
    assert (log.layout, log.is_overwritten) == (MOVING, False)


def test_events_are_paused_between_two_phases_alone() -> None:
    every = (ANNOUNCED, PAUSING, MOVING, REFUSED, GROWN)
    assert [each.is_paused for each in every] == [False, True, True, False, False]
    assert [each.most_partitions for each in every] == [4, 4, 12, 4, 12]


def test_a_worker_answers_one_phase_of_one_growth() -> None:
    log = read(PAUSING)
    answer = answer_record("layout", Answer("t.normalize-a", "a", Phase.PAUSING))
    log.note(answer.key, answer.value)
    assert log.has_answered("t.normalize-a", PAUSING)
    assert not log.has_answered("t.normalize-a", MOVING)
    assert not log.has_answered("t.normalize-a", replace(PAUSING, growth="b"))
    assert not log.has_answered("t.normalize-b", PAUSING)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"[]",
        b"\xff",
        b'"layout"',
        b'{"partitions": 0, "phase": "stable"}',
        broken(partitions="4"),
        broken(partitions=10**9),
        broken(phase="odd"),
        broken(since_ms=None),
    ],
)
def test_foreign_records_change_nothing(value: bytes | None) -> None:
    log = read(GROWN)
    for key in (None, b"", b"layout", b"answer|x", b"\xff"):
        log.note(key, value)
    assert log == read(GROWN)
