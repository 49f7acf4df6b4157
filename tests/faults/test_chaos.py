"""A campaign: faults of every kind in the order that a seed gives, then the ledger comparison.

`make test-chaos SEED=7 MINUTES=5` runs one and prints what it does as it does it.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from liq.devstack.kafka.cluster import ApacheKafka
from tests.conftest import MakeSettings
from tests.faults.chaos_plan import BROKER, CLICKHOUSE, EVERY_TOPIC, RAW, Action, Kind, plan
from tests.faults.conftest import Run, StartRun, freeze, now_ms, thaw
from tests.faults.pipeline import UNKNOWN_LAG, Role
from tests.faults.skew import skewed
from tests.support.clickhouse_server import Server, needs_server
from tests.support.topic_operations import Target

SEED = os.environ.get("SEED", "")
MINUTES = float(os.environ.get("MINUTES", "5"))
RECOVERY_SECONDS = 180.0
SECOND_READY_SECONDS = 120.0
BROKER_SECONDS = 120.0
SECOND_PRODUCER_SECONDS = 20.0

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    needs_server,
    pytest.mark.timeout(900 + 240 * MINUTES),
    pytest.mark.usefixtures("broker"),
    pytest.mark.skipif(not SEED, reason="a campaign needs a seed: make test-chaos SEED=1"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "clickhouse") as running:
        yield running


class Campaign:
    """Does what a plan says to a run."""

    def __init__(self, run: Run, broker: ApacheKafka, server: Server) -> None:
        self._run = run
        self._broker = broker
        self._server = server
        self._second = 0

    def do(self, action: Action) -> None:
        """Do one thing; return when it is over."""
        operations = self._run.operations
        what: dict[Kind, Callable[[], object]] = {
            Kind.FOREIGN: lambda: operations.write_foreign(with_state=action.target == EVERY_TOPIC),
            Kind.ABORT: lambda: operations.abort_transaction(action.seconds),
            Kind.FLOOD: operations.flood,
            Kind.CLOCK: lambda: operations.odd_clock(action.target),
            Kind.PRODUCER: lambda: self._second_worker(
                Role.PRODUCE, SECOND_PRODUCER_SECONDS, **skewed(int(action.seconds))
            ),
            Kind.KILL: lambda: self._kill(action.target),
            Kind.FREEZE: lambda: self._freeze(action.target, action.seconds),
            Kind.WORKER: lambda: self._second_worker(Role(action.target), action.seconds),
            Kind.REMAKE: lambda: operations.remake(self._topic(action.target)),
            Kind.TRUNCATE: lambda: operations.truncate(self._topic(action.target)),
            Kind.RESET: lambda: operations.reset(Role(action.target), Target(action.how)),
            Kind.UNREADABLE: operations.lose_states,
        }
        # What was just killed is there again before something else is done to it.
        self._run.pipeline.tend()
        what[action.kind]()
        if action.target == BROKER:
            # It answers again before anything is asked of it.
            pipeline = self._run.pipeline
            pipeline.wait_until(lambda: pipeline.lag(Role.DETECT) < UNKNOWN_LAG, BROKER_SECONDS)

    def _kill(self, target: str) -> None:
        if target == BROKER:
            self._broker.kill_broker(1)
            self._broker.start_broker(1)
        elif target == CLICKHOUSE:
            self._server.kill()
        else:
            self._run.pipeline.kill(self._run.pipeline.of(Role(target))[0])

    def _freeze(self, target: str, seconds: float) -> None:
        pipeline = self._run.pipeline
        if target == BROKER:
            process = self._broker.process_id(1)
        elif target == CLICKHOUSE:
            process = self._server.process_id
        else:
            process = pipeline.process_id(pipeline.of(Role(target))[0])
        with suppress(ProcessLookupError):  # it is just ending by itself
            freeze(process)
            try:
                pipeline.pause(seconds)
            finally:
                thaw(process)

    def _second_worker(self, role: Role, seconds: float, **environment: str) -> None:
        pipeline = self._run.pipeline
        self._second += 1
        member = pipeline.start(role, f"second-{self._second}", **environment)
        pipeline.wait_until(lambda: pipeline.is_ready(member), SECOND_READY_SECONDS)
        pipeline.pause(seconds)
        pipeline.stop(member)

    def _topic(self, name: str) -> str:
        topics = self._run.pipeline.settings.topics
        return topics.raw("bitget") if name == RAW else f"{topics.namespace}.{name}"


def test_a_campaign(
    start_run: StartRun,
    make_settings: MakeSettings,
    apache: ApacheKafka,
    server: Server,
    say: Callable[[str], None],
) -> None:
    actions = plan(int(SEED), MINUTES)
    say(f"\nseed {SEED}, {MINUTES:g} minutes, {len(actions)} actions at most")
    run = start_run(make_settings(**server.settings, sink_max_rejected_share=1))
    campaign = Campaign(run, apache, server)
    started = time.monotonic()
    done = 0
    for action in actions:
        run.pipeline.pause(max(0.0, action.at_seconds - (time.monotonic() - started)))
        began = time.monotonic() - started
        if began >= MINUTES * 60:
            break
        say(f"{began:6.1f} s  {action}")
        fault_ms = now_ms()
        campaign.do(action)
        done += 1
        if action.recovers:
            run.recover(fault_ms, RECOVERY_SECONDS)
            say(f"{time.monotonic() - started:6.1f} s  recovered in {run.recoveries[-1]:.1f} s")
    run.recover(now_ms(), RECOVERY_SECONDS)
    say(f"{time.monotonic() - started:6.1f} s  recovered; coming to rest")
    verdict = run.end(f"campaign of {MINUTES:g} minutes, seed {SEED}", done)
    say(f"{time.monotonic() - started:6.1f} s  {verdict}")
