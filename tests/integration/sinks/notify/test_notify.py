"""Notifications in the process of the test, on a real broker, to receivers in memory."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from liq.devstack.broker import Broker
from liq.devstack.kafka.cluster import ApacheKafka
from liq.runtime.health import Health
from liq.runtime.kafka import assign_from_beginning, new_consumer, new_producer, start_consumer
from liq.runtime.log_reading import read_to_ends
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import decode, encode
from liq.schemas.records import CascadeAlert, DetectionStatus, Undelivered
from liq.schemas.units import HOUR_MS
from liq.sinks.notify import courier, enabling, office
from liq.sinks.notify.clock import now_ms
from liq.sinks.notify.destination import NotifyDestination
from liq.sinks.notify.http_client import Answer, Verdict
from liq.sinks.notify.ledger import Ledger
from liq.sinks.notify.ledger_records import LedgerRecord, decode_record
from liq.sinks.notify.messages import Message
from liq.sinks.notify.office import Office
from liq.sinks.notify.outbox import Entry
from liq.sinks.notify.rules import Receiver, Rules
from liq.sinks.notify.senders import Sender
from liq.sinks.notify.worker import run
from tests.support.notify_rules import alert, link, market, rules

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

DEADLINE_SECONDS = 90.0
TAKEN = Answer(Verdict.DELIVERED, "status_204", "accepted")
AWAY = Answer(Verdict.LATER, "connect", "it cannot be reached")
NAMES = ("desk", "slow", "people")
RULES = """\
receivers:
  desk: {webhook: "https://a.example.com/x", secret: "${SECRET}"}
  slow: {webhook: "https://b.example.com/x", secret: "${SECRET}", disable_hours: 1}
  people: {apprise: "${CHAT}"}
rules:
  - name: cascades
    when: {alerts: [detected, escalated, ended]}
    to: [desk, slow, people]
  - name: detector
    when: {detector: behind, seconds: 60}
    to: desk
  - name: receivers
    when: {receiver: disabled}
    to: [desk, slow, people]
"""


@dataclass
class Inboxes:
    """What receivers got, and how they answer: an answer, or none for ever."""

    messages: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, Answer | None] = field(default_factory=dict)

    def ids(self, name: str) -> list[str]:
        return [message.id for message in self.messages[name]]

    def sender(self, receiver: Receiver) -> Sender:
        return _Memory(self, receiver.name)


class _Memory(Sender):
    def __init__(self, inboxes: Inboxes, name: str) -> None:
        self._inboxes = inboxes
        self._name = name

    async def send(self, message: Message) -> Answer:
        answer = self._inboxes.answers.get(self._name, TAKEN)
        if answer is None:
            await asyncio.Event().wait()
        elif answer is TAKEN:
            self._inboxes.messages[self._name].append(message)
        return answer or AWAY

    async def close(self) -> None:
        """Hold nothing."""


@pytest.fixture
async def settings(make_settings: Callable[..., Settings]) -> Settings:
    made = make_settings()
    await ensure_topics(made, ())
    return made


@asynccontextmanager
async def telling(
    settings: Settings, inboxes: Inboxes, found: Rules | None = None
) -> AsyncIterator[Health]:
    """A worker of notifications that leads; it is stopped as SIGTERM would."""
    health, stop, chosen = Health(), asyncio.Event(), found or rules(RULES)
    destination = NotifyDestination(settings, chosen, health)
    destination.office = Office(settings, chosen, health, inboxes.sender)
    task = asyncio.create_task(run(settings, health, stop, destination))
    try:
        # Partitions are positioned by then, and what is published from now on is not the past.
        await eventually(
            lambda: (
                task.done()
                or (reason(health, "ledger") == "leads" and health.conditions["kafka"].holds)
            )
        )
        yield health
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await task


def reason(health: Health, name: str) -> str:
    condition = health.conditions.get(name)
    return "" if condition is None else condition.reason


def reasons_from_now(health: Health, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every reason that a condition has from now on, however short a time it has it."""
    seen: list[str] = []
    put = Health.set

    def note(each: Health, name: str, *, holds: bool, reason: str) -> None:
        if each is health:
            seen.append(reason)
        put(each, name, holds=holds, reason=reason)

    monkeypatch.setattr(Health, "set", note)
    return seen


async def eventually(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - other tasks set no event of ours
            await asyncio.sleep(0.02)


async def publish(settings: Settings, *records: CascadeAlert | DetectionStatus | bytes) -> None:
    """Publish as the detector does: alerts by cascade, statuses to their own topic."""
    producer = new_producer(settings, "test")
    await producer.start()
    try:
        for record in records:
            topic, key, value = settings.topics.cascades, b"x", record
            if isinstance(record, DetectionStatus):
                topic, value = settings.topics.status, encode(record)
            elif isinstance(record, CascadeAlert):
                key, value = record.cascade_id.encode(), encode(record)
            await producer.send_and_wait(topic, value, key=key)
    finally:
        await producer.stop()


async def read(settings: Settings, topic: str) -> list[Any]:
    consumer = new_consumer(settings)
    await start_consumer(settings, consumer)
    try:
        place = TopicPartition(topic, 0)
        end = await assign_from_beginning(consumer, place)
        return [record async for record in read_to_ends(consumer, {place: end})]
    finally:
        await consumer.stop()


def steps(count: int, cascade_id: str = "c") -> list[CascadeAlert]:
    return [alert(f"{cascade_id}-{n}", cascade_id, timestamp_ms=n) for n in range(count)]


async def test_every_receiver_gets_every_alert_in_order_and_the_past_is_not_announced(
    settings: Settings,
) -> None:
    inboxes = Inboxes()
    await publish(settings, alert("past"))
    async with telling(settings, inboxes) as health:
        assert health.ready
        sent = [step for name in "abc" for step in steps(5, name)]
        await publish(settings, *sent)
        await eventually(lambda: all(len(inboxes.messages[name]) == 15 for name in NAMES))
    for name in NAMES:
        for cascade in "abc":
            found = [one for one in inboxes.ids(name) if one.startswith(cascade)]
            assert found == [f"{cascade}-{n}" for n in range(5)]


async def test_what_was_sent_is_not_sent_again_and_the_rest_is_not_forgotten(
    settings: Settings,
) -> None:
    inboxes = Inboxes(answers={"slow": AWAY})
    async with telling(settings, inboxes):
        await publish(settings, *steps(5))
        await eventually(lambda: len(inboxes.messages["desk"]) == 5)
    assert inboxes.messages["slow"] == []
    inboxes.answers.clear()
    async with telling(settings, inboxes):
        await publish(settings, *steps(7))  # the first five come again, as after a crash
        await eventually(lambda: len(inboxes.messages["slow"]) == 7)
        await eventually(lambda: len(inboxes.messages["people"]) == 7)
    for name in NAMES:
        assert inboxes.ids(name) == [f"c-{n}" for n in range(7)]


async def test_a_receiver_that_hangs_delays_no_other(settings: Settings) -> None:
    inboxes = Inboxes(answers={"slow": None})
    async with telling(settings, inboxes):
        await publish(settings, *steps(20))
        await eventually(lambda: len(inboxes.messages["desk"]) == 20)
        await eventually(lambda: len(inboxes.messages["people"]) == 20)
    assert inboxes.messages["slow"] == []


async def test_a_child_s_alert_is_folded_for_people_and_told_to_machines(
    settings: Settings,
) -> None:
    inboxes = Inboxes()
    async with telling(settings, inboxes):
        await publish(settings, alert("child", "child"), link("child"), market("m"))
        await eventually(lambda: inboxes.messages["people"])
        await eventually(lambda: len(inboxes.messages["desk"]) == 2)
    assert sorted(inboxes.ids("desk")) == ["child", "m"]
    [message] = inboxes.messages["people"]
    assert message.id == "m"
    assert orjson.loads(message.body)["data"]["folded"][0]["id"] == "child"


async def test_a_receiver_that_refuses_is_named_and_disabled_after_its_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    inboxes = Inboxes(answers={"slow": AWAY})
    offset = 0
    clock = now_ms
    for module in (courier, enabling):
        monkeypatch.setattr(module, "now_ms", lambda: clock() + offset)
    async with telling(settings, inboxes) as health:
        await publish(settings, *steps(2))
        await eventually(lambda: "it cannot be reached" in reason(health, "receiver-slow"))
        assert not health.ready
        for name in ("desk", "people"):
            await eventually(lambda: len(inboxes.messages[name]) == 2)  # noqa: B023
        offset = 2 * HOUR_MS
        await eventually(lambda: reason(health, "receiver-slow").startswith("disabled"))
        assert reason(health, "receiver-desk") == "takes messages"
        for name in ("desk", "people"):
            await eventually(lambda: len(inboxes.messages[name]) == 3)  # noqa: B023
            assert "Receiver slow is disabled after 2 h 0 min" in inboxes.messages[name][2].text
    topic = settings.topics.undelivered
    kept = [decode(Undelivered, record.value) for record in await read(settings, topic)]
    assert {(record.receiver, record.reason) for record in kept} == {("slow", "receiver_disabled")}
    assert [record.message_id for record in kept] == ["c-0", "c-1"]
    inboxes.answers.clear()
    async with telling(settings, inboxes) as health:  # a restart enables nobody
        assert reason(health, "receiver-slow").startswith("disabled")
        await enabling.enable_receiver(settings, "slow")
        offset += 1_000
        await eventually(lambda: reason(health, "receiver-slow") == "takes messages")
        await publish(settings, alert("later", "d"))
        await eventually(lambda: inboxes.ids("slow") == ["later"])
        # It was told once, to others, and not again after the restart.
        await eventually(lambda: "later" in inboxes.ids("people"))
        assert [len(inboxes.messages[name]) for name in NAMES] == [4, 1, 4]


async def test_a_message_that_a_receiver_refuses_is_kept_and_the_next_goes_on(
    settings: Settings,
) -> None:
    inboxes = Inboxes(answers={"desk": Answer(Verdict.REFUSED, "status_400", "it answers 400")})
    async with telling(settings, inboxes):
        await publish(settings, alert("bad"))
        await eventually(lambda: inboxes.messages["slow"])
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await read(settings, settings.topics.undelivered):
                pass
        inboxes.answers.clear()
        await publish(settings, alert("good"))
        await eventually(lambda: inboxes.ids("desk") == ["good"])


async def test_a_receiver_that_is_gone_is_disabled_at_once(settings: Settings) -> None:
    inboxes = Inboxes(answers={"desk": Answer(Verdict.GONE, "status_410", "it is gone for good")})
    async with telling(settings, inboxes) as health:
        await publish(settings, alert())
        await eventually(lambda: reason(health, "receiver-desk").startswith("disabled"))


async def test_what_cannot_be_read_is_kept_and_stops_nothing(settings: Settings) -> None:
    inboxes = Inboxes()
    async with telling(settings, inboxes):
        await publish(settings, b"{", b"\xff" * 100, b'{"alert_id":1}', alert("good"))
        await eventually(lambda: inboxes.ids("desk") == ["good"])

    kept = await read(settings, settings.topics.undelivered)
    assert {decode(Undelivered, record.value).reason for record in kept} == {"undecodable_record"}
    assert len(kept) == 3


async def test_detection_that_falls_behind_is_told_once_and_its_recovery_too(
    settings: Settings,
) -> None:
    def status(number: int, behind_ms: int) -> DetectionStatus:
        return DetectionStatus(
            detector="d", worker="w", timestamp_ms=number * 5_000, partition_count=1,
            assigned_count=1, behind_ms=behind_ms,
        )  # fmt: skip

    inboxes = Inboxes()
    async with telling(settings, inboxes):
        behind = [0, 61_000, 66_000, 71_000, 1_000, 0]
        await publish(settings, *(status(n, late) for n, late in enumerate(behind)))
        await eventually(lambda: len(inboxes.messages["desk"]) == 2)
    assert inboxes.ids("desk") == ["detector-behind-60-5", "detector-recovered-60-20"]


async def test_one_of_two_workers_tells_and_the_other_stands_by(
    make_settings: Callable[..., Settings], settings: Settings, chosen_broker: Broker
) -> None:
    if not isinstance(chosen_broker, ApacheKafka):
        pytest.skip("needs brokers that expel members: set KAFKA=apache")
    first, second = Inboxes(), Inboxes()
    async with telling(make_settings(worker_slot="a"), first):
        health, stop, found = Health(), asyncio.Event(), rules(RULES)
        destination = NotifyDestination(make_settings(worker_slot="b"), found, health)
        destination.office = Office(make_settings(worker_slot="b"), found, health, second.sender)
        other = asyncio.create_task(run(make_settings(worker_slot="b"), health, stop, destination))
        await eventually(
            lambda: health.conditions.get("kafka") and health.conditions["kafka"].holds
        )
        await publish(settings, *steps(5))
        await eventually(lambda: len(first.messages["desk"]) + len(second.messages["desk"]) == 5)
    # The leader has left.
    await eventually(lambda: reason(health, "ledger") == "leads")
    await publish(settings, alert("later", "d"))
    await eventually(lambda: second.ids("desk")[-1:] == ["later"])
    stop.set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await other
    everything = first.ids("desk") + second.ids("desk")
    assert everything == [*(f"c-{n}" for n in range(5)), "later"]
    assert not (first.messages["desk"] and second.ids("desk")[:-1])


async def test_a_claim_of_another_process_ends_the_lead(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "RECLAIM_SECONDS", 3.0)
    inboxes = Inboxes()
    async with telling(settings, inboxes) as health:
        await publish(settings, alert("mine"))
        await eventually(lambda: inboxes.ids("desk") == ["mine"])
        reasons = reasons_from_now(health, monkeypatch)
        producer = new_producer(settings, "test")
        await producer.start()
        claim = b'{"v":1,"epoch":99,"worker":"other"}'
        await producer.send_and_wait(settings.topics.notify_ledger, claim, key=b"claim")
        await producer.stop()
        await eventually(lambda: "stands by" in reasons)
        # Nothing is assigned anew, so the other process is gone: this one claims the lead again.
        await publish(settings, alert("again", "d"))
        await eventually(lambda: inboxes.ids("desk") == ["mine", "again"])
        assert reason(health, "ledger") == "leads"
    records = await read(settings, settings.topics.notify_ledger)
    epochs = [orjson.loads(each.value)["epoch"] for each in records if each.key == b"claim"]
    assert epochs == [1, 99, 100]
    entries = [decode_record(each.key, each.value) for each in records]
    assert len([each for each in entries if isinstance(each, Entry)]) == 2


async def test_a_ledger_that_cannot_be_read_is_read_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    inboxes = Inboxes()
    refresh = Ledger.refresh
    left = 0

    async def sometimes(ledger: Ledger) -> list[LedgerRecord]:
        nonlocal left
        if left:
            left -= 1
            raise KafkaTimeoutError("no step forward")
        return await refresh(ledger)

    monkeypatch.setattr(Ledger, "refresh", sometimes)
    monkeypatch.setattr(office, "REFRESH_SECONDS", 0.05)
    async with telling(settings, inboxes) as health:
        await publish(settings, alert("before"))
        await eventually(lambda: inboxes.ids("desk") == ["before"])
        left = office.MAX_FAILURES
        await eventually(lambda: left == 0)
        await publish(settings, alert("after", "d"))
        await eventually(lambda: inboxes.ids("desk") == ["before", "after"])
        await eventually(lambda: reason(health, "ledger") == "leads")
    records = await read(settings, settings.topics.notify_ledger)
    epochs = [orjson.loads(each.value)["epoch"] for each in records if each.key == b"claim"]
    assert epochs == [1, 2]
