"""SIGKILL at random moments: nothing lost, nothing changed, repeats recognizable."""

import asyncio
import os
import random
import signal
from collections.abc import Callable

import orjson
import pytest

from liq.devstack.progress import PipelineProgress
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from tests.conftest import RunWorker
from tests.support.paths import CAPTURES
from tests.support.pipeline_log import by_id, offline_alerts, values

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(240)]

CAPTURE = CAPTURES / "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
EXCHANGES = ("binance", "bybit", "okx")
EVENTS = 4_765
KILLS = 4
WaitUntil = Callable[..., None]


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", ",".join(EXCHANGES))
    made = make_settings()
    asyncio.run(ensure_topics(made, EXCHANGES))
    return made


def lag(settings: Settings, stage: str, topics: list[str]) -> int:
    async def ask() -> int:
        async with PipelineProgress(settings) as progress:
            return await progress.lag(stage, topics)

    return asyncio.run(ask())


def is_handled(settings: Settings) -> bool:
    raw = [settings.topics.raw(exchange) for exchange in EXCHANGES]
    return (
        lag(settings, "normalize", raw) == 0
        and lag(settings, "detect", [settings.topics.events, settings.topics.pulse]) == 0
    )


def play_while_killing(
    stage: str, settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    """Play the capture through both stages; kill one of them again and again meanwhile.

    Each kill falls at a random amount of new output after the restart, so that it meets the
    worker while it starts, takes over state, handles a batch or commits.
    """
    chance = random.Random(20260710)  # noqa: S311 - picks moments, not secrets
    other = "detect" if stage == "normalize" else "normalize"
    output = settings.topics.events if stage == "normalize" else settings.topics.cascades
    largest_step = 600 if stage == "normalize" else 16
    run_worker("process", other, settings=settings)
    playing = run_worker(
        "replay", str(CAPTURE), "--speed", "20000", settings=settings, is_task=True
    )
    for _ in range(KILLS):
        victim = run_worker("process", stage, settings=settings)
        wanted = len(values(settings, output)) + chance.randint(0, largest_step)
        wait_until(
            lambda wanted=wanted: len(values(settings, output)) >= wanted or is_handled(settings)
        )
        os.kill(victim.process_id, signal.SIGKILL)
        victim.expect_end()
    run_worker("process", stage, settings=settings)
    assert playing.wait(120) == 0
    wait_until(lambda: is_handled(settings), 60)


@pytest.mark.usefixtures("broker")
@pytest.mark.slow
def test_killed_normalizers_lose_nothing(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    play_while_killing("normalize", settings, run_worker, wait_until)
    events = by_id(values(settings, settings.topics.events), "event_id")
    assert len(events) == EVENTS
    large = [event for event in events.values() if orjson.loads(event)["is_institutional"]]
    assert sorted(by_id(values(settings, settings.topics.large), "event_id").values()) == sorted(
        large
    )


@pytest.mark.usefixtures("broker")
@pytest.mark.slow
def test_killed_detectors_lose_and_change_no_alert(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    play_while_killing("detect", settings, run_worker, wait_until)
    alerts = by_id(values(settings, settings.topics.cascades), "alert_id")
    expected = by_id(offline_alerts(settings), "alert_id")
    assert len(expected) > 60
    assert alerts == expected
