"""What the detecting workers say does not depend on the order within a second, or on repeats."""

import asyncio
import random
from collections.abc import Callable, Sequence

import pytest

from liq.devstack.progress import PipelineProgress
from liq.processors.cascades import CascadeEngine, DetectorConfig
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.schemas.records import Liquidation
from liq.schemas.vocabulary import AlertType
from tests.conftest import RunWorker
from tests.golden.test_cascades import GOLDEN, events_of
from tests.support.log_clock import publish
from tests.support.pipeline_log import values

pytestmark = pytest.mark.integration

QUIET_MS = 200_000


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    made = make_settings()
    asyncio.run(ensure_topics(made, ()))
    return made


def in_order(events: Sequence[Liquidation], until_ms: int) -> list[bytes]:
    """The alerts of one reader of the log as it was recorded."""
    engine = CascadeEngine(DetectorConfig())
    alerts = [alert for place, event in enumerate(events) for alert in engine.apply(event, place)]
    alerts += engine.heartbeat(until_ms, len(events))
    return [encode(alert) for alert in alerts if alert.type is not AlertType.WATCH]


def disordered(events: Sequence[Liquidation]) -> list[Liquidation]:
    """The same in any order within a second of receipt, and every fifth twice."""
    chance = random.Random(20_260_710)  # noqa: S311 - no secrets
    made = [*events, *events[::5]]
    chance.shuffle(made)
    made.sort(key=lambda event: event.received_at_ms // 1_000)
    return made


def is_detected(settings: Settings) -> bool:
    async def lag() -> int:
        async with PipelineProgress(settings) as progress:
            return await progress.lag("detect", [settings.topics.events, settings.topics.pulse])

    return asyncio.run(lag()) == 0


@pytest.mark.parametrize("capture", GOLDEN)
@pytest.mark.usefixtures("broker")
def test_a_disordered_log_with_repeats_gives_the_same_bytes(
    settings: Settings,
    run_worker: RunWorker,
    wait_until: Callable[[Callable[[], bool]], None],
    capture: str,
) -> None:
    events = events_of(capture)
    until_ms = events[-1].received_at_ms + QUIET_MS
    asyncio.run(publish(settings, disordered(events), until_ms))
    run_worker("process", "detect", settings=settings)
    expected = sorted(in_order(events, until_ms))
    assert expected
    wait_until(lambda: len(values(settings, settings.topics.cascades)) >= len(expected))
    wait_until(lambda: is_detected(settings))
    assert sorted(values(settings, settings.topics.cascades)) == expected
