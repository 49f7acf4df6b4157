"""Every worker stays within its container's memory, with the worst backlog before it.

The frames compress well, so that a fetch of some kilobytes becomes hundreds of megabytes as it is
taken; and some of them multiply: a hundred bad entries each, or thousands of good ones.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from liq.devstack.broker import Broker
from liq.devstack.kafka.cluster import ApacheKafka
from liq.devstack.progress import PipelineProgress
from liq.runtime.kafka import new_producer
from liq.runtime.settings import Settings
from liq.runtime.topics import ensure_topics
from liq.schemas.headers import FrameHeaders
from tests.support.pipeline_log import run_offline
from tests.support.worker_memory import MEBIBYTE, limit_bytes, peak_bytes

if TYPE_CHECKING:
    from tests.conftest import RunWorker

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("broker", "clickhouse")]

RECEIVED_AT_MS = 1_752_833_854_600
WAIT_SECONDS = 240
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
    chosen_broker: Broker,
) -> None:
    if not isinstance(chosen_broker, ApacheKafka):
        pytest.skip("takes a minute, and fetches of the size that real brokers give: KAFKA=apache")
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
