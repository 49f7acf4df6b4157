"""Every worker stays within its container's memory, with the worst backlog before it.

The frames compress well, so that a fetch of some kilobytes becomes hundreds of megabytes as it is
taken; and some of them multiply: a hundred bad entries each, or thousands of good ones.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml

from liq.devstack.progress import PipelineProgress
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.headers import FrameHeaders
from tests.support.paths import ROOT
from tests.support.pipeline_log import run_offline

if TYPE_CHECKING:
    from tests.conftest import RunWorker

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker", "clickhouse")]

RECEIVED_AT_MS = 1_752_833_854_600
MEBIBYTE = 1_048_576
WAIT_SECONDS = 240
LIMITS = {
    name: body["mem_limit"]
    for name, body in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].items()
    if "mem_limit" in body
}
ROW = {"T": RECEIVED_AT_MS, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "2"}


def frame(rows: list[dict[str, Any]], size_bytes: int = 0) -> bytes:
    """Return a frame of Bybit, filled up to a size."""
    document = {"topic": "allLiquidation.BTCUSDT", "data": rows, "pad": ""}
    document["pad"] = "x" * (size_bytes - len(orjson.dumps(document)))
    return orjson.dumps(document)


async def publish(settings: Settings, topic: str, values: Iterable[bytes]) -> None:
    producer = new_producer(settings, "test")
    await producer.start()
    try:
        for number, value in enumerate(values):
            headers = FrameHeaders("bybit", "linear", RECEIVED_AT_MS * 10**6, "test", number)
            await producer.send(topic, value, key=b"%d" % number, headers=headers.encode())
    finally:
        await producer.stop()


def limit_bytes(service: str) -> int:
    """The memory that compose gives a service."""
    number, unit = re.fullmatch(r"(\d+)([mg])", LIMITS[service]).groups()  # type: ignore[union-attr]
    return int(number) * MEBIBYTE * (1024 if unit == "g" else 1)


def peak_bytes(process_id: int) -> int:
    """The most memory that a process had, all of it resident."""
    status = Path(f"/proc/{process_id}/status").read_text()
    [kilobytes] = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kilobytes) * 1024


def lag(settings: Settings, stage: str, *topics: str) -> int:
    async def ask() -> int:
        async with PipelineProgress(settings) as progress:
            return await progress.lag(stage, topics)

    return asyncio.run(ask())


def test_the_worst_backlog_fits_into_every_container(
    make_settings: Callable[..., Settings],
    run_worker: "RunWorker",
    wait_until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXCHANGES", "bybit")
    settings = make_settings(sink_raw_archive=True, sink_max_rejected_share=1)
    topics = settings.topics
    asyncio.run(ensure_topics(settings, ("bybit",)))
    assert run_offline(settings, "migrate").returncode == 0
    bad_row = {**ROW, "v": "x"}
    frames = [
        *[frame([bad_row] * 100, MEBIBYTE)] * 20,
        *[frame([ROW] * 12_000)] * 8,
        *[frame([], MEBIBYTE)] * 300,
    ]
    asyncio.run(publish(settings, topics.raw("bybit"), frames))
    no_events = [b'{"pad":"%s"}' % (b"x" * (MEBIBYTE - 10))] * 150
    asyncio.run(publish(settings, topics.events, no_events))

    workers = {
        "normalize": (run_worker("process", "normalize", settings=settings), [topics.raw("bybit")]),
        "detect": (run_worker("process", "detect", settings=settings), [topics.events]),
    }
    for name, (_, read) in workers.items():
        wait_until(lambda name=name, read=read: lag(settings, name, *read) == 0, WAIT_SECONDS)
    workers["sink"] = (run_worker("sink", "clickhouse", settings=settings), [])
    stored = (topics.raw("bybit"), topics.events, topics.rejected)
    wait_until(lambda: lag(settings, "sink-clickhouse", *stored) == 0, WAIT_SECONDS)
    peaks = {name: peak_bytes(worker.process_id) for name, (worker, _) in workers.items()}
    assert all(peak <= limit_bytes(name) for name, peak in peaks.items()), peaks
