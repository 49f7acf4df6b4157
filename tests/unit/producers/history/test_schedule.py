"""The times of regular requests: an interval, and pauses after failures."""

from liq.producers.history.schedule import Schedule
from liq.runtime.retry import BreakerPolicy, BreakerState

POLICY = BreakerPolicy(failures_to_open=2, first_pause_seconds=60.0, longest_pause_seconds=100.0)


class FakeClock:
    """A clock that the test moves."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def now_ns(self) -> int:
        return 0


def test_the_first_request_is_due_at_once_and_the_next_after_the_interval() -> None:
    clock = FakeClock()
    schedule = Schedule(15.0, POLICY, clock)
    assert schedule.is_due
    assert schedule.begin()
    schedule.succeed()
    clock.now += 14.9
    assert not schedule.is_due
    clock.now += 0.1
    assert schedule.is_due


def test_failures_in_a_row_open_the_breaker_for_pauses_that_double() -> None:
    clock = FakeClock()
    schedule = Schedule(15.0, POLICY, clock)
    pauses = []
    for _ in range(4):
        assert schedule.begin()
        pauses.append(schedule.fail())
        clock.now += 15.0 if pauses[-1] == 0 else pauses[-1]
        assert schedule.is_due
    assert pauses == [0.0, 60.0, 100.0, 100.0]
    assert schedule.begin()
    schedule.succeed()
    assert schedule.state is BreakerState.CLOSED
    clock.now += 15.0
    assert schedule.is_due


def test_an_open_breaker_admits_no_request() -> None:
    clock = FakeClock()
    schedule = Schedule(15.0, POLICY, clock)
    assert schedule.begin()
    assert schedule.fail(at_once=True) == 60.0
    clock.now += 59.0
    assert not schedule.is_due
    assert not schedule.begin()
    clock.now += 1.0
    assert schedule.is_due
    assert schedule.begin()
