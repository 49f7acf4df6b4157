"""A pipeline with traffic, and the one comparison that ends every case."""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from liq.devstack.broker import Broker
from liq.devstack.exchange.registry import dialect
from liq.devstack.exchange.server import LocalExchange
from liq.devstack.kafka.cluster import ApacheKafka
from liq.devstack.supervisor import Supervisor
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import migrate
from tests.conftest import MakeSettings
from tests.faults.history import History
from tests.faults.operations import Operations
from tests.faults.pipeline import Pipeline
from tests.faults.record import note
from tests.faults.traffic import ASSETS, FRAMES_PER_SECOND, Traffic
from tests.faults.verdict import Verdict, judge

#: How many times the long form's loops are run: 1 is the long form, CI runs a small part of it.
FAULT_SHARE = float(os.environ.get("FAULT_SHARE", "0.04"))
ENOUGH_FRAMES = 250
ENOUGH_SECONDS = 60
FEEDS = (("bitget", "liquidation"), ("okx", "public"))


def loops(of_long_form: int) -> int:
    """How often a loop of so many runs in the form that was asked for; at least once."""
    return max(1, round(of_long_form * FAULT_SHARE))


@dataclass
class Run:
    """A pipeline under traffic, from its start to the verdict."""

    pipeline: Pipeline
    traffic: Traffic
    broker: str
    chance: random.Random
    recoveries: list[float] = field(default_factory=list)
    operations: Operations = field(init=False)

    def __post_init__(self) -> None:
        """Nothing was done to the logs yet."""
        self.operations = Operations(self.pipeline, History(self.pipeline.settings))

    def recover(self, fault_ms: int, seconds: float = 120) -> None:
        """Wait until new events and alerts come through, and note how long that took."""
        self.recoveries.append(self.pipeline.recover(fault_ms, seconds))

    def stop_traffic(self) -> None:
        """Send no more, once there was something to lose."""
        self.pipeline.wait_until(lambda: self.traffic.count >= ENOUGH_FRAMES, ENOUGH_SECONDS)
        self.traffic.stop()

    def end(self, case: str, loops_done: int = 1) -> Verdict:
        """Come to rest, compare, note, and fail if anything is not as it must be."""
        self.stop_traffic()
        codes = self.pipeline.settle()
        history = self.operations.history
        verdict = judge(self.pipeline.settings, self.pipeline.exchanges, history)
        note(case, verdict, broker=self.broker, loops=loops_done, recoveries=self.recoveries)
        verdict.expect_the_truth()
        assert set(codes.values()) == {0}, codes
        return verdict


class StartRun(Protocol):
    """Start a pipeline of one worker of each kind, and traffic, and wait for the first alert."""

    def __call__(
        self,
        settings: Settings,
        *,
        frames_per_second: float = FRAMES_PER_SECOND,
        assets: int = ASSETS,
        environment: dict[str, str] | None = None,
    ) -> Run: ...


@pytest.fixture
def exchanges() -> Iterator[Sequence[LocalExchange]]:
    with ExitStack() as stack:
        yield [stack.enter_context(LocalExchange(dialect(*feed))) for feed in FEEDS]


@pytest.fixture
def start_run(
    tmp_path: Path,
    exchanges: Sequence[LocalExchange],
    apache: ApacheKafka,
) -> Iterator[StartRun]:
    broker_name = f"Apache Kafka, {len(apache.brokers)} broker"
    with ExitStack() as stack:
        supervisor = stack.enter_context(Supervisor(tmp_path / "logs"))

        def start(
            settings: Settings,
            *,
            frames_per_second: float = FRAMES_PER_SECOND,
            assets: int = ASSETS,
            environment: dict[str, str] | None = None,
        ) -> Run:
            names = tuple(exchange.dialect.exchange for exchange in exchanges)
            asyncio.run(ensure_topics(settings, names))
            with closing(connect(settings, use_database=False)) as client:
                migrate(client, settings.clickhouse_database)
            pipeline = Pipeline(settings, exchanges, supervisor, environment or {})
            pipeline.start_all()
            traffic = Traffic(exchanges, frames_per_second=frames_per_second, assets=assets)
            traffic.start()
            stack.callback(traffic.stop)
            pipeline.recover(now_ms())
            return Run(pipeline, traffic, broker_name, random.Random(20_261_123))  # noqa: S311

        yield start


@pytest.fixture
def run(start_run: StartRun, make_settings: MakeSettings) -> Run:
    """With the session's broker and ClickHouse."""
    return start_run(make_settings())


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print at once, whatever pytest captures."""

    def write(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    return write


@pytest.fixture
def apache(chosen_broker: Broker) -> ApacheKafka:
    """The session's broker, where it is one that can be frozen and killed."""
    if not isinstance(chosen_broker, ApacheKafka):
        pytest.skip("needs brokers that keep what they acknowledged: set KAFKA=apache")
    return chosen_broker


def now_ms() -> int:
    return int(time.time() * 1000)


def freeze(process_id: int) -> None:
    os.kill(process_id, signal.SIGSTOP)


def thaw(process_id: int) -> None:
    os.kill(process_id, signal.SIGCONT)
