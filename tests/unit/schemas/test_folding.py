"""Which alerts are messages, and what the messages of a market cascade stand for."""

import random
from dataclasses import replace

from liq.schemas.folding import GRACE_MS, Folding, Message, fold
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType, Level, Scope
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


def test_a_child_that_reaches_the_level_that_the_market_s_messages_say_is_told() -> None:
    def messages(level: Level, of_market: Level, kind: AlertType) -> list[tuple[str, list[str]]]:
        arrivals = [
            (0, replace(START, level=of_market)),
            (0, link("child")),
            (9_000, replace(alert("worse", "child", kind), level=level)),
            (20_000, replace(END, level=of_market)),
        ]
        assert sorted(told(stream(arrivals))) == sorted(told(fold(arrivals)))
        return told(fold(arrivals))

    alone: list[tuple[str, list[str]]] = [("start", []), ("worse", []), ("end", [])]
    folded = [("start", []), ("end", ["worse"])]
    for kind in (AlertType.DETECTED, AlertType.ESCALATED):
        for of_market in Level:
            assert messages(Level.EXTREME, of_market, kind) == alone
            assert messages(Level.MINOR, of_market, kind) == folded
        assert messages(Level.MAJOR, Level.EXTREME, kind) == folded
        assert messages(Level.MAJOR, Level.MAJOR, kind) == alone
        assert messages(Level.MODERATE, Level.MAJOR, kind) == folded
        assert messages(Level.MODERATE, Level.MINOR, kind) == alone
    assert messages(Level.EXTREME, Level.MINOR, AlertType.ENDED) == folded


def test_what_the_market_says_later_does_not_fold_a_child_that_said_more() -> None:
    worse = alert("worse", "market", AlertType.ESCALATED)
    major = replace(CHILD, level=Level.MAJOR)
    arrivals = [
        (0, link("child")),
        (0, replace(START, level=Level.MODERATE)),
        (1_000, major),
        (1_500, replace(worse, level=Level.EXTREME)),
        (20_000, END),
    ]
    assert "child" in dict(told(fold(arrivals)))
    assert sorted(told(stream(arrivals))) == sorted(told(fold(arrivals)))


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


def stream(arrivals: list[Arrival]) -> list[Message]:
    folding, messages = Folding(), []
    for arrived_ms, item in arrivals:
        messages += folding.add(arrived_ms, item)
    return messages + folding.advance(arrivals[-1][0] + GRACE_MS + 1)


def test_a_stream_folds_a_child_by_its_link_as_the_whole_log_does() -> None:
    for linked_ms in (0, GRACE_MS, GRACE_MS + 1):
        arrivals = [(0, CHILD), (linked_ms, START), (linked_ms, link("child"))]
        assert sorted(told(stream(arrivals))) == sorted(
            # What is folded comes with the parent's next message; here there is one more.
            told(fold([*arrivals, (9_000, END)]))[:-1] if linked_ms > GRACE_MS else [("start", [])]
        )


def test_a_stream_says_what_the_whole_log_says() -> None:
    """Where each market cascade has a message before the grace of its children is over."""
    for seed in range(200):
        chance = random.Random(seed)  # noqa: S311 - no secrets
        arrivals: list[Arrival] = [(0, START), (0, alert("start-2", "market-2"))]
        alerts = [link("a"), link("b"), link("c", "market-2"), END]
        alerts += [alert(f"worse{step}", "market", AlertType.ESCALATED) for step in range(3)]
        alerts += [alert(f"{name}{step}", name) for name in "abcd" for step in range(3)]
        alerts = [replace(item, level=chance.choice(list(Level))) for item in alerts]
        arrivals += sorted(
            ((chance.randrange(8_000), item) for item in [*alerts, *alerts]),
            key=lambda arrival: arrival[0],
        )
        # Each market cascade ends with a message, which stands for what is left.
        arrivals += [
            (9_999, alert("last", "market", AlertType.ENDED)),
            (9_999, alert("last-2", "market-2", AlertType.ENDED)),
        ]
        streamed, whole = stream(arrivals), fold(arrivals)
        assert {message.alert.alert_id for message in streamed} == {
            message.alert.alert_id for message in whole
        }
        for parent in ("market", "market-2"):
            assert parts_of(streamed, parent) == parts_of(whole, parent)


def parts_of(messages: list[Message], cascade_id: str) -> list[str]:
    return sorted(
        part.alert_id
        for message in messages
        if message.alert.cascade_id == cascade_id
        for part in message.folded
    )


def test_a_stream_s_child_stands_alone_if_the_market_is_silent() -> None:
    assert told(stream([(0, CHILD), (0, link("child"))])) == [("child", [])]
    arrivals = [(0, link("child")), (0, CHILD), (GRACE_MS + 1, START)]
    assert told(stream(arrivals)) == [("child", []), ("start", [])]


def test_a_stream_says_what_waits_and_what_was_folded() -> None:
    folding = Folding()
    assert folding.due_ms is None
    assert folding.add(5, CHILD) == []
    assert folding.due_ms == 5 + GRACE_MS + 1
    assert folding.advance(5 + GRACE_MS) == []
    folding.add(6, START)
    folding.add(6, link("child"))
    assert folding.take_folded() == [CHILD]
    assert folding.take_folded() == []
    assert folding.due_ms is None
