"""`liq rehearse`: what live producers make of a capture is what a plain replay writes."""

import asyncio
import gzip
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest

from liq.devstack.exchange.rehearsal import rehearse
from liq.runtime.errors import ConfigurationError
from liq.runtime.health import Health
from liq.runtime.settings import Settings
from liq.schemas.headers import FEED, RATES, RECEIVED_AT_NS, integer_header, text_header
from tests.conftest import RunWorker
from tests.integration.producers.live.conftest import WaitUntil, worker_metric
from tests.support.feed_log import FeedLog
from tests.support.paths import CAPTURES

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker")]

RECORDED = CAPTURES / "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
EXCHANGES = ("binance", "bybit", "okx")


@pytest.fixture
def lines() -> list[dict[str, Any]]:
    with gzip.open(RECORDED, "rb") as opened:
        # Of a cascade, so that all three exchanges are in it.
        found = [orjson.loads(line) for line in islice(opened, 2_000, 2_200)]
    for number, line in enumerate(found):
        line["rates"] = f"BTC={60_000 + number // 7}@1000" if number % 3 else ""
    return found


@pytest.fixture
def capture(tmp_path: Path, lines: list[dict[str, Any]]) -> Path:
    path = tmp_path / "capture.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return path


def received(log: FeedLog) -> list[tuple[int, str, str, bytes, str]]:
    return sorted(
        (
            integer_header(record.headers, RECEIVED_AT_NS) or 0,
            exchange,
            text_header(record.headers, FEED),
            record.value,
            text_header(record.headers, RATES),
        )
        for exchange in EXCHANGES
        for record in log.records(exchange)
    )


def test_every_frame_arrives_with_its_recorded_time(
    settings: Settings,
    run_worker: RunWorker,
    log: FeedLog,
    capture: Path,
    lines: list[dict[str, Any]],
) -> None:
    task = run_worker("rehearse", str(capture), settings=settings, is_task=True)
    assert task.wait() == 0, task.log
    assert f"{len(lines)} frames received" in task.log
    assert received(log) == sorted(
        (
            line["received_at_ns"],
            line["exchange"],
            line["feed"],
            line["frame"].encode(),
            line["rates"],
        )
        for line in lines
    )
    last = max(line["received_at_ns"] for line in lines)
    for exchange in EXCHANGES:
        [heartbeats] = log.heartbeats(exchange).values()
        times = [integer_header(record.headers, RECEIVED_AT_NS) or 0 for record in heartbeats]
        assert times == sorted(times)
        assert times[-1] > last, "readers are told that nothing followed"


def test_at_a_pace_the_clock_runs_on_between_frames_and_never_past_the_next(  # noqa: PLR0913, PLR0917 - fixtures
    settings: Settings,
    run_worker: RunWorker,
    log: FeedLog,
    capture: Path,
    lines: list[dict[str, Any]],
    wait_until: WaitUntil,
) -> None:
    worker = run_worker("rehearse", str(capture), "--speed", "60", settings=settings)
    wait_until(lambda: worker_metric(worker, "liq_frames_total{") >= 1)
    wait_until(lambda: sum(map(len, log.heartbeats("bybit").values())) >= 4)
    assert worker.stop() == 0, worker.log
    count = len(received(log))
    [heartbeats] = log.heartbeats("bybit").values()
    times = [integer_header(record.headers, RECEIVED_AT_NS) or 0 for record in heartbeats]
    assert times == sorted(times)
    assert len(set(times)) > 2
    assert times[-1] <= lines[count]["received_at_ns"], "the next frame is yet to come"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no frames"),
        (b"{}", "damaged"),
        (
            b'{"received_at_ns":1783528952500000000,"exchange":"okx","feed":"new","frame":"{}"}',
            r"No local exchange speaks okx.new",
        ),
    ],
)
async def test_a_capture_that_cannot_be_rehearsed_is_a_sentence(
    content: bytes, word: str, tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=word):
        await rehearse(settings, str(path), None, Health(), asyncio.Event())
