"""Fault rules and sessions, without a server."""

import json
from typing import Any

import pytest

from liq.devstack.clickhouse.errors import ClickHouseError
from liq.devstack.clickhouse.faults import FaultKind, Faults, parse_rule
from liq.devstack.clickhouse.requests import SessionRequest
from liq.devstack.clickhouse.sessions import Sessions


def order(**keys: Any) -> bytes:
    return json.dumps(keys).encode()


def test_a_rule_hits_what_it_matches_as_often_as_told() -> None:
    faults = Faults()
    faults.add(parse_rule(order(kind="status", match=r"insert\s+into t\b", times=2, argument=429)))
    assert faults.take("SELECT 1") is None
    assert faults.take("INSERT INTO ticks FORMAT CSV") is None
    hits = [faults.take("INSERT\nINTO t FORMAT CSV") for _ in range(3)]
    assert [rule and rule.kind for rule in hits] == [FaultKind.STATUS, FaultKind.STATUS, None]
    assert faults.describe()[0] | {"match": ""} == {
        "kind": "status", "match": "", "argument": 429, "remaining": 0, "hits": 2,
    }  # fmt: skip


def test_rules_apply_in_their_order() -> None:
    faults = Faults()
    faults.add(parse_rule(order(kind="reset_before")))
    faults.add(parse_rule(order(kind="reset_after", times=None)))
    kinds = [rule.kind.value for _ in range(3) if (rule := faults.take("SELECT 1"))]
    assert kinds == ["reset_before", "reset_after", "reset_after"]


def test_clearing_ends_hangs_and_tells_the_hits() -> None:
    faults = Faults()
    rule = parse_rule(order(kind="hang_after"))
    faults.add(rule)
    faults.take("SELECT 1")
    (cleared,) = faults.clear()
    assert cleared["hits"] == 1
    assert rule.released.is_set()
    assert faults.take("SELECT 1") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        order(),
        order(kind="explode"),
        order(kind="status", argument=200),
        order(kind="slow", argument=-1),
        order(kind="slow", argument="2"),
        order(kind="slow", times=0),
        order(kind="slow", times=True),
        order(kind="slow", match="("),
        order(kind="slow", matches="x"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_rule(body)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def session(*, must_exist: bool = False, close_after: bool = False) -> SessionRequest:
    return SessionRequest("s", 60, must_exist=must_exist, close_after=close_after)


def refused_code(sessions: Sessions, request: SessionRequest) -> int:
    with pytest.raises(ClickHouseError) as refused, sessions.hold(request):
        pass
    return refused.value.code


def test_a_session_is_for_one_request_at_a_time() -> None:
    sessions = Sessions(Clock())
    with sessions.hold(session()):
        assert refused_code(sessions, session()) == 373
    with sessions.hold(session(must_exist=True)):
        pass


def test_a_session_ends_with_its_time_from_the_last_request() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    with sessions.hold(session()):
        clock.now_s += 1000
    clock.now_s += 59
    with sessions.hold(session(must_exist=True)):
        pass
    clock.now_s += 61
    assert refused_code(sessions, session(must_exist=True)) == 372


def test_a_session_can_be_closed_by_its_last_request() -> None:
    sessions = Sessions(Clock())
    with sessions.hold(session(close_after=True)):
        pass
    assert refused_code(sessions, session(must_exist=True)) == 372
