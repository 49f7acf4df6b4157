"""Windows, reserves and turns of the limiter, with a clock in hand."""

from hypothesis import given
from hypothesis import strategies as st

from liq.producers.feeds import Limits
from liq.producers.live.budget import ConnectionBudget, MessageBudget, RateWindow


@given(st.integers(1, 20), st.lists(st.floats(0.001, 5.0), max_size=200))
def test_a_window_never_admits_more_than_its_limit(limit: int, pauses: list[float]) -> None:
    window = RateWindow(limit, 10.0)
    now = 0.0
    admitted: list[float] = []
    for pause in pauses:
        now += pause
        if window.has_room(now):
            window.note(now)
            admitted.append(now)
    for start in admitted:
        assert sum(start <= time < start + 10.0 for time in admitted) <= limit


def test_requests_leave_room_for_pings() -> None:
    budget = MessageBudget(Limits(source="x", as_of="2026-01-01", messages_per_minute=10))
    sent = 0
    while budget.admits_request(0.0):
        budget.note_request(0.0)
        sent += 1
    assert sent == 8
    assert budget.admits_message(0.0)
    budget.note_message(0.0)
    budget.note_message(0.0)
    assert not budget.admits_message(0.0)
    assert not budget.admits_request(61.0), "our minute is a tenth longer than the venue's"
    assert budget.admits_request(66.0)


def test_unanswered_requests_of_all_connections_count_together() -> None:
    budget = MessageBudget(Limits(source="x", as_of="2026-01-01", unanswered_requests=5))
    budget.set_unanswered("a", 2)
    assert budget.admits_request(0.0)
    budget.set_unanswered("b", 2)
    assert not budget.admits_request(0.0)
    budget.set_unanswered("a", 0)
    assert budget.admits_request(0.0)


def test_one_connection_is_replaced_at_a_time() -> None:
    budget = ConnectionBudget(Limits(source="x", as_of="2026-01-01", connections_per_minute=2))
    assert budget.take_replacement()
    assert not budget.take_replacement()
    budget.end_replacement()
    assert budget.take_replacement()
    budget.note_connection(0.0)
    budget.note_connection(0.0)
    assert not budget.admits_connection(1.0)
    assert budget.admits_connection(66.0)
