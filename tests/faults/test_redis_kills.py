"""SIGKILL of the sink of the hot state and of Redis, while records come again: each counts once."""

import asyncio
import random
import time
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from liq.devstack.broker import Broker
from liq.devstack.kafka.cluster import ApacheKafka
from liq.devstack.supervisor import Supervisor
from liq.runtime.topics import ensure_topics
from tests.conftest import MakeSettings
from tests.faults.conftest import loops
from tests.faults.record import note
from tests.faults.verdict import Verdict
from tests.support.hot_flow import HotTraffic
from tests.support.hot_state import HotState, fold, read, without_expiry
from tests.support.notify_flow import wait_until
from tests.support.redis_server import RedisServer, needs_redis
from tests.support.tended_worker import TendedWorker

FEWEST = 3
KILLS = max(FEWEST, loops(50))
#: What Redis writes to its disk, and who is killed.
CASES = {
    "the worker": ((), "worker"),
    "Redis, a log on disk": (("--appendonly", "yes", "--appendfsync", "everysec"), "redis"),
    "Redis, nothing on disk": ((), "redis"),
    "worker and Redis in turn": (("--appendonly", "yes", "--appendfsync", "no"), "both"),
}
ON_EMBEDDED = ("Redis, nothing on disk", "worker and Redis in turn")
ARRIVE_SECONDS = 400
READY_SECONDS = 120
CHANCE = random.Random(20_261_130)  # noqa: S311 - moments, not secrets

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(600 + 30 * KILLS),
    pytest.mark.usefixtures("broker"),
    needs_redis,
]


@pytest.mark.short_form
@pytest.mark.parametrize("case", CASES)
def test_the_hot_state_is_the_fold_of_the_log_whoever_is_killed(
    make_settings: MakeSettings, chosen_broker: Broker, tmp_path: Path, case: str
) -> None:
    options, victim = CASES[case]
    if not isinstance(chosen_broker, ApacheKafka) and case not in ON_EMBEDDED and KILLS == FEWEST:
        pytest.skip("two of the four cases of the hot state are for make test: set KAFKA=apache")
    with Supervisor(tmp_path / "logs") as supervisor:
        server = RedisServer(supervisor, tmp_path / "data", options=options)
        server.start()
        settings = make_settings(redis_url=server.url, redis_hours=2, redis_last_count=10_000)
        asyncio.run(ensure_topics(settings, ()))
        worker = TendedWorker(supervisor, settings, "sink", "redis")
        worker.start()
        wait_until(lambda: worker.is_ready, worker.tend, READY_SECONDS)
        with HotTraffic(settings, CHANCE) as traffic:
            for count in range(KILLS):
                before = len(hot_state(server, settings.topic_namespace).stream)
                wait_until(
                    lambda: len(hot_state(server, settings.topic_namespace).stream) > before,  # noqa: B023
                    worker.tend,
                    ARRIVE_SECONDS,
                )
                moment = time.monotonic() + CHANCE.uniform(0, 0.5)
                wait_until(lambda: time.monotonic() >= moment, worker.tend, ARRIVE_SECONDS)  # noqa: B023
                if victim == "worker" or (victim == "both" and count % 2):
                    worker.kill()
                else:
                    server.kill()
        wanted = fold(traffic.sent)
        # The list of the newest is bounded; the sums are not.
        wanted.last = wanted.last[-10_000:]

        def is_complete() -> bool:
            return sum(hot_state(server, settings.topic_namespace).minutes.values()) >= sum(
                wanted.minutes.values()
            ) and set(hot_state(server, settings.topic_namespace).stream) >= set(wanted.stream)

        wait_until(is_complete, worker.tend, ARRIVE_SECONDS)
        wait_until(lambda: worker.is_ready, worker.tend, READY_SECONDS)
        assert worker.stop() == 0
        found = hot_state(server, settings.topic_namespace)
        note(
            f"hot state: SIGKILL of {case}",
            verdict(found, wanted, traffic),
            broker="Apache Kafka, 1 broker"
            if isinstance(chosen_broker, ApacheKafka)
            else "embedded",
            loops=KILLS,
        )
        assert found.minutes == wanted.minutes
        assert found.levels == wanted.levels
        assert found.last == wanted.last
        assert (found.newest, found.open) == (wanted.newest, wanted.open)
        assert sorted(found.stream) == sorted(wanted.stream)
        with server.client() as client:
            assert without_expiry(client, settings.topic_namespace) == []


def hot_state(server: RedisServer, prefix: str) -> HotState:
    """Read the state; nothing while Redis is not up."""
    try:
        with server.client() as client:
            return read(client, prefix)
    except RedisError:
        return HotState()


def verdict(found: HotState, wanted: HotState, traffic: HotTraffic) -> Verdict:
    """Count what is lost or doubled, by the ids in lists and by the sums."""
    differing = sum(found.minutes[key] != wanted.minutes[key] for key in wanted.minutes)
    return Verdict(
        frames=0,
        unsent=0,
        silent=0,
        events=sum(by for (*_, unit), by in wanted.minutes.items() if unit == "count"),
        alerts=len(wanted.stream),
        lost=len(set(wanted.stream) - set(found.stream)) + len(set(wanted.last) - set(found.last)),
        repeated=len(found.stream) - len(set(found.stream)),
        changed=differing,
        redelivered=traffic.repeated,
    )
