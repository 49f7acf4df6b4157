"""Drills of docs/drills.md about single workers, by the commands of the page."""

import asyncio
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest

from liq.cli.commands.instruments import publish_contracts
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.codec import encode
from liq.schemas.records import Rejected, RejectedEntry
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import AlertType, Caveat, RejectReason
from tests.conftest import MakeSettings, RunWorker
from tests.integration.processors.test_instruments import contract, okx_frame
from tests.integration.processors.test_instruments import publish as publish_frames
from tests.integration.processors.test_replaced_logs import (
    BASES,
    QUIET_MS,
    alerts,
    burst,
    of_type,
    publish,
)
from tests.support.cascade_events import START_MS
from tests.support.drill_pages import command_lines
from tests.support.pipeline_log import run_offline, values

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.usefixtures("broker", "clickhouse"),
]
WaitUntil = Callable[[Callable[[], bool]], None]
#: The reason for which an older normalizer rejected a frame that this one reads.
MENDED: Final = RejectReason.MISSING_FIELD


@pytest.fixture
def settings(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, run_worker: RunWorker
) -> Settings:
    """Settings with topics and tables, and a sink that runs."""
    monkeypatch.setenv("EXCHANGES", "okx")
    made = make_settings(sink_batch_seconds=0.2)
    asyncio.run(ensure_topics(made, made.exchanges))
    assert run_worker("migrate", settings=made, is_task=True).wait() == 0
    run_worker("sink", "clickhouse", settings=made)
    return made


def run_line(settings: Settings, line: str) -> str:
    """Run a command of the page; return its output."""
    word, *arguments = shlex.split(line)
    assert word == "liq"
    done = run_offline(settings, *arguments)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return " ".join(done.stdout.decode().split())


def reject(settings: Settings, frame: bytes, reason: RejectReason) -> None:
    """Publish the rejection of a frame."""
    rejected = Rejected(
        reason=reason,
        detail="",
        exchange="okx",
        feed="public",
        received_at_ms=1_784_000_000_123,
        payload=frame,
        entries=(RejectedEntry(0, reason, ""),),
    )

    async def send() -> None:
        producer = new_producer(settings, "test")
        await producer.start()
        await producer.send_and_wait(settings.topics.rejected, encode(rejected))
        await producer.stop()

    asyncio.run(send())


def test_rejected_frames_go_through_again_by_the_commands_of_the_page(
    settings: Settings, run_worker: RunWorker, wait_until: WaitUntil
) -> None:
    question, *replays = command_lines("Replay after a normalizer's fix")
    normalizer = run_worker("process", "normalize", settings=settings)
    publish_frames(settings, okx_frame("III-USDT-SWAP"), given_up=("III-USDT-SWAP",))
    reject(settings, okx_frame("BTC-USDT-SWAP"), MENDED)
    reasons = {MENDED.value, RejectReason.UNKNOWN_INSTRUMENT.value}
    wait_until(lambda: all(reason in run_line(settings, question) for reason in reasons))
    assert {shlex.split(line)[-1] for line in replays} == reasons
    asyncio.run(publish_contracts(settings, [contract("III-USDT-SWAP", "1")]))
    wait_until(lambda: '"updated": 1' in normalizer.log)
    for line in replays:
        assert run_line(settings, line).startswith("1 frames put through again")
    wait_until(lambda: len(values(settings, settings.topics.events)) == len(reasons))


def test_thresholds_change_by_the_commands_of_the_page(
    settings: Settings,
    run_worker: RunWorker,
    wait_until: WaitUntil,
) -> None:
    backtest, config, up = command_lines("Change thresholds")
    worker = run_worker("process", "detect", settings=settings)
    events = burst("first", 0)
    publish(settings, events, 10_500)
    wait_until(lambda: len(of_type(settings, AlertType.DETECTED)) == len(BASES) + 1)
    counted = "liq sql --format csv 'SELECT count() FROM liquidations FINAL'"
    wait_until(lambda: run_line(settings, counted).endswith(str(len(events))))
    opened = of_type(settings, AlertType.DETECTED)

    words = shlex.split(backtest)
    changed = words[words.index("--set") + 1]
    day = datetime.fromtimestamp(START_MS / SECOND_MS, UTC).date()
    for option, date in (("--since", day), ("--until", day + timedelta(days=1))):
        words[words.index(option) + 1] = date.isoformat()
    compared = run_line(settings, shlex.join(words))
    assert f"{len(events)} events" in compared
    assert "settings" in compared

    name, _, value = changed.partition("=")
    changed_settings = settings.model_copy(update={f"cascade_{name}": Decimal(value)})
    assert f"CASCADE_{name.upper()} │ {value}" in run_line(changed_settings, config)
    assert shlex.split(up) == ["docker", "compose", "up", "--detach", "detect"]
    assert worker.stop() == 0
    run_worker("process", "detect", settings=changed_settings)
    publish(settings, [], QUIET_MS)
    wait_until(lambda: of_type(settings, AlertType.ENDED) == opened)
    ends = [each for each in alerts(settings).values() if each.type is AlertType.ENDED]
    assert {each.caveat for each in ends} == {Caveat.DETECTOR_CHANGED}
