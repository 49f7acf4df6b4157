"""The plan of a campaign: one for a seed, every kind in it, and all of it can be compared."""

import pytest

from tests.faults.chaos_plan import Kind, plan

MINUTES = 5.0


def test_a_seed_gives_one_plan_and_another_seed_another() -> None:
    assert plan(7, MINUTES) == plan(7, MINUTES)
    assert plan(7, MINUTES) != plan(8, MINUTES)


def test_a_longer_campaign_begins_like_a_shorter_one() -> None:
    longer = plan(7, 2 * MINUTES)
    shorter = plan(7, MINUTES)
    assert len(longer) > len(shorter)
    assert longer[: len(shorter)] == shorter


@pytest.mark.parametrize("seed", range(50))
def test_every_kind_comes_before_any_comes_again(seed: int) -> None:
    actions = plan(seed, MINUTES)
    times = [action.at_seconds for action in actions]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < MINUTES * 60
    first = [action.kind for action in actions[: len(Kind) - 1]]
    assert len(set(first)) == len(Kind) - 1
    assert {kind for kind in Kind if kind is not Kind.UNREADABLE} <= {a.kind for a in actions}


def test_states_are_lost_or_events_truncated_and_never_both() -> None:
    plans = [plan(seed, 60) for seed in range(50)]
    loses = [_loses_states(actions) for actions in plans]
    truncates = [any(str(a).endswith("truncate, events") for a in actions) for actions in plans]
    assert any(loses)
    assert any(truncates)
    assert not any(map(all, zip(loses, truncates, strict=True)))


def _loses_states(actions: tuple[object, ...]) -> bool:
    words = ("unreadable", "-state", "every topic")
    return any(
        str(action).endswith("every topic") or any(w in str(action) for w in words[:2])
        for action in actions
    )
