"""The beat is the loop's own: it goes on while work waits, and stops with the loop."""

import asyncio
import time

import pytest
import structlog.testing

from liq.runtime import beating as beating_module
from liq.runtime.beating import beating, reporting
from liq.runtime.health import Health


@pytest.fixture(autouse=True)
def fast_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beating_module, "BEAT_SECONDS", 0.0)


async def test_work_that_waits_for_others_keeps_beating() -> None:
    health = Health(last_beat=0.0)
    beats: set[float] = set()
    async with beating(health):
        while len(beats) < 3:
            await asyncio.sleep(0)
            beats.add(health.last_beat)
    assert health.alive


async def test_a_loop_that_does_not_turn_does_not_beat() -> None:
    health = Health(last_beat=0.0)
    async with beating(health):
        await asyncio.sleep(0)
        last = health.last_beat
        assert last > 0
        began = time.monotonic()
        while time.monotonic() == began:
            pass
        assert health.last_beat == last


async def test_no_beat_outlives_the_work() -> None:
    health = Health()
    async with beating(health):
        await asyncio.sleep(0)
    last = health.last_beat
    for _ in range(5):
        await asyncio.sleep(0)
    assert health.last_beat == last
    assert len(asyncio.all_tasks()) == 1


async def test_a_report_that_fails_is_logged_and_stops_no_beat() -> None:
    health = Health(last_beat=0.0)

    def fail() -> None:
        raise ValueError("broken")

    with structlog.testing.capture_logs() as logs:
        async with beating(health), reporting(fail):
            await asyncio.sleep(0)
            health.last_beat = 0.0
            for _ in range(5):
                await asyncio.sleep(0)
    assert health.last_beat > 0
    assert [entry["event"] for entry in logs] == ["report_ended"]
