"""Which alerts are messages, and what the messages of a market cascade stand for."""

import random
from dataclasses import replace

from liq.schemas.folding import GRACE_MS, Message, fold
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Scope
from tests.support import sample_records

Arrival = tuple[int, CascadeAlert]


def alert(name: str, cascade_id: str, kind: AlertType = AlertType.DETECTED) -> CascadeAlert:
    is_market = cascade_id.startswith("market")
    return replace(
        sample_records.alert(),
        alert_id=name,
        cascade_id=cascade_id,
        type=kind,
        scope=Scope.MARKET if is_market else Scope.ASSET,
        notify=kind not in {AlertType.UPDATED, AlertType.LINKED, AlertType.WATCH},
    )


def link(cascade_id: str, parent_id: str = "market") -> CascadeAlert:
    made = alert(f"{cascade_id}-{parent_id}", cascade_id, AlertType.LINKED)
    return replace(made, parent_id=parent_id)


def told(messages: list[Message]) -> list[tuple[str, list[str]]]:
    return [
        (message.alert.alert_id, [part.alert_id for part in message.folded]) for message in messages
    ]


START = alert("start", "market")
END = alert("end", "market", AlertType.ENDED)
CHILD = alert("child", "child")


def test_without_a_link_every_alert_that_notifies_is_a_message() -> None:
    update = alert("update", "child", AlertType.UPDATED)
    arrivals = [(0, CHILD), (0, START), (9, update), (10, END)]
    assert told(fold(arrivals)) == [("child", []), ("start", []), ("end", [])]


def test_a_child_s_alert_is_folded_if_its_link_comes_within_the_grace() -> None:
    def arrivals(linked_ms: int) -> list[Arrival]:
        return [(0, CHILD), (linked_ms, START), (linked_ms, link("child"))]

    assert told(fold(arrivals(GRACE_MS))) == [("start", ["child"])]
    assert told(fold(arrivals(GRACE_MS + 1))) == [("child", []), ("start", [])]
    assert told(fold(arrivals(500), grace_ms=499)) == [("child", []), ("start", [])]


def test_alerts_after_the_link_are_folded_into_the_market_s_next_message() -> None:
    worse = alert("worse", "child", AlertType.ESCALATED)
    over = alert("over", "child", AlertType.ENDED)
    arrivals = [(0, START), (0, link("child")), (60_000, worse), (90_000, END), (95_000, over)]
    assert told(fold(arrivals)) == [("start", []), ("end", ["worse", "over"])]


def test_a_link_may_arrive_before_the_alerts_of_its_cascade() -> None:
    assert told(fold([(0, link("child")), (1, CHILD), (2, START)])) == [("start", ["child"])]


def test_nothing_is_folded_into_a_cascade_that_is_not_told_of() -> None:
    silent = replace(START, notify=False)
    assert told(fold([(0, CHILD), (0, link("child"))])) == [("child", [])]
    assert told(fold([(0, silent), (0, CHILD), (0, link("child"))])) == [("child", [])]


def test_only_children_are_folded() -> None:
    other = alert("other", "other")
    assert told(fold([(0, CHILD), (0, other), (0, START), (0, link("child"))])) == [
        ("other", []),
        ("start", ["child"]),
    ]


def test_a_repeat_is_no_second_message() -> None:
    arrivals = [(0, CHILD), (0, START), (0, link("child")), (5_000, CHILD), (5_000, START)]
    assert told(fold(arrivals)) == [("start", ["child"])]


def test_every_alert_that_notifies_is_told_once() -> None:
    for seed in range(50):
        chance = random.Random(seed)  # noqa: S311 - no secrets
        alerts = [START, END, link("a"), link("b"), link("c", "market-2")]
        alerts += [alert(f"{name}{step}", name) for name in "abcd" for step in range(3)]
        arrivals = sorted(
            ((chance.randrange(8_000), item) for item in [*alerts, *alerts]),
            key=lambda arrival: arrival[0],
        )
        messages = fold(arrivals)
        names = [part.alert_id for message in messages for part in (message.alert, *message.folded)]
        assert sorted(names) == sorted(item.alert_id for item in alerts if item.notify)
