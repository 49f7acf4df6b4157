"""SIGKILL of the sink and of ClickHouse, at named steps and at random: nothing lost or doubled.

SINK_FAULT_KILLS and SINK_FAULT_EVENTS make the runs longer; `make test-faults` sets them.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import cycle, islice
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.sinks.clickhouse.client import connect
from liq.sinks.clickhouse.migrations import migrate
from tests.conftest import worker_environment
from tests.support.clickhouse_server import Server, needs_server
from tests.support.paths import ROOT
from tests.support.request_proxy import Spoil
from tests.support.sink_flow import Flow, is_loaded
from tests.support.sink_truth import expect_the_truth

KILLS = int(os.environ.get("SINK_FAULT_KILLS", "12"))
EVENTS = int(os.environ.get("SINK_FAULT_EVENTS", "4800"))
EVENTS_BETWEEN_KILLS = EVENTS // KILLS
SINK_PROCESS = ROOT / "tests" / "support" / "sink_process.py"
WAIT_SECONDS = 60.0
LOAD_SECONDS = WAIT_SECONDS + EVENTS / 500
POLL_SECONDS = 0.01

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    needs_server,
    pytest.mark.timeout(120 + 20 * KILLS),
    pytest.mark.usefixtures("broker"),
]

SINK_STEPS = (
    "before_insert",
    "during_insert",
    "after_insert",
    "before_commit",
    "after_commit",
    "random",
)
# Where an insert is when the server is killed: not there yet, somewhere within, stored and not
# answered, anywhere.
SERVER_STEPS = (Spoil.LOSE, Spoil.HOLD, Spoil.LOSE_ANSWER, None)


@contextmanager
def refusing_new_parts(client: Client) -> Iterator[None]:
    client.command("SYSTEM STOP MERGES liquidations")
    client.command("ALTER TABLE liquidations MODIFY SETTING parts_to_throw_insert = 1")
    yield
    client.command("ALTER TABLE liquidations RESET SETTING parts_to_throw_insert")
    client.command("SYSTEM START MERGES liquidations")


@contextmanager
def without_a_table(client: Client) -> Iterator[None]:
    client.command("RENAME TABLE liquidations TO elsewhere")
    yield
    client.command("RENAME TABLE elsewhere TO liquidations")


REFUSALS: dict[int, Callable[[Server, Client], AbstractContextManager[None]]] = {
    60: lambda _server, client: without_a_table(client),
    164: lambda server, _client: server.restarted(readonly="2"),
    241: lambda server, _client: server.restarted(max_memory_usage="1", max_untracked_memory="0"),
    252: lambda _server, client: refusing_new_parts(client),
    516: lambda server, _client: server.restarted(password="another"),
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "clickhouse") as running:
        yield running


@pytest.fixture
def chance() -> random.Random:
    return random.Random(20_260_708)  # noqa: S311 - picks moments and sizes


@pytest.fixture
def settings(make_settings: Callable[..., Settings], server: Server) -> Settings:
    made = make_settings(**server.settings)
    asyncio.run(ensure_topics(made, ()))
    with closing(connect(made, use_database=False)) as client:
        migrate(client, made.clickhouse_database)
    return made


class Sinks:
    """Sink processes of a test, one at a time."""

    def __init__(self, settings: Settings, log: Path, chance: random.Random) -> None:
        self._settings = settings
        self._log = log
        self._chance = chance

    def start(self, dies_at: str = "") -> "subprocess.Popen[bytes]":
        """Each has other batch boundaries."""
        rows = self._chance.randint(EVENTS_BETWEEN_KILLS // 20, EVENTS_BETWEEN_KILLS // 4)
        environment = {
            **os.environ,
            **worker_environment(self._settings),
            "SINK_BATCH_ROWS": str(rows),
            "SINK_BATCH_SECONDS": "0.05",
            **({"DIES_AT": dies_at} if dies_at else {}),
        }
        with self._log.open("a") as log:
            return subprocess.Popen(
                [sys.executable, str(SINK_PROCESS)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )

    @property
    def log(self) -> str:
        """What they wrote."""
        return self._log.read_text(errors="replace")

    @contextmanager
    def running(self) -> Iterator[Callable[[], None]]:
        """One that has to end well; gives what waits until it has loaded the whole log."""
        sink = self.start()

        def wait_until_loaded() -> None:
            wait_until(lambda: sink.poll() is not None or is_loaded(self._settings), LOAD_SECONDS)
            assert sink.poll() is None, self._log.read_text()[-2000:]

        try:
            yield wait_until_loaded
            sink.terminate()
            assert sink.wait(WAIT_SECONDS) == 0, self._log.read_text()[-2000:]
        finally:
            sink.kill()
            sink.wait()


@pytest.fixture
def sinks(settings: Settings, tmp_path: Path, chance: random.Random) -> Sinks:
    return Sinks(settings, tmp_path / "sink.log", chance)


@pytest.fixture
def flow(settings: Settings, chance: random.Random) -> Flow:
    return Flow(settings, chance)


def wait_until(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not true after {seconds:g} s")
        time.sleep(POLL_SECONDS)


def test_killed_sinks_lose_and_double_nothing(
    settings: Settings, sinks: Sinks, flow: Flow, chance: random.Random
) -> None:
    for step in islice(cycle(SINK_STEPS), KILLS):
        flow.publish(EVENTS_BETWEEN_KILLS)
        if step == "random":
            sink = sinks.start()
            with pytest.raises(subprocess.TimeoutExpired):
                sink.wait(chance.uniform(0.3, 1.5))
            sink.kill()
        else:
            sink = sinks.start(dies_at=f"{step}:{chance.randint(1, 3)}")
        assert sink.wait(WAIT_SECONDS) == -signal.SIGKILL, step
    with sinks.running() as wait_until_loaded:
        wait_until_loaded()
    expect_the_truth(settings)


def test_killed_clickhouses_lose_and_double_nothing(
    settings: Settings, server: Server, sinks: Sinks, flow: Flow, chance: random.Random
) -> None:
    for _ in range(KILLS // len(SERVER_STEPS)):
        with sinks.running() as wait_until_loaded:
            for spoil in SERVER_STEPS:
                if spoil is not None:
                    server.proxy.order(spoil, times=1)
                flow.publish(EVENTS_BETWEEN_KILLS)
                if spoil is not None:
                    wait_until(lambda: server.proxy.hits > 0)
                    server.proxy.lift()
                if spoil is None or spoil is Spoil.HOLD:
                    # Somewhere in the insert, or between two of them.
                    time.sleep(chance.uniform(0, 0.03))
                server.kill()
            wait_until_loaded()
    expect_the_truth(settings)


def test_faults_on_the_way_lose_and_double_nothing(
    settings: Settings, server: Server, sinks: Sinks, flow: Flow, chance: random.Random
) -> None:
    with sinks.running() as wait_until_loaded:
        for spoil in chance.sample(list(Spoil), len(Spoil)):
            server.proxy.order(spoil, times=chance.randint(1, 2))
            flow.publish(EVENTS_BETWEEN_KILLS)
            wait_until(lambda: server.proxy.hits > 0)
            server.proxy.lift()
            wait_until_loaded()
    expect_the_truth(settings)


def test_refusals_of_the_server_lose_and_double_nothing(
    settings: Settings, server: Server, sinks: Sinks, flow: Flow
) -> None:
    flow.publish(EVENTS_BETWEEN_KILLS)
    with (
        closing(connect(settings.model_copy(update={"clickhouse_url": server.direct_url}))) as own,
        sinks.running() as wait_until_loaded,
    ):
        wait_until_loaded()
        for code, refusal in REFUSALS.items():
            with refusal(server, own):
                flow.publish(EVENTS_BETWEEN_KILLS)
                wait_until(lambda: f"code: {code}" in sinks.log)  # noqa: B023 - asked at once
            wait_until_loaded()
    expect_the_truth(settings)


def test_an_insert_of_a_dead_sink_that_lands_late_changes_nothing(
    settings: Settings, server: Server, sinks: Sinks, flow: Flow
) -> None:
    """ClickHouse runs it when another sink has stored, and committed, the same records."""
    flow.publish(EVENTS_BETWEEN_KILLS)
    server.proxy.order(Spoil.HOLD, times=1, table="liquidations")
    zombie = sinks.start()
    wait_until(lambda: server.proxy.hits > 0)
    zombie.kill()
    zombie.wait()
    with closing(connect(settings)) as client, sinks.running() as wait_until_loaded:
        wait_until_loaded()
        newest = "SELECT max(ingested_at) FROM liquidations"
        before = client.query(newest).result_rows[0][0]
        server.proxy.lift()
        wait_until(lambda: client.query(newest).result_rows[0][0] > before)
        flow.publish(EVENTS_BETWEEN_KILLS)
        wait_until_loaded()
    expect_the_truth(settings)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM instruments WHERE native_symbol = 'A0-USDT'",
        "INSERT INTO liquidations SELECT * REPLACE ('x' AS event_id) FROM liquidations LIMIT 1",
    ],
)
def test_the_truth_shows_a_lost_and_a_doubled_row(
    settings: Settings, sinks: Sinks, flow: Flow, damage: str
) -> None:
    """So that the other tests can fail."""
    flow.publish(100)
    with sinks.running() as wait_until_loaded:
        wait_until_loaded()
    expect_the_truth(settings)
    with closing(connect(settings)) as client:
        client.command(damage)
    with pytest.raises(AssertionError):
        expect_the_truth(settings)
