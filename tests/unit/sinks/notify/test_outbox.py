"""Lanes: order, folding, and the same after a restart."""

from collections.abc import Iterable, Mapping

from hypothesis import given
from hypothesis import strategies as st

from liq.schemas.folding import GRACE_MS
from liq.schemas.records import CascadeAlert
from liq.schemas.vocabulary import AlertType
from liq.sinks.notify import outbox as outbox_module
from liq.sinks.notify.ledger_records import (
    Claim,
    Enabled,
    Outcome,
    ReceiverState,
    Recovered,
    Settled,
    decode_record,
    encode_claim,
    encode_enabled,
    encode_entry,
    encode_settled,
    encode_state,
    withdraw_receiver,
)
from liq.sinks.notify.outbox import Entry, Lane, Outbox
from tests.support.notify_rules import alert, link, market, notice, one_rule

DESK: Mapping[str, str] = {"desk": "only"}
PLAIN = one_rule("{alerts: [detected]}")
FOLDING = one_rule("{alerts: [detected]}", receiver="fold: true")


def entry(record: CascadeAlert, arrived_ms: int = 0, selected: Mapping[str, str] = DESK) -> Entry:
    return Entry(
        notice=notice(record), arrived_ms=arrived_ms, published_ms=arrived_ms, selected=selected
    )


def unsent(lane: Lane) -> list[tuple[str, list[str]]]:
    """What a lane sends now, one after the other."""
    found = []
    while (waiting := lane.first) is not None:
        found.append((waiting.id, [part.alert_id for part in waiting.folded]))
        lane.settle(waiting.id)
    return found


def test_a_lane_keeps_the_order_and_knows_repeats() -> None:
    outbox = Outbox(PLAIN)
    for record in (alert("b"), alert("a"), alert("b")):
        outbox.add(entry(record))
    assert "a" in outbox
    assert unsent(outbox.lanes["desk"]) == [("b", []), ("a", [])]
    outbox.add(entry(alert("b")))
    assert unsent(outbox.lanes["desk"]) == []


def test_who_does_not_fold_gets_everything_at_once() -> None:
    outbox = Outbox(PLAIN)
    for record in (alert("child", "child"), market("m"), link("child")):
        outbox.add(entry(record, selected={} if record.type is AlertType.LINKED else DESK))
    assert unsent(outbox.lanes["desk"]) == [("child", []), ("m", [])]
    assert not outbox.wants(notice(link("child")))


def test_a_child_waits_for_its_link_and_holds_up_nobody() -> None:
    outbox = Outbox(FOLDING)
    lane = outbox.lanes["desk"]
    outbox.add(entry(alert("child", "child"), 0))
    outbox.add(entry(alert("alone", "alone"), 10))
    assert outbox.due_ms == GRACE_MS + 1
    outbox.add(entry(link("child"), 500, selected={}))
    outbox.add(entry(market("m"), 600))
    assert unsent(lane) == [("m", ["child"])]
    outbox.advance(GRACE_MS + 10)
    assert unsent(lane) == []
    outbox.advance(GRACE_MS + 11)
    assert unsent(lane) == [("alone", [])]
    assert list(lane.ids) == []


def test_a_receiver_without_the_market_s_messages_gets_the_child_s() -> None:
    outbox = Outbox(FOLDING)
    outbox.add(entry(alert("child", "child"), 0))
    outbox.add(entry(market("m"), 100, selected={"other": "only"}))
    outbox.add(entry(link("child"), 200, selected={}))
    outbox.advance(GRACE_MS + 1)
    assert unsent(outbox.lanes["desk"]) == [("child", [])]


def test_what_was_settled_is_not_sent_again_whatever_comes_first() -> None:
    outbox = Outbox(FOLDING)
    outbox.settle("desk", "b", 0)
    outbox.settle("gone-from-the-rules", "a", 0)
    for name in "abc":
        outbox.add(entry(market(name)))
    outbox.settle("desk", "a", 1)
    assert unsent(outbox.lanes["desk"]) == [("c", [])]


def test_old_notices_are_forgotten_unless_they_wait() -> None:
    outbox = Outbox(PLAIN)
    for number in range(3):
        outbox.add(entry(alert(f"a{number}"), number))
    outbox.settle("desk", "a0", 0)
    outbox.settle("desk", "a2", 0)
    assert outbox.forget(outbox_module.REMEMBERED_MS) == ["a0"]
    assert outbox.forget(outbox_module.REMEMBERED_MS + 10) == ["a2"]
    assert unsent(outbox.lanes["desk"]) == [("a1", [])]


RECORDS = st.sampled_from(
    [alert(f"{child}{step}", child) for child in "abc" for step in range(2)]
    + [market(f"m{step}") for step in range(3)]
    + [link(child) for child in "ab"]
)


@given(st.lists(st.tuples(st.integers(0, 3_000), RECORDS), max_size=20), st.data())
def test_a_restart_sends_exactly_what_was_not_settled(
    steps: list[tuple[int, CascadeAlert]], data: st.DataObject
) -> None:
    """A leader that dies anywhere leaves a ledger from which the next one goes on."""
    ledger: list[Entry | Settled] = []
    outbox, now = Outbox(FOLDING), 0
    sent: dict[str, list[str]] = {}

    def send_some(lane: Lane) -> None:
        while (waiting := lane.first) is not None and data.draw(st.booleans()):
            sent[waiting.id] = [part.alert_id for part in waiting.folded]
            done = Settled(receiver="desk", message_id=waiting.id, at_ms=now, outcome=Outcome.SENT)
            ledger.append(done)
            lane.settle(waiting.id)

    for wait_ms, record in steps:
        now += wait_ms
        outbox.advance(now)
        made = entry(record, now, {} if record.type is AlertType.LINKED else DESK)
        if made.notice.id not in outbox:
            ledger.append(made)
        outbox.add(made)
        send_some(outbox.lanes["desk"])
        if data.draw(st.booleans()):
            outbox = restarted(ledger)
            outbox.advance(now)
    outbox.advance(now + GRACE_MS + 1)
    for name, parts in unsent(outbox.lanes["desk"]):
        assert name not in sent
        sent[name] = parts
    undisturbed = restarted(each for each in ledger if isinstance(each, Entry))
    undisturbed.advance(now + GRACE_MS + 1)
    assert sorted(sent.items()) == sorted(unsent(undisturbed.lanes["desk"]))


def restarted(ledger: Iterable[Entry | Settled]) -> Outbox:
    outbox = Outbox(FOLDING)
    for record in ledger:
        if isinstance(record, Entry):
            outbox.add(record)
        else:
            outbox.settle(record.receiver, record.message_id, record.at_ms)
    return outbox


def test_the_ledger_s_records_come_back_as_they_were() -> None:
    state = ReceiverState(
        name="desk",
        definition="d",
        failing_since_ms=1,
        disabled_at_ms=None,
        reason="it answers 500",
    )
    settled = Settled(receiver="desk", message_id="a", at_ms=5, outcome=Outcome.GIVEN_UP)
    made = entry(alert())
    for record, encoded in (
        (made, encode_entry(made)),
        (settled, encode_settled(settled)),
        (Claim(3, "w"), encode_claim(Claim(3, "w"))),
        (state, encode_state(state)),
        (Enabled("desk", 9), encode_enabled(Enabled("desk", 9))),
        (Recovered("desk"), withdraw_receiver("desk")),
    ):
        assert decode_record(*encoded) == record


@given(st.binary(), st.binary() | st.none())
def test_nonsense_in_the_ledger_is_no_record(key: bytes, value: bytes | None) -> None:
    assert decode_record(key, value) is None or key.startswith(b"receiver")


def test_half_a_record_is_none() -> None:
    for key in (b"notice/a", b"told/desk/a", b"receiver/desk", b"claim", b"enable/desk"):
        for value in (b"{}", b"[]", b"null", b"1", b'{"v":1,"epoch":"x","selected":[1]}'):
            assert decode_record(key, value) is None
