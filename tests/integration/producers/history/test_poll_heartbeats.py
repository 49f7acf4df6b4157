"""A lost polled feed is blind in the heartbeats of the events topic, which alerts are named by."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import pytest

from liq.devstack.exchange.past import LocalHistory
from liq.devstack.exchange.registry import past
from liq.producers.history import run
from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.headers import blind_header
from tests.conftest import RunWorker
from tests.support.histories import TIMING, sources
from tests.support.pipeline_log import read_topic

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

#: Polls every 0.15 s.
QUICK: Final = replace(TIMING, delay_scale=0.01, attempts=1)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("EXCHANGES", "orderly")
    made = make_settings()
    asyncio.run(ensure_topics(made, ("orderly",)))
    return made


def newest(settings: Settings) -> list[tuple[str, ...]]:
    """The blind venues in the newest heartbeat of each events partition."""
    found = read_topic(settings, settings.topics.events).values()
    return [
        blind_header(heartbeats[-1].headers)
        for records in found
        if (heartbeats := [each for each in records if each.value is None])
    ]


def test_a_lost_polled_feed_is_blind_until_its_venue_answers(
    settings: Settings, run_worker: RunWorker, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    run_worker("process", "normalize", settings=settings)

    def is_told(*blind: str) -> bool:
        return newest(settings) == [blind] * settings.topic_partitions

    async def scene(history: LocalHistory) -> None:
        stop = asyncio.Event()
        found = sources("orderly", "liquidations", history.environment)
        worker = asyncio.create_task(
            run(settings, found, {}, health=Health(), stop=stop, timing=QUICK)
        )
        try:
            for status, blind in ((None, ()), (503, ("orderly",)), (None, ())):
                history.status = status
                await asyncio.to_thread(wait_until, partial(is_told, *blind))
        finally:
            stop.set()
            await worker

    with LocalHistory(past("orderly", "liquidations"), scale=TIMING.limit_scale) as history:
        asyncio.run(scene(history))
