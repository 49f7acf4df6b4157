"""A worker reads only when it knows the layout, and not while events grow."""

from liq.processors.workers.reading_gate import ReadingGate


def test_the_gate_opens_with_the_end_of_the_layout_at_the_assignment() -> None:
    gate = ReadingGate()
    assert not gate.is_open(), "nothing was read yet"
    gate.require(7)
    gate.reach(6)
    assert not gate.is_open()
    gate.reach(7)
    assert gate.is_open()
    gate.require(8)
    assert not gate.is_open()


def test_a_pause_is_kept_by_whoever_comes_to_the_gate() -> None:
    gate = ReadingGate()
    gate.reach(0)
    assert gate.is_open()
    gate.pause("a")
    assert not gate.is_idle("a"), "a fetch may be under way"
    assert not gate.is_open()
    assert gate.is_idle("a")
    assert not gate.is_idle("b")
    gate.pause("b")
    assert not gate.is_idle("b")
    gate.resume()
    assert gate.is_open()
    assert not gate.is_idle("a")
