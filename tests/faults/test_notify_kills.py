"""SIGKILL of the worker of notifications, of Kafka and of the receivers: every alert arrives.

At least once under its own id, in the order of its cascade, at most one repeat a receiver and kill.
"""

import asyncio
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from liq.devstack.broker import Broker
from liq.devstack.kafka.cluster import ApacheKafka
from liq.runtime.topics import ensure_topics
from tests.conftest import MakeSettings
from tests.faults.conftest import loops
from tests.faults.record import note
from tests.faults.verdict import Verdict
from tests.support.notify_flow import Traffic, judge, running, wait_until

KILLS = max(4, loops(50))
BROKER_KILLS = max(3, loops(5))
ALERTS_PER_SECOND = 15
NAMES = ("one", "two", "three")
WHO = {
    "worker": "the worker",
    "receivers": "the receivers",
    "both": "worker and receivers in turn",
    "broker": "the broker",
}
ARRIVE_SECONDS = 400  # of patience: a loaded machine delivers for a while
READY_SECONDS = 120
CHANCE = random.Random(20_261_129)  # noqa: S311 - moments, not secrets

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(600 + 30 * KILLS),
    pytest.mark.usefixtures("broker"),
]


@pytest.mark.short_form
@pytest.mark.parametrize("victim", WHO)
def test_every_alert_arrives_in_order_and_is_repeated_at_most_once_a_kill(
    make_settings: MakeSettings, chosen_broker: Broker, tmp_path: Path, victim: str
) -> None:
    if victim == "broker" and not isinstance(chosen_broker, ApacheKafka):
        pytest.skip("needs brokers that keep what they acknowledged: set KAFKA=apache")
    settings = make_settings()
    asyncio.run(ensure_topics(settings, ()))
    kills = BROKER_KILLS if victim == "broker" else KILLS
    with (
        running(settings, tmp_path, NAMES) as (worker, receivers),
        Traffic(settings, ALERTS_PER_SECOND) as traffic,
    ):

        def tend() -> None:
            worker.tend()
            receivers.tend()

        for count in range(kills):
            settled = len(receivers.notes())
            wait_until(lambda: len(receivers.notes()) > settled, tend, ARRIVE_SECONDS)  # noqa: B023
            wait_until(after(CHANCE.uniform(0, 0.5)), tend, ARRIVE_SECONDS)
            if victim == "broker":
                assert isinstance(chosen_broker, ApacheKafka)
                chosen_broker.kill_broker(1)
                chosen_broker.start_broker(1)
            if victim in {"worker", "both"} and not (victim == "both" and count % 2):
                worker.kill()
            elif victim in {"receivers", "both"}:
                receivers.kill()
            if CHANCE.random() < 0.5:
                wait_until(lambda: worker.is_ready, tend, READY_SECONDS)
        traffic.stop()
        everything = {step.alert_id for step in traffic.sent}

        def has_arrived() -> bool:
            got = {(each["receiver"], each["id"]) for each in receivers.notes()}
            return all((name, each) in got for name in NAMES for each in everything)

        wait_until(has_arrived, tend, ARRIVE_SECONDS)
        assert worker.stop() == 0
        told = judge(receivers.notes(), traffic.sent)
        assert set(told) == set(NAMES)
        repeated = max(each.repeated for each in told.values())
        verdict = Verdict(
            frames=0,
            unsent=0,
            silent=0,
            events=0,
            alerts=len(everything),
            lost=sum(each.lost for each in told.values()),
            # Of each receiver, what was repeated beyond once a kill.
            repeated=sum(max(0, each.repeated - kills) for each in told.values()),
            changed=sum(each.out_of_order + each.unknown for each in told.values()),
            redelivered=repeated,
        )
        kafka = "Apache Kafka, 1 broker" if isinstance(chosen_broker, ApacheKafka) else "embedded"
        note(f"notifications: SIGKILL of {WHO[victim]}", verdict, broker=kafka, loops=kills)
        for each in told.values():
            assert (each.lost, each.out_of_order, each.unknown) == (0, 0, 0), told
        assert repeated <= kills, told


def test_a_frozen_worker_sends_nothing_more_when_another_one_has_taken_over(
    make_settings: MakeSettings, tmp_path: Path, chosen_broker: Broker
) -> None:
    if not isinstance(chosen_broker, ApacheKafka):
        pytest.skip("needs brokers that expel members: set KAFKA=apache")
    # The member with the first name leads: the one that was frozen does not get the lead back.
    settings = make_settings(worker_slot="z")
    asyncio.run(ensure_topics(settings, ()))
    other = tmp_path / "other"
    other.mkdir()
    with (
        running(settings, tmp_path, NAMES) as (worker, receivers),
        Traffic(settings, ALERTS_PER_SECOND) as traffic,
    ):
        wait_until(lambda: len(receivers.notes()) > 50, worker.tend, ARRIVE_SECONDS)
        worker.signal(signal.SIGSTOP)
        try:
            with running(make_settings(worker_slot="a"), other, NAMES) as (second, others):
                wait_until(lambda: len(others.notes()) > 50, second.tend, ARRIVE_SECONDS)
                before = len(receivers.notes())
                worker.signal(signal.SIGCONT)
                newest = len(traffic.sent)
                wait_until(lambda: len(traffic.sent) > newest + 200, second.tend, ARRIVE_SECONDS)
                assert len(receivers.notes()) <= before + len(NAMES)
                traffic.stop()
                assert second.stop() == 0
        finally:
            worker.signal(signal.SIGCONT)


def after(seconds: float) -> Callable[[], bool]:
    """A condition that comes true with time: kills are to come at any moment."""
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() >= deadline
