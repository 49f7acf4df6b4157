"""Brokers that restart, freeze, die, or hand their partitions over."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from liq.devstack.kafka.cluster import ApacheKafka, ClusterOptions
from liq.devstack.options import StackOptions
from liq.devstack.supervisor import Supervisor
from liq.runtime.kafka import new_admin
from liq.runtime.settings import Settings
from tests.conftest import MakeSettings
from tests.faults.conftest import Run, StartRun, freeze, loops, now_ms, thaw

RESTARTS = loops(5)
FROZEN_SECONDS = max(8, loops(60))
RECOVERY_SECONDS = 180
BROKERS = 3

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(600 + 120 * RESTARTS),
    pytest.mark.usefixtures("broker", "clickhouse"),
]


@pytest.mark.parametrize(
    "is_clean", [True, pytest.param(False, marks=pytest.mark.short_form)], ids=["clean", "unclean"]
)
def test_a_restarted_broker_loses_nothing(apache: ApacheKafka, run: Run, *, is_clean: bool) -> None:
    for _ in range(RESTARTS):
        fault_ms = now_ms()
        if is_clean:
            apache.stop_broker(1)
        else:
            apache.kill_broker(1)
        apache.start_broker(1)
        run.recover(fault_ms, RECOVERY_SECONDS)
    run.end(f"restart of the only broker, {'clean' if is_clean else 'unclean'}", RESTARTS)


def test_a_frozen_broker_loses_nothing(apache: ApacheKafka, run: Run) -> None:
    freeze(apache.process_id(1))
    try:
        run.pipeline.pause(FROZEN_SECONDS)
    finally:
        thaw(apache.process_id(1))
    run.recover(now_ms(), RECOVERY_SECONDS)
    run.end(f"broker frozen for {FROZEN_SECONDS} s")


@pytest.fixture
def three(
    apache: ApacheKafka,
    stack_options: StackOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ApacheKafka]:
    """A cluster of its own, which gives leaderships back at once; settings lead there."""
    assert apache is not None
    with Supervisor(tmp_path / "kafka-logs") as supervisor:
        options = ClusterOptions(
            brokers=BROKERS,
            jars=stack_options.kafka_jars_dir,
            properties={
                "leader.imbalance.check.interval.seconds": "2",
                "leader.imbalance.per.broker.percentage": "0",
            },
        )
        cluster = ApacheKafka(supervisor, tmp_path / "kafka", options)
        for name, text in cluster.start().environment.items():
            monkeypatch.setenv(name, text)
        yield cluster


def leads(settings: Settings, topic: str, broker: int) -> bool:
    """Whether some partition of a topic has this leader."""

    async def ask() -> bool:
        admin = new_admin(settings, "leaders")
        await admin.start()
        try:
            [found] = await admin.describe_topics([topic])
        finally:
            await admin.close()
        return broker in {partition["leader"] for partition in found["partitions"]}

    return asyncio.run(ask())


def test_a_lost_broker_and_moved_leaders_lose_nothing(
    make_settings: MakeSettings, three: ApacheKafka, start_run: StartRun
) -> None:
    """Killed, its partitions get other leaders; back, it is made their leader again."""
    run = start_run(make_settings())
    run.broker = f"Apache Kafka, {BROKERS} brokers"
    events = run.pipeline.settings.topics.events
    for count in range(RESTARTS):
        victim = 1 + count % BROKERS
        fault_ms = now_ms()
        three.kill_broker(victim)
        run.recover(fault_ms, RECOVERY_SECONDS)
        three.start_broker(victim)
        run.pipeline.wait_until(partial(leads, run.pipeline.settings, events, victim), 60)
        run.recover(now_ms(), RECOVERY_SECONDS)
    run.end("one of three brokers killed, and its leaderships moved back", RESTARTS)
