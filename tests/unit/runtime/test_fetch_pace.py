from types import SimpleNamespace

from liq.runtime.fetch_pace import FetchPace


def records(*sizes: int) -> dict[str, list[SimpleNamespace]]:
    return {"p": [SimpleNamespace(value=b"x" * size) for size in sizes]}


def test_a_step_is_sized_by_the_largest_record_of_the_last_one() -> None:
    pace = FetchPace(100, 10_000)
    assert pace.records == 100
    pace.note(records(10, 1_000, 10))
    assert pace.records == 10
    pace.note(records(50_000))
    assert pace.records == 1
    pace.note(records(1))
    assert pace.records == 100


def test_heartbeats_and_empty_steps_change_nothing() -> None:
    pace = FetchPace(100, 10_000)
    pace.note(records(1_000))
    pace.note({})
    pace.note({"p": [SimpleNamespace(value=None)]})
    assert pace.records == 10
