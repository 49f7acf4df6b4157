"""Where Faust would lose or hang, one test a hole: each fails without our guard.

docs/faust.md says which guard that is.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from liq.devstack.progress import PipelineProgress
from liq.devstack.supervisor import Child, Supervisor
from liq.processors.workers.batches import EXIT_BATCH_FAILED
from liq.processors.workers.worker import EXIT_STOP_TIMED_OUT
from liq.runtime.errors import DependencyError
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.headers import FrameHeaders
from tests.conftest import RunWorker, worker_environment
from tests.support.engine_process import STRUCK
from tests.support.paths import CAPTURES
from tests.support.pipeline_log import by_id, run_offline, values

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("broker"),
]

ENGINE_PROCESS = "tests.support.engine_process"
CAPTURE = CAPTURES / "2025-07-18_binance.jsonl.gz"
EVENTS = 790
HEARTBEATS = 1  # a replay ends with one
EXCHANGES = ("binance",)
WaitUntil = Callable[..., None]


class Unlucky:
    """Starts workers to which a mishap comes."""

    def __init__(self, supervisor: Supervisor, settings: Settings, hold: Path) -> None:
        self._supervisor = supervisor
        self._settings = settings
        self.hold = hold
        self._count = 0

    def start(self, stage: str, mishap: str, **environment: str) -> str:
        """Start one; its name."""
        self._count += 1
        name = f"unlucky-{self._count}"
        self._supervisor.start(
            Child(
                name=name,
                command=(sys.executable, "-m", ENGINE_PROCESS, stage),
                environment={
                    **worker_environment(self._settings),
                    "MISHAP": mishap,
                    "HOLD": str(self.hold),
                    **environment,
                },
                ends_by_itself=True,
            )
        )
        return name

    def was_struck(self, name: str) -> bool:
        log = self._supervisor.log_path(name).read_text(errors="replace")
        return f'"event": "{STRUCK}"' in log

    def terminate(self, name: str) -> None:
        os.kill(self._supervisor.process_id(name), signal.SIGTERM)

    def wait(self, name: str, seconds: float = 30) -> int:
        return self._supervisor.wait_for_end(name, seconds)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", ",".join(EXCHANGES))
    made = make_settings()
    asyncio.run(ensure_topics(made, EXCHANGES))
    played = run_offline(made, "replay", str(CAPTURE))
    assert played.returncode == 0, played.stderr
    return made


@pytest.fixture
def unlucky(settings: Settings, tmp_path: Path) -> Iterator[Unlucky]:
    hold = tmp_path / "hold"
    hold.touch()
    with Supervisor(tmp_path / "unlucky") as supervisor:
        yield Unlucky(supervisor, settings, hold)


def lag(settings: Settings) -> int:
    async def ask() -> int:
        async with PipelineProgress(settings) as progress:
            return await progress.lag("normalize", [settings.topics.raw("binance")])

    return asyncio.run(ask())


def expect_all_events(settings: Settings, run_worker: RunWorker, wait_until: WaitUntil) -> None:
    """An ordinary worker takes over; afterwards no event may be missing."""
    run_worker("process", "normalize", settings=settings)
    wait_until(lambda: lag(settings) == 0)
    assert len(by_id(values(settings, settings.topics.events), "event_id")) == EVENTS


@pytest.mark.parametrize("mishap", ["fail", "lose"])
def test_a_batch_whose_delivery_fails_is_not_acknowledged(
    mishap: str,
    settings: Settings,
    unlucky: Unlucky,
    run_worker: RunWorker,
    wait_until: WaitUntil,
) -> None:
    worker = unlucky.start("normalize", f"{mishap}:1")
    assert unlucky.wait(worker) == EXIT_BATCH_FAILED
    assert unlucky.was_struck(worker)
    expect_all_events(settings, run_worker, wait_until)


def test_a_batch_under_way_at_a_stop_is_finished_before_it_is_acknowledged(
    settings: Settings, unlucky: Unlucky, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    worker = unlucky.start("normalize", "slow:1")
    wait_until(lambda: unlucky.was_struck(worker))
    unlucky.terminate(worker)
    # Long enough for Faust to stop; a guard that is missing has lost the batch then.
    with suppress(DependencyError):
        unlucky.wait(worker, 3)
    assert lag(settings) == EVENTS + HEARTBEATS
    unlucky.hold.unlink()
    assert unlucky.wait(worker) == 0
    expect_all_events(settings, run_worker, wait_until)


def test_a_batch_whose_agent_is_cancelled_is_not_acknowledged(
    settings: Settings, unlucky: Unlucky, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    worker = unlucky.start("normalize", "slow:1", STREAM_WAIT_EMPTY="false")
    wait_until(lambda: unlucky.was_struck(worker))
    unlucky.terminate(worker)
    assert unlucky.wait(worker) == 0
    assert lag(settings) == EVENTS + HEARTBEATS
    expect_all_events(settings, run_worker, wait_until)


def test_a_worker_that_cannot_finish_its_batch_still_ends_and_commits_nothing_of_it(
    settings: Settings, unlucky: Unlucky, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    worker = unlucky.start("normalize", "hang:1", STOP_LIMIT_SECONDS="3")
    wait_until(lambda: unlucky.was_struck(worker))
    unlucky.terminate(worker)
    assert unlucky.wait(worker) == EXIT_STOP_TIMED_OUT
    expect_all_events(settings, run_worker, wait_until)


def test_a_frame_that_is_too_large_to_reject_whole_does_not_stop_the_stream(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    raw = settings.topics.raw("binance")
    headers = FrameHeaders("binance", "usdm", 1_784_000_000_000_000_000, "test", 0).encode()
    frame = b"[" * 3_900_000  # in base64, more than any topic of ours takes

    async def publish() -> None:
        producer = new_producer(settings, "test")
        await producer.start()
        await producer.send_and_wait(raw, frame, key=b"BTCUSDT", headers=headers)
        await producer.stop()

    asyncio.run(publish())
    expect_all_events(settings, run_worker, wait_until)
    (rejected,) = [orjson.loads(value) for value in values(settings, settings.topics.rejected)]
    assert rejected["reason"] == "not_json"
    assert "3900000" in rejected["detail"]
    assert rejected["source"]["topic"] == raw
